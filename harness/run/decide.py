"""Decide what to do next: a pure function of state, time and settings. The driver obeys."""

from __future__ import annotations

from collections.abc import Iterator

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
from harness.run.state import GONE_LOOKS, BatchState, State
from harness.settings import Settings

FIND_GRACE = 120.0  # s; a created batch shows in the list at once, so one that is absent for this long was never made
FIND_LOOKS = 3
BACKOFF_CAP = 300.0  # s; with poll.min 5s, 24 attempts reach over an outage of an hour and a half
LONGEST_WISH = 3600.0  # s; what a server may ask for by retry-after
GROWTH = 1.5  # of the poll interval while nothing changes
SLACK = 86_400.0  # s; how far our clock and the provider's may be apart when a lost create is looked for
PATIENCE = 172_800.0  # s; batch.give_up_after null: the window and 48 hours more


def next_actions(state: State, now: float, settings: Settings) -> list[Action]:
    """Return everything that can be done now; nothing when the run has ended or must wait."""
    if state.finished or state.stopped:
        return []
    if stop := _must_stop(state, now, settings):
        return [stop]
    batches = [state.batches[name] for name in state.open]
    if not batches:
        return [Finish()]
    actions: list[Action] = []
    for batch in batches:
        if batch.question is None and batch.not_before <= now:
            actions.extend(_for_batch(state, batch, now, settings))
    actions.extend(_submit(state, batches, now, settings))
    given_up = {action.batch for action in actions if isinstance(action, Ask | Abandon | Take)}
    actions.extend(_poll(state, [batch for batch in batches if batch.name not in given_up], now))
    actions.extend(_repack(state, batches, now, settings))
    asked = [f"{batch.name}: {batch.question}" for batch in batches if batch.question]
    if asked and not actions and wake_at(state, now) <= now:
        return [Stop("question", "; ".join(asked))]
    return actions


def _must_stop(state: State, now: float, settings: Settings) -> Stop | None:
    if state.fatal:
        return Stop(*state.fatal)
    if state.refused:
        return Stop("refused", f"the first batch came back wholly refused: {state.refused}")
    patience = settings.batch.give_up_after
    patience = settings.ends_within() + PATIENCE if patience is None else patience
    if now > state.since + patience:
        return Stop("patience", "batch.give_up_after has passed; the batches go on, nothing was cancelled")
    attempts = settings.batch.retry.api_attempts
    if state.poll_failures >= attempts:
        return Stop("attempts", f"{attempts} looks in a row failed: {state.last_failure}")
    for name in state.open:
        if state.batches[name].failures >= attempts:
            return Stop("attempts", f"batch {name}: {attempts} calls in a row failed: {state.last_failure}")
    return None


def _for_batch(state: State, batch: BatchState, now: float, settings: Settings) -> Iterator[Action]:
    """Yield what one batch needs, apart from being submitted and polled."""
    if batch.phase == "intended":
        yield from _lost_create(state, batch, now)
    elif batch.phase == "created":
        yield from _running(state, batch, now, settings)
    elif batch.phase == "ended":
        yield Fetch(batch.name)
    elif batch.phase == "fetched":
        yield Collect(batch.name)
    elif batch.phase == "collected" and not batch.cleaned:
        yield Clean(batch.name, _deletable(batch, settings))
    elif batch.phase in ("planned", "uploaded") and state.cancelled:
        yield Collect(batch.name, cancelled=True)


def _lost_create(state: State, batch: BatchState, now: float) -> Iterator[Action]:
    """Look for the batch until it surely does not exist; only then create again."""
    if batch.looks >= FIND_LOOKS and now >= max(batch.intent_at, batch.doubt_at) + FIND_GRACE:
        if state.cancelled:
            yield Collect(batch.name, cancelled=True)
        else:
            yield _create(state, batch)
    else:
        yield Find(batch.name, batch.key, batch.file or "", batch.intent_at - SLACK)


def _running(state: State, batch: BatchState, now: float, settings: Settings) -> Iterator[Action]:
    if state.cancelled and not batch.cancelling:
        yield Cancel(batch.name)
        return
    # Judged by the last look, not by the clock: while we were away the batch may have ended.
    limit = batch.created_at + settings.ends_within() + settings.batch.grace
    if batch.late_since is not None and batch.looked_at > batch.late_since + settings.batch.grace:
        yield Take(batch.name)
    elif batch.gone >= GONE_LOOKS:
        if batch.looks == 0:
            yield Find(batch.name, batch.key, batch.file or "", batch.intent_at - SLACK)
        else:
            yield from _stuck(batch, settings, "vanished: it no longer answers and stands in no list")
    elif batch.looked_at > limit:
        yield from _stuck(batch, settings, f"still '{batch.status}' past its window and grace")


