"""A batch prediction job as Vertex AI shows it, and as faults make it look."""

from __future__ import annotations

from typing import Any

from .batches import Batch
from .draws import number
from .google_replies import time
from .visits import results_hidden, seen_status

_STATES = {
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "cancelling": "CANCELLING",
    "cancelled": "CANCELLED",
    "expired": "EXPIRED",
}
_PREFIX = "JOB_STATE_"
_PENDING = 30.0  # seconds, at most, until a job that waits is said to be queued


def show(batch: Batch, now: float) -> dict[str, Any]:
    """Show a job."""
    asked = batch.request
    shown = {
        "name": f"{parent(asked)}/batchPredictionJobs/{batch.id}",
        "displayName": asked["displayName"],
        "model": asked["publisher"],
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": asked["uris"]}},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": asked["prefix"]}},
        "state": state_of(batch, now),
        "createTime": time(batch.created, nanoseconds=False),
        "updateTime": time(max(batch.created, *batch.stamps.values(), 0), nanoseconds=False),
    }
    began, ended = batch.stamps.get("in_progress"), batch.stamps.get(batch.status) if batch.ended else None
    shown |= {"startTime": time(max(batch.created, began), nanoseconds=False)} if began is not None else {}
    shown |= {"endTime": time(max(batch.created, ended), nanoseconds=False)} if ended is not None else {}
    if batch.status == "failed":
        shown["error"] = batch.errors[0]
    elif batch.status == "cancelled":
        shown["error"] = {"code": 1, "message": "CANCELED"}
    if stats := _stats(batch):
        shown["completionStats"] = stats
    if batch.tally and not results_hidden(batch):
        shown["outputInfo"] = {"gcsOutputDirectory": asked["directory"]}
    return shown | ({"labels": asked["labels"]} if asked["labels"] else {})


def parent(asked: dict[str, Any]) -> str:
    """Name where a job lives: by the number of its project, whatever its client calls it."""
    project: str = asked["project"]
    digits = project if project.isdigit() else str(10**11 + number("project", project) % (9 * 10**11))
    return f"projects/{digits}/locations/{asked['location']}"


def state_of(batch: Batch, now: float) -> str:
    """Name the state of a job: it is pending, then queued, before it runs."""
    told = seen_status(batch)
    if told is not None:
        return told if told.startswith(_PREFIX) else _PREFIX + told.upper()
    if batch.status == "validating":
        first = batch.life.steps[0].at if batch.life.steps else _PENDING
        return _PREFIX + ("PENDING" if batch.x(now) < min(first / 2, _PENDING) else "QUEUED")
    if batch.status == "completed" and batch.fault("partially_succeeded"):
        return _PREFIX + "PARTIALLY_SUCCEEDED"
    return _PREFIX + _STATES[batch.status]


def _stats(batch: Batch) -> dict[str, str]:
    """Count rows, as texts and without what is 0; nothing is counted of a job that never ran."""
    if fault := batch.fault("lying_counters"):
        return {name: str(count) for name, count in fault.get("counts", {"successfulCount": 0}).items()}
    if "in_progress" not in batch.stamps:
        return {}
    left = batch.total - batch.done if batch.status != "completed" else 0
    counts = {"successfulCount": batch.completed, "failedCount": batch.failed, "incompleteCount": left}
    return {name: str(count) for name, count in counts.items() if count}
