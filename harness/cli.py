"""The command line: which command, its help, its exit code. A thin skin over the rest."""

from __future__ import annotations

import difflib
import errno
import io
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import HarnessError, ProviderError, Stopped

if TYPE_CHECKING:
    from rich.console import Console

    from harness.configure.compose import Asked
    from harness.run.driver import Ended

DONE, UNHELD, REFUSED, RESUMABLE, UNCOVERED, BUG = 0, 1, 2, 3, 4, 70
WORST_FIRST = (BUG, RESUMABLE, UNCOVERED, DONE)
# What a disk, its rights and the limits of the system bring about; any other OSError is a bug of ours.
OF_THE_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EMFILE, errno.ENFILE, errno.EIO),
}
PIPED = 160  # columns of output that goes to no terminal


def entry() -> NoReturn:
    """Run the process's command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):  # None where it was closed, as by a daemon
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows ASCII only is no reason to stop
    try:
        code = main(sys.argv[1:])
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()
        code = DONE
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the work is done: the exit code stands
    sys.exit(code)


def main(words: Sequence[str]) -> int:
    """Run one command line and return its exit code; a mistake of the user is a line each, a bug its traceback."""
    if list(words) == ["--version"]:
        from harness import __version__

        print(f"harness {__version__}")
        return DONE
    try:
        command, rest = split(words)
        return COMMANDS[command](rest)
    except Stopped as stopped:
        print(stopped, file=sys.stderr)
        return RESUMABLE
    except ProviderError as error:
        print(error, file=sys.stderr)
        return RESUMABLE
    except HarnessError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("interrupted; `python -m harness status` lists the runs that can be resumed", file=sys.stderr)
        return RESUMABLE
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno not in OF_THE_MACHINE:
            return _bug()
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}{error.strerror or error}; mend it, then say the same again", file=sys.stderr)
        return RESUMABLE
    except Exception:
        return _bug()


def _bug() -> int:
    """Show where we went wrong."""
    traceback.print_exc()
    print("this is a bug in harness; what was sent is safe, `resume` goes on with it", file=sys.stderr)
    return BUG


def split(words: Sequence[str]) -> tuple[str, list[str]]:
    """Part the command from its words: the first one without `=` and without a leading `-`, `+` or `~`."""
    if not words:
        return "run", []
    first = words[0]
    if first in ("-h", "--help", "help"):
        return "help", list(words[1:])
    at = _command_at(words)
    if at is None:
        return "run", list(words)
    command = words[at]
    if command in COMMANDS:
        return command, [*words[:at], *words[at + 1 :]]
    near = difflib.get_close_matches(command, COMMANDS, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else "See `python -m harness --help`."
    raise HarnessError(f"unknown command '{command}'. {hint}")


def _command_at(words: Sequence[str]) -> int | None:
    """Return where the command stands: the first word without `=` and without a leading `-`, `+` or `~`."""
    from harness.configure.dispatch import WITH_VALUE

    takes_value = {*WITH_VALUE, "--info", "-i", "--format", "--out"}
    for at, word in enumerate(words):
        if word and word[0] not in "-+~" and "=" not in word and (at == 0 or words[at - 1] not in takes_value):
            return at
    return None


def _wants_help(words: Sequence[str]) -> bool:
    return any(word in ("-h", "--help") for word in words)


def _console() -> Console:
    from rich.console import Console

    class Patient(Console):
        """A console whose reader may leave, as in `| head`: the run goes on without being watched."""

        def on_broken_pipe(self) -> None:
            """Write to nowhere from here on."""
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    # Where nobody watches, a table is as wide as it likes: what is cut cannot be searched for.
    watched = "COLUMNS" in os.environ or (sys.stdout is not None and sys.stdout.isatty())
    return Patient(highlight=False, emoji=False, markup=False, width=None if watched else PIPED)


# ------------------------------------------------------------------------------------------------- commands with Hydra


def run(words: Sequence[str]) -> int:
    """Run an experiment, or with -m a sweep of them."""
    if _wants_help(words):
        return _show("run")
    from harness.configure.dispatch import launch

    until = "submitted" if "--detach" in words else "finished"
    return launch([word for word in words if word != "--detach"], lambda asked: _begin(asked, until))


def _begin(asked: Asked, until: str) -> int:
    from harness.run.driver import begin

    console = _console()
    ended = begin(asked, console, until)
    if asked.sweep_folder is None:
        _print_run(console, ended[0])
        return ended[0].code
    return _print_sweep(console, ended)


def _print_run(console: Console, ended: Ended) -> None:
    """Print what came of a run, where it lies, and the command that goes on."""
    if ended.summary:
        from harness.run.conclude import show

        console.print()
        show(console, ended.folder, ended.summary)
    console.print()
    if ended.stopped:
        console.print(f"stopped ({ended.stopped}): {ended.reason}", soft_wrap=True)
        if ended.stopped != "folder":
            if ended.simulated:
                console.print("Nothing was paid; simulated time stands still until you go on.")
            elif ended.flying:
                console.print("What was submitted goes on at the provider, and costs what it costs.")
            for way in _ways_on(ended.folder):
                console.print(f"go on:   {way}", soft_wrap=True)
    if ended.summary:
        console.print(f"report:  {ended.folder / 'report.md'}", soft_wrap=True)
        console.print(f"results: {ended.folder / 'results.jsonl'}", soft_wrap=True)


def _ways_on(path: Path) -> list[str]:
    from harness.run import folder, journal
    from harness.run.fold import fold
    from harness.run.status import ways_on

    try:
        return ways_on(path, fold(folder.read(path).batches, journal.of_run(path)))
    except (HarnessError, OSError):  # the folder is gone, or its disk
        return [f"python -m harness resume {path}"]


def _print_sweep(console: Console, ended: Sequence[Ended]) -> int:
    from harness.report.terminal import sweep_table
    from harness.run.conclude import write_sweep

    home = ended[0].folder.parent
    table = write_sweep(home, [(one.label, one.folder, one.code, one.stopped, one.summary) for one in ended])
    console.print()
    console.print(sweep_table(table))
    console.print()
    for one in ended:
        if one.stopped:
            for way in _ways_on(one.folder):
                console.print(f"go on:   {way}   ({one.reason})", soft_wrap=True)
    console.print(f"sweep:   {home / 'sweep.md'}", soft_wrap=True)
    return next(code for code in WORST_FIRST if any(one.code == code for one in ended))


def plan(words: Sequence[str]) -> int:
    """Show what a run would send."""
    if _wants_help(words):
        return _show("plan")
    from harness.configure.dispatch import launch

    form, rest = _option(words, "--format", ("terminal", "markdown", "json"))

    def show(asked: Asked) -> int:
        from harness.prepare.approval import whole_digest
        from harness.report.plans import print_plans
        from harness.run.planning import plan_all

        plans = plan_all(asked)
        print_plans(_console(), plans, form, whole_digest(plans))
        return DONE

    return launch(rest, show)


def doctor(words: Sequence[str]) -> int:
    """Say whether a provider can be used, and what of ours lies there."""
    if _wants_help(words):
        return _show("doctor")
    from harness.configure.dispatch import launch

    rest = [word for word in words if word != "--clean"]
    asks_model = any(word.startswith(("model=", "model.", "experiment=")) for word in rest)
    # With a provider alone, the model that a run begins with may be one that it does not serve: then none is asked for.
    elsewhere = not asks_model and any(word.startswith("provider=") for word in rest)

    def examine(asked: Asked) -> int:
        from harness.run import doctor

        well = doctor.examine(asked, _console(), clean="--clean" in words, model=not elsewhere)
        return DONE if well else RESUMABLE

    return launch([*rest, "model=custom", "model.id=any"] if elsewhere else rest, examine)


def _option(words: Sequence[str], name: str, choices: Sequence[str]) -> tuple[str, list[str]]:
    """Take `--name value` or `--name=value` out of the words; the first choice is the default."""
    rest, found = [], choices[0]
    waiting = iter(words)
    for word in waiting:
        if word == name or word.startswith(name + "="):
            found = word.partition("=")[2] or next(waiting, "")
            if found not in choices:
                raise HarnessError(f"{name}: one of {', '.join(choices)} is expected (got {found!r})")
        else:
            rest.append(word)
    return found, rest


# ------------------------------------------------------------------------------------------ commands on a run folder


def resume(words: Sequence[str]) -> int:
    """Take a run up again."""
    parser = _parser("resume")
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("overrides", nargs="*", help="output.* and batch.* settings that may still change")
    parser.add_argument(
        "--once", action="store_true", help="look once, do what is due, then leave (exit 3 if not done)"
    )
    parser.add_argument("--adopt", action="append", default=[], metavar="BATCH=ID", help="this batch is that one")
    parser.add_argument("--resend", action="append", default=[], metavar="BATCH", help="send it again; may pay twice")
    options = parser.parse_intermixed_args(words)
    pairs = [word.partition("=") for word in options.adopt]
    if any(not equals or not identity for _, equals, identity in pairs):
        raise HarnessError("--adopt: a batch and its id are expected, such as --adopt 0003=batch_68f0")
    from harness.run.driver import Answers
    from harness.run.driver import resume as go_on

    answers = Answers({name: identity for name, _, identity in pairs}, options.resend)
    console = _console()
    ended = go_on(options.run, answers, options.overrides, console, "look" if options.once else "finished")
    _print_run(console, ended)
    return ended.code


def cancel(words: Sequence[str]) -> int:
    """Cancel a run's batches and collect what was answered."""
    parser = _parser("cancel")
    parser.add_argument("run", type=Path, help="the run's folder")
    options = parser.parse_args(words)
    from harness.run import folder
    from harness.run.driver import Answers
    from harness.run.driver import resume as go_on

    console = _console()
    folder.read(options.run)
    if folder.is_driven(options.run):
        folder.leave_note(options.run, "cancel")
        console.print("another process drives this run; it was told to cancel and will collect what was answered")
        return DONE
    ended = go_on(options.run, Answers({}, (), cancel=True), [], console, "finished")
    _print_run(console, ended)
    return ended.code


