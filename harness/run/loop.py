"""Drive runs to their end: obey the decisions, write down what happened, wait. One loop for any number of runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass, field
from typing import Protocol

from harness.errors import HarnessError, ProviderError
from harness.run import calls, folder
from harness.run.actions import (
    Abandon,
    Action,
    Ask,
    Cancel,
    Clean,
    Collect,
    Create,
    Fetch,
    Find,
    Finish,
    Poll,
    Repack,
    Stop,
    Take,
    Upload,
)
from harness.run.calls import Event, Lane
from harness.run.clock import Clock
from harness.run.decide import GROWTH, backoff, next_actions, settled, wake_at
from harness.run.fold import apply
from harness.run.journal import Journal
from harness.run.state import State
from harness.settings import Settings
from harness.types import BatchFile

LISTEN = 0.2  # real seconds; how fast a driver that waits notices Ctrl-C
TICK = 0.001  # real seconds; the shortest wait

RepackBatches = Callable[[Sequence[str], int, int], tuple[BatchFile, ...]]  # parents, first number, wave → batches


class View(Protocol):
    """Whoever watches: told of every event, and when nothing happens."""

    def changed(self, run: Run, event: Event) -> None:
        """Take note of an event that has become part of the run's state."""

    def waiting(self, runs: Sequence[Run]) -> None:
        """Refresh what is shown."""


@dataclass
class Run:
    """One run under way."""

    label: str
    settings: Settings
    state: State
    journal: Journal
    lane: Lane
    repack: RepackBatches
    busy: dict[str, Future[list[Event]]] = field(default_factory=dict)
    looked: bool = False  # at least once in this process
    left: bool = False  # nothing more is started


@dataclass(frozen=True)
class Means:
    """What the driver is handed: its whole dependency on the world."""

    clock: Clock
    pool: Executor
    view: View
    interrupted: Callable[[], str | None]  # the reason to leave, once there is one
    draws: random.Random  # of the jitter


def drive(runs: Sequence[Run], means: Means, until: str = "finished") -> None:
    """Drive all runs until each has finished or stopped; `until`: finished, submitted, or look (one look, then leave).

    A run that fails does not touch the others. Raises OSError only where not even a stop can be written down.
    """
    while True:
        for run in runs:
            _advance(run, means, until)
        flying = [future for run in runs for future in run.busy.values()]
        if not flying and all(run.left for run in runs):
            return
        _wait(runs, flying, means)


def record(run: Run, means: Means, event: Event) -> None:
    """Stamp an event, write it down, and only then take it into the state."""
    event = {"t": round(means.clock.now(), 3), **event}
    run.journal.append(event)
    apply(run.state, event)
    means.view.changed(run, event)


def _advance(run: Run, means: Means, until: str) -> None:
    """Take in what has come back, then start what can be started."""
    if run.left and not run.busy:
        return
    try:
        _harvest(run, means)
        if not run.left:
            _start(run, means, until)
    except HarnessError as error:  # such as a scorer of the user's that went missing: the run waits, others go on
        _leave(run, means, Stop("error", str(error)))
    except OSError as error:
        _stop_for_disk(run, means, error)


def _harvest(run: Run, means: Means) -> None:
    for target in [target for target, future in run.busy.items() if future.done()]:
        for event in run.busy.pop(target).result():
            record(run, means, event)


def _start(run: Run, means: Means, until: str) -> None:
    if not run.journal.path.exists():
        ids = [batch.id for batch in run.state.batches.values() if batch.id and batch.phase == "created"]
        _leave(
            run, means, Stop("folder", f"the run folder is gone; batches at the provider: {', '.join(ids) or 'none'}")
        )
        return
    if reason := means.interrupted():
        _leave(run, means, Stop("interrupted", reason))
        return
    if folder.take_note(run.lane.folder, "cancel") and not run.state.cancelled:
        record(run, means, {"event": "cancel"})
    actions = next_actions(run.state, means.clock.now(), run.settings)
    if run.state.finished or run.state.stopped:
        run.left = True
        return
    if not run.busy and (until != "look" or run.looked or not _running(run)) and settled(run.state, actions, until):
        what = "everything that may fly is submitted" if until == "submitted" else "one look was asked for"
        _leave(run, means, Stop("detached", what))
        return
    for action in actions:
        target = _target(action)
        # What is under way may still bring news of a batch that is about to be given up.
        premature = isinstance(action, Ask | Abandon | Take) and "Poll" in run.busy
        if target not in run.busy and not run.left and not premature:
            _obey(run, means, action, target)


def _running(run: Run) -> bool:
    return any(run.state.batches[name].phase == "created" for name in run.state.open)


def _target(action: Action) -> str:
    """Return what an action works on: only one thing at a time happens to it."""
    if isinstance(action, Poll | Repack | Stop | Finish):
        return type(action).__name__
    return action.batch


def _obey(run: Run, means: Means, action: Action, target: str) -> None:
    """Carry out a decision, or hand its call to the pool."""
    state = run.state
    match action:
        case Stop() | Finish():
            if not run.busy or isinstance(action, Stop):
                _leave(run, means, action)
            return
        case Ask():
            candidates = list(state.batches[action.batch].candidates)
            record(
                run,
                means,
                {"event": "question", "batch": action.batch, "reason": action.reason, "candidates": candidates},
            )
            return
        case Take():
            batch = state.batches[action.batch]
            known = {"status": batch.status, "completed": batch.completed, "failed": batch.failed}
            files = dict(batch.files)
            record(run, means, {"event": "ended", "batch": batch.name, **known, "files": files, "error": None})
            return
        case Abandon():
            record(run, means, {"event": "abandoned", "batch": action.batch, "reason": action.reason})
            return
        case Repack():
            _repack(run, means, action)
            return
        case Poll():
            run.looked = True
        case Create():
            intent = {"batch": action.batch, "file": action.file, "key": action.key, "submission": action.submission}
            record(run, means, {"event": "intent", **intent})
    run.busy[target] = means.pool.submit(_call, run, means, action)


