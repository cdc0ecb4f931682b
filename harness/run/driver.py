"""Join the stages: begin runs or take them up again, drive them, collect, report. The only room that knows them all."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from harness.collect.results import collect_batch
from harness.configure.changes import with_overrides
from harness.configure.checks import key_problems
from harness.errors import ConfigError, Stopped
from harness.prepare.approval import refusals
from harness.prepare.packing import Bounds
from harness.prepare.plan import Plan, make_plan
from harness.prepare.ready import Ready
from harness.prepare.repack import repack
from harness.prepare.samples import file_digest
from harness.providers.protocol import load, setup_problems
from harness.report.heading import SIMULATED
from harness.run import conclude, folder, journal
from harness.run.calls import Event, Lane, stray
from harness.run.decide import should_resend
from harness.run.fold import fold
from harness.run.interrupts import Interrupts
from harness.run.loop import Means, Run, drive, record
from harness.run.planning import labelled, ready_all
from harness.run.state import State
from harness.run.view import View
from harness.run.world import World, connect, unserved, world_of
from harness.settings import Settings
from harness.types import BatchFile, Error

if TYPE_CHECKING:
    from harness.configure.compose import Asked, Job

THREADS = 8  # calls at one time, over all runs


@dataclass(frozen=True)
class Ended:
    """How a run ended in this process."""

    label: str
    folder: Path
    code: int  # exit code: 0, 3 or 4
    summary: Mapping[str, Any]
    stopped: str | None  # kind of the stop
    reason: str
    simulated: bool
    flying: int = 0  # batches that may still be under way at the provider


# ------------------------------------------------------------------------------------------------------------ begin


def begin(asked: Asked, console: Console, until: str = "finished") -> list[Ended]:
    """Claim folders, prepare, and drive what was asked. Refused as a whole: ConfigError and no folder."""
    ready = ready_all(asked.jobs)
    wrong = [problem for job in asked.jobs for problem in key_problems(job.settings, os.environ)]
    wrong += [problem for job in asked.jobs for problem in setup_problems(job.settings, os.environ)]
    if wrong:
        raise ConfigError(dict.fromkeys(wrong))
    with ExitStack() as stack:
        claims = [folder.claim(asked.sweep_folder)] if asked.sweep_folder else []
        home = claims[0].path if claims else None
        try:
            for job in asked.jobs:
                claims.append(folder.claim(home / job.folder.name if home else job.folder))
            folders = [claim.path for claim in claims[-len(asked.jobs) :]]
            world = stack.enter_context(world_of([job.settings for job in asked.jobs], folders, home, 0.0, console))
            wrong, plans = [], []
            for number, one in enumerate(ready):
                with labelled(wrong, asked.jobs, number):
                    plans.append(_prepare(asked.jobs[number], one, folders[number], world))
            wrong = wrong or refusals([job.settings for job in asked.jobs], plans)
            wrong = wrong or [line for job in asked.jobs for line in unserved(job.settings, world)]
            if wrong:
                raise ConfigError(dict.fromkeys(wrong))
            for path in folders:
                stack.callback(folder.Lock(path).release)
            if world.emulator is not None:
                world.emulator.ready()
            _announce(asked.jobs, folders, home, console)
        except BaseException as error:
            stack.close()
            for claim in reversed(claims):
                folder.discard(claim)
            if isinstance(error, OSError):
                where = f" ({error.filename})" if error.filename else ""
                raise ConfigError(f"cannot prepare the run: {error.strerror}{where}") from None
            if isinstance(error, KeyboardInterrupt):
                raise ConfigError("interrupted before anything was sent; no folder is left") from None
            raise
        labels = [job.label for job in asked.jobs]
        return _drive(folders, labels, world, until, stack)


def _announce(jobs: Sequence[Job], folders: Sequence[Path], home: Path | None, console: Console) -> None:
    """Say first what will run, and where its output goes."""
    if jobs[0].settings.endpoint.simulated:
        console.print(SIMULATED, style="bold yellow", soft_wrap=True)
        console.print(f"Times are the emulator's: {jobs[0].settings.endpoint.speed:g} of its seconds pass in one.")
    for job, path in zip(jobs, folders, strict=True):
        settings = job.settings
        where = "" if settings.endpoint.simulated else f" at {settings.address()}"
        console.print(f"{settings.task.name} on {settings.model_id()}{where} → {path}", soft_wrap=True)


def _prepare(job: Job, ready: Ready, path: Path, world: World) -> Plan:
    """Write a run folder up to its plan: all of it before anything is sent."""
    run_key = folder.new_run_key()
    log = journal.Journal(path / "journal.jsonl")
    now = round(world.clock.now(), 3)
    log.append({"t": now, "event": "started", "run_key": run_key, "simulated": job.settings.endpoint.simulated})
    folder.write_asked(
        path,
        job.settings,
        snapshot=job.snapshot,
        sources=ready.sources,
        scorers=_own_scorers(job.settings, job.scorers),
    )
    provider = load(job.settings.provider.protocol)
    book = world.books / f"{path.name}.jsonl" if world.books else None
    plan = make_plan(
        ready,
        provider.encoder(ready.fixed),
        provider.line,
        run_key=run_key,
        batches=path / "batches",
        book=book,
    )
    folder.write_json(path / "plan.json", plan)
    log.append({"t": now, "event": "planned", "digest": plan.digest})
    log.close()
    return plan


def _own_scorers(settings: Settings, scorers: Path) -> dict[str, str]:
    """Return the user's scorers that the task names: file name → code."""
    paths = {f"{scorer.kind}.py": scorers / f"{scorer.kind}.py" for scorer in settings.task.scorers.values()}
    return {name: path.read_text(encoding="utf-8") for name, path in paths.items() if path.is_file()}


