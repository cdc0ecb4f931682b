"""A message batch as the Anthropic API shows it, and as faults make it look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from . import jobs
from .batches import Batch
from .visits import results_hidden, seen_status

_KEPT = 29 * 86_400.0  # seconds from creation until the results are gone
_KINDS = ("succeeded", "errored", "canceled", "expired")


def show(batch: Batch, now: float, base: str) -> dict[str, Any]:
    """Show a batch; `base`: the URL of the server as the client knows it."""
    ended = max((batch.stamps[name] for name in jobs.ENDED if name in batch.stamps), default=None)
    cancelled = batch.stamps.get("cancelling")
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": seen_status(batch) or _status(batch),
        "request_counts": _counts(batch),
        "created_at": _time(batch.created),
        "expires_at": _time(batch.created + jobs.WINDOW),
        "ended_at": None if ended is None else _time(max(batch.created, ended)),
        "cancel_initiated_at": None if cancelled is None else _time(max(batch.created, cancelled)),  # stamps are whole
        "archived_at": _time(batch.created + _KEPT) if archived(batch, now) else None,
        "results_url": f"{base}v1/messages/batches/{batch.id}/results" if has_results(batch, now) else None,
    }


def has_results(batch: Batch, now: float) -> bool:
    """Say whether the results can be had."""
    return batch.ended and not archived(batch, now) and not results_hidden(batch)


def archived(batch: Batch, now: float) -> bool:
    """Say whether the results of a batch are gone for good."""
    return batch.ended and now >= batch.created + _KEPT


def _status(batch: Batch) -> str:
    if batch.ended:
        return "ended"
    return "canceling" if batch.status == "cancelling" else "in_progress"


def _counts(batch: Batch) -> dict[str, int]:
    none = dict.fromkeys(("processing", *_KINDS), 0)
    if fault := batch.fault("lying_counters"):
        return {**none, **fault.get("counts", {})}
    if batch.ended:
        return none | {kind: batch.tally.get(kind, 0) for kind in _KINDS}
    if batch.fault("progressive_counts"):
        left = batch.total - batch.done
        return none | {"processing": left, "succeeded": batch.completed, "errored": batch.failed}
    return none | {"processing": batch.total}  # the others stay 0 until the whole batch has ended


def _time(seconds: float) -> str:
    """Write a time to the microsecond."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
