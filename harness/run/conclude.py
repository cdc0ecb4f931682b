"""Write what a run has come to: results, errors, summary, metadata and report; at its end, or on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from harness.collect.judging import Judging
from harness.collect.merge import Part, merge
from harness.collect.results import Collected, collect_batch
from harness.collect.run_files import write_run_results
from harness.collect.scorers import label_readers
from harness.configure.secrets import known_secrets, scrub
from harness.errors import ConfigError, HarnessError
from harness.pricing import from_dict
from harness.providers.protocol import load
from harness.report import markdown
from harness.report.heading import Heading, SweepRow
from harness.report.summary import Summary
from harness.report.terminal import print_report
from harness.run import folder, journal
from harness.run.calls import NEVER_SENT, Event
from harness.run.fold import fold
from harness.run.metadata import metadata
from harness.run.state import BatchState, State
from harness.settings import Settings
from harness.types import Error, Response

ShouldResend = Callable[[str, str | None, int], bool]  # outcome, error class, attempt
STOPPING = ("billing", "auth")


def as_event(batch: Path, collected: Collected, should: ShouldResend) -> Event:
    """Sum a collected batch up for the journal; `resend` counts what is to be sent again."""
    fatal = next(((kind, collected.first_errors[kind]) for kind in STOPPING if kind in collected.error_classes), None)
    doubtful = ("duplicates", "disagreements", "strangers", "broken")
    return {
        "outcomes": dict(collected.outcomes),
        "errors": dict(collected.error_classes),
        "doubts": {name: getattr(collected, name) for name in doubtful if getattr(collected, name)},
        "scorer_failures": dict(collected.scorer_failures),
        "first_scorer_failures": dict(collected.first_scorer_failures),
        "permanent": collected.permanent_error,
        "fatal": fatal,
        "cost": collected.cost,
        "said": next(iter(collected.first_errors.values()), None),
        "resend": _resend(batch, collected, should),
    }


def _resend(batch: Path, collected: Collected, should: ShouldResend) -> int:
    """Count the requests that are sent again; a batch that was answered in full needs no second reading."""
    if not any(should(outcome, kind, 0) for outcome in collected.outcomes for kind in (*collected.error_classes, None)):
        return 0
    with (batch / "results.jsonl").open("rb") as lines:
        results = map(orjson.loads, lines)
        return sum(should(one["outcome"], (one["error"] or {}).get("class"), one["attempts"]) for one in results)


def write(path: Path, judging: Judging) -> dict[str, Any]:
    """Merge the collected batches into the run's result files and reports, and return summary.json."""
    stored = folder.read(path)
    events = journal.of_run(path)
    state = fold(stored.batches, events)
    parts = [Part(path / "batches" / batch.name, batch.first_row) for batch in state.batches.values()]
    collected = [event for event in events if event["event"] == "collected"]
    last = events[-1]["t"] if events else state.first_at
    results = merge(parts, judging)
    return write_files(
        path, stored.settings, plan=stored.plan, state=state, last=last, results=results, collected=collected
    )


def write_files(
    path: Path,
    settings: Settings,
    *,
    plan: Mapping[str, Any],
    state: State,
    last: float,
    results: Iterable[Mapping[str, Any]],
    collected: Sequence[Event],
    notes: Sequence[str] = (),
    texts: bool = True,
) -> dict[str, Any]:
    """Write merged results, errors, summary, metadata and report into a folder, and return summary.json.

    `collected` tells what was found in each batch, as `as_event` does; `texts`: the single answers as well.
    """
    epochs = settings.task.epochs
    summary = Summary(
        settings.task.scorers,
        epochs=epochs.count,
        reduce=epochs.reducer,
        k=epochs.k,
        unscored=settings.task.unscored,
        labels=label_readers(settings.task.scorers),
    )
    written = write_run_results(
        path,
        results,
        requests=plan["counts"]["requests"],
        epochs=epochs.count,
        txt_limit=settings.output.txt_limit if texts else 0,
        feed=summary.add,
    )
    data = summary.to_dict(plan["cost"])
    told = [*notes, *_notes(plan, written.note if texts else None, collected)]
    facts = metadata(state, last, plan, data, told)
    folder.write_json(path / "summary.json", data)
    folder.write_json(path / "metadata.json", facts)
    heading = heading_of(plan, facts)
    folder.write_bytes(path / "report.md", markdown.report(heading, data).encode())
    return data


def judging_of(path: Path, settings: Settings) -> Judging:
    """Read from a run folder how its answers are judged."""
    stored = folder.read(path)
    name = settings.task.answer_schema
    try:
        schema = orjson.loads((path / "task" / name).read_bytes()) if name else None
    except (OSError, orjson.JSONDecodeError) as error:
        raise HarnessError(f"{path}: task/{name} is missing or damaged ({error}); restore it from a copy") from None
    return Judging(
        schema=schema,
        nullable=tuple(tuple(where) for where in stored.plan["answer"]["nullable"]),
        extract=settings.task.extract,
        scorers=settings.task.scorers,
        unscored=settings.task.unscored,
        model=stored.plan["model"]["id"],
        rates=from_dict(stored.plan["prices"]["rates"]),
        simulated=settings.endpoint.simulated,
        scorer_folder=path / "task" / "scorers",
    )


def scrubber(settings: Settings) -> Callable[[str], str]:
    """Return the function that takes keys out of a provider's words before they are written anywhere."""
    key = os.environ.get(settings.key_variable() or "", "")
    secrets = (*known_secrets(os.environ), *((key,) if len(key) >= 8 else ()))
    return lambda text: scrub(text, secrets)