# ----------------------------------------------------------------------------------------------------------- resume


@dataclass(frozen=True)
class Answers:
    """What a person says to a run that stopped with a question."""

    adopt: Mapping[str, str]  # batch → its id at the provider
    resend: Sequence[str]
    cancel: bool = False


def resume(path: Path, answers: Answers, overrides: Sequence[str], console: Console, until: str) -> Ended:
    """Take a run up where its journal ends."""
    folder.read(path)
    with ExitStack() as stack:
        stack.callback(folder.Lock(path).release)
        stored = folder.read(path)
        events = journal.of_run(path)
        settings = with_overrides(stored.settings, overrides)
        state = fold(stored.batches, events)
        wrong = key_problems(settings, os.environ) or setup_problems(settings, os.environ) or _unasked(state, answers)
        if wrong:
            raise ConfigError(wrong)
        if overrides:
            folder.write_json(path / "settings.json", settings.model_dump(mode="json", by_alias=True))
        if state.finished:
            return _ended(path, "", settings, conclude.write(path, conclude.judging_of(path, settings)), None, "")
        if _has_changed(Path(stored.plan["task"]["dataset"]), stored.plan["digests"]["dataset"]):
            console.print("note: the dataset has changed; this run goes on with what was planned", soft_wrap=True)
        world = stack.enter_context(_world_again(path, settings, events, console))
        return _drive([path], [""], world, until, stack, answers)[0]


def _unasked(state: State, answers: Answers) -> list[str]:
    """Refuse answers to questions that no batch asks: they could orphan a batch that runs well."""
    wrong = []
    for name in (*answers.adopt, *answers.resend):
        batch = state.batches.get(name)
        if batch is None:
            wrong.append(f"there is no batch {name}; have: {', '.join(list(state.batches)[:20])}")
        elif batch.question is None and batch.phase != "intended":
            wrong.append(f"batch {name} asks nothing: it is {batch.status or batch.phase}")
    taken = {batch.id: batch.name for batch in state.batches.values() if batch.id}
    for name, identity in answers.adopt.items():
        if taken.get(identity, name) != name:
            wrong.append(f"{identity} is batch {taken[identity]} already; it cannot be {name} too")
    return wrong


def _world_again(
    path: Path, settings: Settings, events: Sequence[Event], console: Console
) -> AbstractContextManager[World]:
    """Return the world of a run that exists; the emulator of a sweep lies beside its runs."""
    home = path.parent if (path.parent / ".emulator").is_dir() else None
    last = max((event["t"] for event in events), default=0.0)
    return world_of([settings], [path], home, last, console)


def _has_changed(dataset: Path, digest: str) -> bool:
    """Tell whether the dataset is still there and no longer the one that was planned."""
    return dataset.is_file() and file_digest(dataset) != digest


# ------------------------------------------------------------------------------------------------------------ drive


def _drive(
    folders: Sequence[Path],
    labels: Sequence[str],
    world: World,
    until: str,
    stack: ExitStack,
    answers: Answers | None = None,
) -> list[Ended]:
    """Open the runs, drive them in one loop, and write what came of each."""
    view = View(world.console)
    stack.callback(view.close)
    runs = [_open(path, label, world) for path, label in zip(folders, labels, strict=True)]
    for run in runs:
        stack.callback(run.journal.close)
        stack.callback(run.lane.client.close)
    pool = ThreadPoolExecutor(THREADS)
    stack.callback(pool.shutdown)
    with Interrupts() as interrupts:
        means = Means(world.clock, pool, view, lambda: interrupts.reason, random.Random())
        if answers is not None:
            _take_answers(runs[0], means, answers)
        drive(runs, means, until)
    view.close()
    return [_finish(run) for run in runs]