def _repack(run: Run, means: Means, action: Repack) -> None:
    state = run.state
    first = len({name.partition("-")[0] for name in state.batches})
    wave = max(state.batches[name].wave for name in action.batches) + 1
    batches = run.repack(action.batches, first, wave)
    record(
        run,
        means,
        {
            "event": "repacked",
            "from": list(action.batches),
            "batches": [asdict(batch) for batch in batches],
            "not_before": action.not_before,
        },
    )


def _call(run: Run, means: Means, action: Action) -> list[Event]:
    """Make one call and return its events; a call that fails is an event too. Runs in the pool."""
    batches = run.state.batches
    try:
        match action:
            case Upload():
                return calls.upload(run.lane, action)
            case Create():
                return calls.create(run.lane, action)
            case Find():
                taken = {batch.id for batch in batches.values() if batch.id and batch.name != action.batch}
                events = calls.find(run.lane, action, batches[action.batch].id, taken)
                retry = means.clock.now() + run.settings.batch.poll.min
                again = ("not_found", "undecided")
                return [{**event, "retry_at": retry} if event["event"] in again else event for event in events]
            case Poll():
                return _polled(run, means, calls.poll(run.lane, action, batches))
            case Fetch():
                return calls.fetch(run.lane, action, batches[action.batch])
            case Collect():
                return calls.collect(run.lane, action, batches[action.batch])
            case Cancel():
                return calls.cancel(run.lane, action, batches[action.batch])
            case Clean():
                return calls.clean(run.lane, action)
        raise AssertionError(f"no call for {action}")
    except ProviderError as error:
        return [_failure(run, means, action, error)]


def _polled(run: Run, means: Means, events: list[Event]) -> list[Event]:
    """Set the next look: soon after a change, later while nothing changes; and the pause of a full queue."""
    settings, now = run.settings, means.clock.now()
    changed = any(event["event"] not in ("looked", "gone", "late") for event in events)
    slowest = settings.batch.poll.max
    interval = settings.batch.poll.min if changed else min(slowest, run.state.poll_interval * GROWTH)
    interval = max(interval, settings.batch.poll.min, *(event.get("look_after") or 0.0 for event in events))
    pause = backoff(run.state.queue_failures + 1, None, means.draws.random(), settings)
    for event in events:
        if event["event"] == "ended":
            event["hold_until"] = now + pause
    return [*events, {"event": "polled", "next": now + interval, "interval": interval}]


def _failure(run: Run, means: Means, action: Action, error: ProviderError) -> Event:
    """Tell of a failed call: when it may be tried again, or that its outcome is unclear."""
    now, draw, settings = means.clock.now(), means.draws.random(), run.settings
    call = type(action).__name__.lower()
    detail = {
        "call": call,
        "kind": error.kind,
        "status": error.status,
        "code": error.code,
        "message": run.lane.scrub(str(error)),
    }
    if isinstance(action, Fetch | Find) and error.kind == "permanent":
        reason = f"{run.lane.scrub(str(error))}; the answers may be paid for and out of reach"
        return {"event": "question", "batch": action.batch, "reason": reason, "candidates": []}
    if isinstance(action, Poll):
        wait_for = backoff(run.state.poll_failures + 1, error.retry_after, draw, settings)
        event: Event = {"event": "poll_failed", **detail, "retry_at": now + wait_for}
    else:
        batch = run.state.batches[action.batch]  # type: ignore[union-attr]
        wait_for = backoff(batch.failures + 1, error.retry_after, draw, settings)
        name = "unclear" if error.kind == "unclear" else "failed"
        event = {"event": name, "batch": batch.name, **detail, "retry_at": now + wait_for}
    return event


def _leave(run: Run, means: Means, action: Stop | Finish) -> None:
    """Note how the run ends in this process; calls under way are still waited for."""
    run.left = True
    if isinstance(action, Finish):
        record(run, means, {"event": "finished"})
    elif action.kind != "folder":
        record(run, means, {"event": "stopped", "kind": action.kind, "reason": action.reason})
    else:
        run.state.stopped, run.state.reason = action.kind, action.reason


def _stop_for_disk(run: Run, means: Means, error: OSError) -> None:
    """Leave a run whose folder cannot be written; what is at the provider is found again by `resume`."""
    run.left = True
    run.busy.clear()
    run.state.stopped = "disk"
    run.state.reason = f"{error.strerror or error} ({error.filename or run.journal.path}); free some space, then resume"


def _wait(runs: Sequence[Run], flying: list[Future[list[Event]]], means: Means) -> None:
    """Wait for a call to come back or for the next moment at which something is due."""
    now = means.clock.now()
    due = min((wake_at(run.state, now) for run in runs if not run.left), default=now)
    means.view.waiting(runs)
    pause = max(due - now, 0.0) / means.clock.speed
    if flying:
        wait(flying, timeout=min(pause, LISTEN) if pause > 0 else LISTEN, return_when=FIRST_COMPLETED)
    else:
        means.clock.sleep(max(min(pause, LISTEN), TICK) * means.clock.speed)