def scrubbed(decode: Callable[[bytes], Response], clean_words: Callable[[str], str]) -> Callable[[bytes], Response]:
    """Decode with the provider's error messages scrubbed; its raw bytes stay as they are."""

    def decode_clean(line: bytes) -> Response:
        response = decode(line)
        if response.error is None:
            return response
        return replace(response, error=replace(response.error, message=clean_words(response.error.message)))

    return decode_clean


def rebuild(path: Path) -> dict[str, Any]:
    """Make results, scores and report again from the provider's own bytes; nothing is called.

    While another process drives the run, what that one has collected is taken as it is.
    """
    stored = folder.read(path)
    judging = judging_of(path, stored.settings)
    if not folder.is_driven(path):
        state = fold(stored.batches, events := journal.of_run(path))
        hold_bytes(path, events)
        decode = scrubbed(load(stored.settings.provider.protocol).decode, scrubber(stored.settings))
        for batch in state.batches.values():
            if batch.phase in ("collected", "done"):
                collect_batch(path / "batches" / batch.name, decode, judging, error_of(state, batch))
    return write(path, judging)


def export(paths: Sequence[Path], form: str, out: Path | None) -> tuple[Path, int]:
    """Rebuild runs and write their results as one table; return where it lies and its number of lines."""
    from harness.report.export import Source
    from harness.report.export import export as write_table

    target = out or paths[0] / f"results.{form}"
    if target.suffix != f".{form}":
        raise ConfigError(f"--out: {target}: the name must end in .{form}")
    home = target.resolve().parent
    ours = home in [path.resolve() for path in paths] and target.name == f"results.{form}"
    if not ours and any((parent / "plan.json").is_file() for parent in (home, *home.parents)):
        raise ConfigError(f"--out: {target} lies in a run's folder; name a file outside of it")
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError("a run is named twice; its lines would stand twice in the table")
    names = [path.resolve().name for path in paths]
    sources = []
    for path, name in zip(paths, names, strict=True):
        rebuild(path)
        task = folder.read(path).settings.task
        label = name if names.count(name) == 1 else str(path)
        metadata_columns = task.dataset.metadata
        sources.append(Source(label, task.name, path / "results.jsonl", list(task.scorers), metadata_columns))
    return target, write_table(sources, form, target)


def hold_bytes(path: Path, events: Sequence[Event]) -> None:
    """Hold that the provider's bytes are as long as when they were fetched: what is gone must not count as missing."""
    for batch, size in {event["batch"]: event["bytes"] for event in events if event["event"] == "fetched"}.items():
        files = [path / "batches" / batch / name for name in ("output.jsonl", "errors.jsonl")]
        there = sum(file.stat().st_size for file in files if file.exists())
        if there != size:
            raise HarnessError(
                f"{path}: the provider's files of batch {batch} have {there:,} bytes, but {size:,} were fetched; "
                "restore them from a copy"
            )


def error_of(state: State, batch: BatchState) -> Error | None:
    """Return why no request of a batch was answered, where that holds for all of it."""
    if batch.id is None and state.cancelled:
        return NEVER_SENT
    return Error(**batch.error) if batch.error else None


def heading_of(plan: Mapping[str, Any], facts: Mapping[str, Any]) -> Heading:
    """Return what a report says above its numbers."""
    return Heading(
        task=plan["task"]["name"],
        model=plan["model"]["id"],
        provider=plan["destination"]["provider"],
        host=plan["destination"]["host"],
        simulated=plan["simulated"],
        started=facts["times"]["started"],
        finished=facts["times"]["ended"],
        batches=facts["batches"]["total"],
        rules=plan["rules"],
        estimate=plan["cost"],
        notes=facts["notes"],
    )


def _notes(plan: Mapping[str, Any], note: str | None, collected: Sequence[Event]) -> list[str]:
    """Say what a reader of the results should know."""
    failing: Counter[str] = Counter()
    first: dict[str, str] = {}
    doubts: Counter[str] = Counter()
    for event in collected:
        failing.update(event["scorer_failures"])
        doubts.update(event["doubts"])
        first |= {name: text for name, text in event["first_scorer_failures"].items() if name not in first}
    return [
        *plan["notes"],
        *([note] if note else []),
        *(f"scorer {name} failed {count} times, first: {first[name]}" for name, count in failing.items()),
        *(f"{count} {name} in the provider's files" for name, count in doubts.items()),
    ]


def write_sweep(path: Path, rows: Sequence[tuple[str, Path, int, str | None, Mapping[str, Any]]]) -> list[SweepRow]:
    """Write sweep.json and sweep.md: one line per run (label, folder, exit code, kind of stop, summary)."""
    table = [
        SweepRow(label or run.name, f"stopped: {stopped}" if stopped else "finished", summary or None)
        for label, run, _, stopped, summary in rows
    ]
    runs = [
        {"overrides": label, "folder": run.name, "exit_code": code, "stopped": stopped, "summary": summary or None}
        for label, run, code, stopped, summary in rows
    ]
    folder.write_json(path / "sweep.json", {"runs": runs})
    folder.write_bytes(path / "sweep.md", markdown.sweep(table).encode())
    return table


def show(console: Console, path: Path, summary: Mapping[str, Any], run: Path | None = None) -> None:
    """Print a report on a terminal: of a run, or of its results in another folder."""
    stored = folder.read(run or path)
    facts = orjson.loads((path / "metadata.json").read_bytes())
    print_report(console, heading_of(stored.plan, facts), summary)
    for note in facts["notes"]:
        console.print(f"note: {note}", soft_wrap=True)