def _open(path: Path, label: str, world: World) -> Run:
    """Read a run folder and connect to its provider."""
    stored = folder.read(path)
    events = journal.of_run(path)
    settings, provider = stored.settings, load(stored.settings.provider.protocol)
    client = connect(provider, settings, world)
    clean_words = conclude.scrubber(settings)
    state = fold(stored.batches, events)
    judging = conclude.judging_of(path, settings)

    def collect(batch: Path, error: Error | None) -> Event:
        collected = collect_batch(batch, conclude.scrubbed(provider.decode, clean_words), judging, error)
        return conclude.as_event(batch, collected, partial(should_resend, settings=settings))

    def again(parents: Sequence[str], first: int, wave: int) -> tuple[BatchFile, ...]:
        limits = settings.provider.limits
        bounds = Bounds(settings.batch.size, limits.batch_bytes, limits.line_bytes, limits.enqueued_tokens)

        def unanswered(result: Mapping[str, Any]) -> bool:
            kind = (result["error"] or {}).get("class")
            return should_resend(result["outcome"], kind, result["attempts"], settings=settings)

        return repack(
            path / "batches", parents, unanswered, run_key=state.run_key, first=first, bounds=bounds, wave=wave
        )

    lane = Lane(provider, client, settings, path, state.run_key, collect, clean_words)
    return Run(label, settings, state, journal.Journal(path / "journal.jsonl"), lane, again)


def _take_answers(run: Run, means: Means, answers: Answers) -> None:
    """Begin a resumed run: patience starts anew, then a person's answers hold."""
    record(run, means, {"event": "resumed"})
    if answers.cancel:
        record(run, means, {"event": "cancel"})
    for name, identity in answers.adopt.items():
        record(run, means, {"event": "created", "batch": name, "id": identity, "adopted": True})
    for name in answers.resend:
        if run.state.batches[name].phase == "intended":
            again = {"call": "create", "kind": "asked", "message": "sent again as you asked", "retry_at": 0.0}
            record(run, means, {"event": "failed", "batch": name, **again})
        else:
            record(run, means, {"event": "abandoned", "batch": name, "reason": "sent again as you asked"})


def _finish(run: Run) -> Ended:
    """Write what can be written; with its folder gone or its disk full, that is nothing."""
    state = run.state
    path = run.lane.folder
    if state.stopped in ("folder", "disk"):
        return Ended(run.label, path, 3, {}, state.stopped, state.reason, run.settings.endpoint.simulated)
    try:
        summary = conclude.write(path, conclude.judging_of(path, run.settings))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        reason = f"{error.strerror}{where}; what was answered is safe, make room and resume"
        return Ended(run.label, path, 3, {}, "disk", reason, run.settings.endpoint.simulated)
    flying = state.count("intended", "created")
    return replace(_ended(path, run.label, run.settings, summary, state.stopped, state.reason), flying=flying)


def _ended(
    path: Path, label: str, settings: Settings, summary: Mapping[str, Any], stopped: str | None, reason: str
) -> Ended:
    """Give a run its exit code."""
    simulated = settings.endpoint.simulated
    if stopped is not None:
        return Ended(label, path, 3, summary, stopped, reason, simulated)
    covered = (summary["coverage"] or 0.0) >= settings.batch.min_coverage
    return Ended(label, path, 0 if covered else 4, summary, None, "", simulated)


def clean(path: Path, console: Console) -> int:
    """Delete what is ours at the provider and return how many files that were."""
    stored = folder.read(path)
    provider = stored.settings.provider
    wrong = key_problems(stored.settings, os.environ) or setup_problems(stored.settings, os.environ)
    if not provider.deletes_files:
        wrong = [f"{provider.name} has no call that deletes a file; what it keeps, it keeps until it expires"]
    if wrong:
        raise ConfigError(wrong)
    with ExitStack() as stack:
        stack.callback(folder.Lock(path).release)
        events = journal.of_run(path)
        state = fold(stored.batches, events)
        running = [batch.name for batch in state.batches.values() if batch.phase in ("intended", "created")]
        if running:
            raise Stopped(
                f"{path}: batches {', '.join(running[:10])} are still at the provider; resume or cancel first"
            )
        world = stack.enter_context(_world_again(path, stored.settings, events, console))
        run = _open(path, "", world)
        stack.callback(run.journal.close)
        stack.callback(run.lane.client.close)
        known = {file for batch in state.batches.values() for file in (batch.file, *batch.files.values()) if file}
        gone = {file for event in events if event["event"] == "cleaned" for file in event["files"]}
        files = sorted((known - gone) | stray(run.lane))
        return run.lane.provider.clean(run.lane.client, files)
