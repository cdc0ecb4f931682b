"""Fold the journal into the state: one small function per event. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from harness.run.state import BatchState, Phase, State
from harness.types import BatchFile

PATIENCE_WITH_FILE = 3  # creates that may say that a fresh input file is not there yet


def begin(batches: Iterable[BatchFile]) -> State:
    """Return the state of a planned run before its first event."""
    state = State()
    for batch in batches:
        _add(state, batch)
    return state


def fold(batches: Iterable[BatchFile], events: Iterable[Mapping[str, Any]]) -> State:
    """Return the state after all events."""
    state = begin(batches)
    for event in events:
        apply(state, event)
    return state


def apply(state: State, event: Mapping[str, Any]) -> None:
    """Take one event into the state. An unknown one is of a newer version and is an error."""
    name = event["event"]
    if name in RUN_EVENTS:
        RUN_EVENTS[name](state, event)
        return
    batch = state.batches[event["batch"]]
    if name in LOOKS and batch.phase != "created":
        return  # the look was under way when the batch was given up
    after = BATCH_EVENTS[name](state, batch, event)
    state.batches[after.name] = after
    if after.phase == "done":
        state.open.pop(after.name, None)


def _add(state: State, batch: BatchFile, *, not_before: float = 0.0) -> None:
    state.batches[batch.name] = BatchState(
        batch.name,
        batch.count,
        batch.tokens,
        wave=batch.attempt,
        first_row=batch.first_row,
        not_before=not_before,
    )
    state.open[batch.name] = None


# ------------------------------------------------------------------------------------------------------ of a run


def _started(state: State, event: Mapping[str, Any]) -> None:
    state.run_key = event["run_key"]
    state.first_at = state.since = event["t"]


def _planned(state: State, event: Mapping[str, Any]) -> None:
    return


def _resumed(state: State, event: Mapping[str, Any]) -> None:
    """Start patience anew, and look again at what stopped the run."""
    state.since = event["t"]
    state.stopped, state.reason, state.refused, state.fatal = None, "", None, None
    state.poll_at = state.hold_until = 0.0
    state.poll_failures = state.queue_failures = 0
    for name in state.open:
        batch = state.batches[name]
        if batch.question is not None:
            batch = replace(batch, question=None, candidates=(), gone=0, looks=0)
        state.batches[name] = replace(batch, failures=0, not_before=0.0, late_since=None, cancelling=False)


def _polled(state: State, event: Mapping[str, Any]) -> None:
    state.poll_at, state.poll_interval = event["next"], event["interval"]
    state.poll_failures = 0


def _poll_failed(state: State, event: Mapping[str, Any]) -> None:
    state.poll_failures += 1
    state.poll_at = event["retry_at"]
    state.last_failure = event["message"]
    _note_fatal(state, event)


def _repacked(state: State, event: Mapping[str, Any]) -> None:
    for parent in event["from"]:
        state.batches[parent] = replace(state.batches[parent], resend=0)
        _settle(state, parent)
    for batch in event["batches"]:
        _add(state, BatchFile(**batch), not_before=event["not_before"])


def _cancel(state: State, event: Mapping[str, Any]) -> None:
    state.cancelled = True
    for name, batch in list(state.batches.items()):
        if batch.resend:
            state.batches[name] = replace(batch, resend=0)
            _settle(state, name)


def _stopped(state: State, event: Mapping[str, Any]) -> None:
    state.stopped, state.reason = event["kind"], event["reason"]


def _finished(state: State, event: Mapping[str, Any]) -> None:
    state.finished = True


def _settle(state: State, name: str) -> None:
    """Close a collected batch whose files are cleaned and whose resends are packed."""
    batch = state.batches[name]
    if batch.phase == "collected" and not batch.resend and batch.cleaned:
        state.batches[name] = replace(batch, phase="done")
        state.open.pop(name, None)


def _note_fatal(state: State, event: Mapping[str, Any]) -> None:
    """Stop for a call that no retry can mend: money, access, or a request that the API does not accept."""
    kinds = {"billing": "billing", "auth": "auth", "permanent": "refused"}
    if event["kind"] in kinds:
        state.fatal = (kinds[event["kind"]], event["message"])


RUN_EVENTS = {
    "started": _started,
    "planned": _planned,
    "resumed": _resumed,
    "polled": _polled,
    "poll_failed": _poll_failed,
    "repacked": _repacked,
    "cancel": _cancel,
    "stopped": _stopped,
    "finished": _finished,
}

# ---------------------------------------------------------------------------------------------------- of a batch


def _uploaded(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(batch, phase="uploaded", file=event["file"], failures=0)


def _intent(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(
        batch,
        phase="intended",
        file=event["file"],
        submission=event["submission"],
        key=event["key"],
        intent_at=event["t"],
        looks=0,
    )


def _created(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    state.poll_interval = 0.0
    return replace(
        batch,
        phase="created",
        id=event["id"],
        created_at=event["t"],
        status="created",
        failures=0,
        question=None,
        candidates=(),
        gone=0,
        looks=0,
        late_since=None,
        cancelling=False,
    )


def _seen(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    """Take a look at a running batch: written where its status is new, otherwise only remembered (`looked`)."""
    return replace(
        batch,
        status=event["status"],
        completed=event["completed"],
        failed=event["failed"],
        gone=0,
        looks=0,
        looked_at=event["t"],
    )


def _gone(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(batch, gone=batch.gone + 1, looked_at=event["t"])


def _late(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    since = event["t"] if batch.late_since is None else batch.late_since
    return replace(
        batch,
        status=event["status"],
        completed=event["completed"],
        failed=event["failed"],
        files=event["files"],
        late_since=since,
        gone=0,
        looked_at=event["t"],
    )


def _ended(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    """Close a batch at the provider; where its queue was full nothing ran, and it is submitted again later."""
    error = event.get("error")
    if error and error["kind"] == "queue_full" and not state.cancelled:
        state.queue_failures += 1
        state.hold_until = event["hold_until"]
        return replace(batch, phase="uploaded", status="queue full", id=None)
    return replace(
        batch,
        phase="ended",
        status=event["status"],
        completed=event["completed"],
        failed=event["failed"],
        files=event["files"],
        error=error,
        ended_at=event["t"],
        failures=0,
        question=None,
        candidates=(),
    )


def _fetched(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(batch, phase="fetched", failures=0)


def _collected(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    """Take in what became of the requests; room in the provider's queue may be free again."""
    state.hold_until, state.queue_failures = 0.0, 0
    first, state.collected = state.collected == 0, state.collected + 1
    if event.get("fatal") and batch.created_at >= state.since:  # older trouble was resumed from with open eyes
        state.fatal = tuple(event["fatal"])
    if first and event.get("permanent"):
        state.refused = event["permanent"]
    return replace(
        batch,
        phase="collected",
        resend=0 if state.cancelled else event["resend"],
        outcomes=event["outcomes"],
        cost=event["cost"],
        question=None,
    )