def _stuck(batch: BatchState, settings: Settings, reason: str) -> Iterator[Action]:
    if settings.batch.on_stuck == "resend":
        yield Abandon(batch.name, reason)
    else:
        yield Ask(batch.name, reason)


def _submit(state: State, batches: list[BatchState], now: float, settings: Settings) -> Iterator[Action]:
    """Fill the free places, in order, within the provider's queue."""
    if state.cancelled or state.hold_until > now:
        return
    # Until the first batch is judged an ended one keeps its place: it may show that all others would be refused.
    busy = ("intended", "created") if state.collected else ("intended", "created", "ended", "fetched")
    flying = [batch for batch in batches if batch.phase in busy]
    free = settings.batch.max_in_flight - len(flying)
    queued = sum(batch.tokens for batch in flying)
    allowed = settings.provider.limits.enqueued_tokens
    for batch in batches:
        if batch.phase not in ("planned", "uploaded"):
            continue
        if free <= 0 or (allowed is not None and flying and queued + batch.tokens > allowed):
            return
        free -= 1
        queued += batch.tokens
        flying.append(batch)
        if batch.not_before > now:
            continue
        yield Upload(batch.name) if batch.phase == "planned" else _create(state, batch)


def _create(state: State, batch: BatchState) -> Create:
    assert batch.file is not None
    submission = batch.submission + 1
    return Create(batch.name, batch.file, submission, f"{state.run_key}-{batch.name}-{submission}")


def _poll(state: State, batches: list[BatchState], now: float) -> Iterator[Action]:
    running = tuple(batch.name for batch in batches if batch.phase == "created" and batch.question is None)
    if running and state.poll_at <= now:
        yield Poll(running)


def _repack(state: State, batches: list[BatchState], now: float, settings: Settings) -> Iterator[Action]:
    """Pack what is unanswered once all planned batches are on their way, so that resends fill batches too."""
    if any(batch.phase in ("planned", "uploaded") for batch in batches):
        return
    waiting = [batch for batch in batches if batch.phase == "collected" and batch.resend]
    if waiting:
        wave = max(batch.wave for batch in waiting)
        yield Repack(tuple(batch.name for batch in waiting), now + backoff(wave, None, 0.5, settings))


def _deletable(batch: BatchState, settings: Settings) -> tuple[str, ...]:
    clean = settings.batch.clean
    if clean == "none" or batch.file is None:
        return ()
    return (batch.file, *batch.files.values()) if clean == "all" else (batch.file,)


def should_resend(outcome: str, error_class: str | None, attempt: int, *, settings: Settings) -> bool:
    """Tell whether a request of this outcome is sent again.

    Not answered: retryable failures, expired, cancelled by the provider, missing lines, and what money or access
    stopped. Answered and paid for: only what `batch.retry.paid_outcomes` lists.
    """
    if attempt >= settings.batch.retry.request_attempts:
        return False
    if outcome == "failed":
        return error_class in ("retryable", "billing", "auth", "queue_full")
    return outcome in ("expired", "cancelled", "missing") or outcome in settings.batch.retry.paid_outcomes


def backoff(failures: int, retry_after: float | None, draw: float, settings: Settings) -> float:
    """Return seconds to wait after the `failures`-th failure in a row; `draw` in [0, 1) is the jitter.

    The server's own wish wins where it is longer, up to an hour.
    """
    grown = min(BACKOFF_CAP, settings.batch.poll.min * 2.0 ** max(0, failures - 1))
    return max(grown * (0.75 + draw / 2), min(retry_after or 0.0, LONGEST_WISH))


def wake_at(state: State, now: float) -> float:
    """Return the next moment at which `next_actions` may have something new to say."""
    times = [state.hold_until] if state.hold_until > now else []
    for name in state.open:
        batch = state.batches[name]
        if batch.not_before > now:
            times.append(batch.not_before)
        if batch.phase == "created" and batch.question is None:
            times.append(state.poll_at)
    return max(now, min(times)) if times else now


def settled(state: State, actions: list[Action], until: str) -> bool:
    """Tell whether a driver that does not wait for the end may leave: `submitted`, or after one `look`."""
    if until == "submitted":
        retrying = any(
            batch.phase == "intended" or (batch.phase in ("planned", "uploaded") and batch.failures)
            for batch in (state.batches[name] for name in state.open)
        )
        return not retrying and not any(isinstance(action, Upload | Create | Find) for action in actions)
    return until == "look" and all(isinstance(action, Poll) for action in actions)