def status(words: Sequence[str]) -> int:
    """Say where runs stand, from their journals; nothing is called."""
    parser = _parser("status")
    parser.add_argument("run", type=Path, nargs="?", help="a run's folder; without it, the newest runs under outputs/")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(words)
    from harness.run.status import print_newest, print_status

    if options.run is None:
        print_newest(_console(), Path("outputs"))
    else:
        print_status(_console(), options.run, as_json=options.json)
    return DONE


_FORMAT_HELP = "csv, parquet: one table, a line per request, all runs side by side"


def report(words: Sequence[str]) -> int:
    """Rebuild results and report from the provider's own bytes."""
    parser = _parser("report")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--format", choices=("terminal", "csv", "parquet"), default="terminal", help=_FORMAT_HELP)
    parser.add_argument("--out", type=Path, help="where the table goes (default: results.csv or .parquet in the run)")
    options = parser.parse_args(words)
    from harness.run.conclude import export, rebuild, show

    console = _console()
    if options.format != "terminal":
        if options.out is None and len(options.runs) > 1:
            raise HarnessError("--out: name the file; the table of several runs belongs to none of their folders")
        path, count = export(options.runs, options.format, options.out)
        console.print(f"table:   {path} ({count:,} lines)", soft_wrap=True)
        return DONE
    if options.out is not None:
        raise HarnessError("--out: only with --format csv or parquet; report.md lies in the run's folder")
    for path in options.runs:
        show(console, path, rebuild(path))
        console.print(f"\nreport:  {path / 'report.md'}", soft_wrap=True)
    return DONE