def _cleaned(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    after = replace(batch, cleaned=True, failures=0)
    return replace(after, phase="done") if not batch.resend else after


def _failed(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    """Note a call that failed; a create that surely was not carried out is no longer intended."""
    _note_fatal(state, event)
    state.last_failure = event["message"]
    phase: Phase = "uploaded" if event["call"] == "create" else batch.phase
    if event.get("code") == "file_not_found" and batch.failures >= PATIENCE_WITH_FILE:
        phase = "planned"  # it is really gone: a fresh copy is harmless
    failures = batch.failures + 1
    if event["call"] == "create" and event.get("status") == 429 and _others_run(state, batch):
        failures = min(failures, MOST_WAITING)  # the queue is full of our own: there will be room when one has ended
    return replace(batch, phase=phase, failures=failures, not_before=event["retry_at"])


def _others_run(state: State, batch: BatchState) -> bool:
    return any(state.batches[name].phase == "created" for name in state.open if name != batch.name)


def _unclear(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(batch, not_before=event["retry_at"], failures=0, doubt_at=event["t"])


def _not_found(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(batch, looks=batch.looks + 1, not_before=event["retry_at"], failures=0)


def _undecided(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    """Wait for batches that may be this one; while there are some, nothing is created."""
    return replace(batch, not_before=event["retry_at"], failures=0)


def _question(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(batch, question=event["reason"], candidates=tuple(event["candidates"]))


def _abandoned(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    """Give a batch up: its requests count as missing, possibly paid, and are sent again."""
    return replace(batch, phase="fetched", status=event["reason"], files={}, question=None, candidates=())


def _cancelling(state: State, batch: BatchState, event: Mapping[str, Any]) -> BatchState:
    return replace(batch, cancelling=True, failures=0)


MOST_WAITING = 8  # failures in a row at which the wait is at its longest, and attempts are not used up
LOOKS = frozenset({"seen", "looked", "gone", "late", "ended"})
BATCH_EVENTS = {
    "uploaded": _uploaded,
    "intent": _intent,
    "created": _created,
    "seen": _seen,
    "looked": _seen,
    "gone": _gone,
    "late": _late,
    "ended": _ended,
    "fetched": _fetched,
    "collected": _collected,
    "cleaned": _cleaned,
    "failed": _failed,
    "unclear": _unclear,
    "not_found": _not_found,
    "undecided": _undecided,
    "question": _question,
    "abandoned": _abandoned,
    "cancelling": _cancelling,
}