def score(words: Sequence[str]) -> int:
    """Judge a run's answers anew, beside the old results."""
    parser = _parser("score")
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("overrides", nargs="*", help="task.schema, task.extract, task.scorers.… and the like")
    options = parser.parse_args(words)
    from harness.configure.compose import template_roots
    from harness.run.conclude import show
    from harness.run.rescore import rescore

    found = rescore(options.run, options.overrides, template_roots(), Path.cwd() / "scorers")
    console = _console()
    show(console, found.folder, found.summary, options.run)
    console.print(f"\nreport:  {found.folder / 'report.md'}", soft_wrap=True)
    console.print(f"results: {found.folder / 'results.jsonl'}", soft_wrap=True)
    return DONE


def check(words: Sequence[str]) -> int:
    """Hold a run against expressions."""
    parser = _parser("check")
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("expressions", nargs="+", metavar="EXPR", help="such as 'score>=0.8' or 'coverage>=0.99'")
    parser.add_argument("--simulated", action="store_true", help="accept a simulated run")
    options = parser.parse_args(words)
    import harness
    from harness.report.check import check as hold

    found = harness.open(options.run)
    summary, state = found.summary, found.metadata["state"]
    if summary["simulated"] and not options.simulated:
        raise HarnessError(f"{options.run}: a simulated run proves nothing about a model; add --simulated to check it")
    if state != "finished":
        raise HarnessError(f"{options.run}: {state}; finish it first with `python -m harness resume {options.run}`")
    held = [hold(summary, expression) for expression in options.expressions]
    for one in held:
        value = "unknown" if one.value is None else f"{one.value:.6g}"
        print(f"{'holds' if one.holds else 'FAILS'}  {one.expression}  (is {value})")
    return DONE if all(one.holds for one in held) else UNHELD


def clean(words: Sequence[str]) -> int:
    """Delete what a run left at the provider."""
    parser = _parser("clean")
    parser.add_argument("run", type=Path, help="the run's folder")
    options = parser.parse_args(words)
    from harness.run.driver import clean as sweep_up

    count = sweep_up(options.run, _console())
    print(f"deleted at the provider: {count} file{'' if count == 1 else 's'} of this run")
    return DONE


# --------------------------------------------------------------------------------------------------------------- others


def init(words: Sequence[str]) -> int:
    """Begin a project folder."""
    parser = _parser("init")
    parser.add_argument("folder", help="where the project goes; it may exist")
    options = parser.parse_args(words)
    if not options.folder:
        raise HarnessError("init: name a folder; `init .` is the one that you are in")
    from harness.configure.starting import begin_project

    for path in begin_project(Path(options.folder)):
        print(path)
    here = Path(options.folder).resolve() == Path.cwd()
    print(f"\nrun it:  {'' if here else f'cd {shlex.quote(options.folder)} && '}python -m harness")
    return DONE


def schema(words: Sequence[str]) -> int:
    """Print the JSON Schema of a file that we write."""
    folder = Path(__file__).parent / "schemas"
    names = sorted(path.stem for path in folder.glob("*.json"))
    parser = _parser("schema")
    parser.add_argument("name", choices=names, help="the file")
    print((folder / f"{parser.parse_args(words).name}.json").read_text(encoding="utf-8"), end="")
    return DONE


def emulator(words: Sequence[str]) -> int:
    """Serve the emulator alone."""
    from harness.emulator.serve import main as serve

    return serve(words)


def show_help(words: Sequence[str]) -> int:
    """Print the overview, or a command's help."""
    if words and words[0] in COMMANDS and words[0] != "help":
        return COMMANDS[words[0]](["--help"])
    return _show("help")


def _show(name: str) -> int:
    from harness.help import TEXTS

    print(TEXTS[name].strip())
    return DONE


def _parser(name: str) -> Any:
    """Return the parser of a command, with its description and its example."""
    import argparse

    from harness.help import TEXTS

    description, _, example = TEXTS[name].strip().partition("\n\n")
    return argparse.ArgumentParser(
        prog=f"python -m harness {name}",
        description=description,
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run,
    "plan": plan,
    "resume": resume,
    "status": status,
    "cancel": cancel,
    "report": report,
    "score": score,
    "check": check,
    "clean": clean,
    "doctor": doctor,
    "init": init,
    "schema": schema,
    "emulator": emulator,
    "help": show_help,
}
