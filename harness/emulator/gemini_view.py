"""A batch as the Gemini API shows it: a long-running operation, and as faults make it look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from .batches import Batch
from .gemini_names import shown
from .google_replies import time
from .state import State
from .visits import results_hidden, seen_status

Body = dict[str, Any]
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
_STATES = {
    "validating": "PENDING",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "cancelling": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
    "expired": "EXPIRED",
}
_ERRORS = {  # status → google.rpc.Status; that of an expired batch is (unverified)
    "cancelled": {"code": 13, "message": "The batch was cancelled."},
    "expired": {"code": 4, "message": "The batch did not finish within 48 hours."},
}


def show(batch: Batch, state: State) -> Body:
    """Show a batch; results come along only where it succeeded."""
    seen = seen_status(batch)
    output = _output(batch, state) if batch.status == "completed" and not results_hidden(batch) else None
    known: Body = {"@type": _TYPE, "name": f"batches/{batch.id}", **_facts(batch, seen), "batchStats": _stats(batch)}
    shaped: Body = {"name": known["name"], "metadata": known | ({"output": output} if output else {})}
    if seen is not None or not batch.ended:
        return shaped
    if batch.status != "completed":
        error = batch.errors[0] if batch.errors else _ERRORS.get(batch.status, _ERRORS["cancelled"])
        return shaped | {"done": True, "error": error}
    return shaped | {"done": True} | ({"response": {"@type": _TYPE + "Output", **output}} if output else {})


def _facts(batch: Batch, seen: str | None) -> Body:
    latest = max(batch.created, *batch.stamps.values(), 0)  # stamps are whole seconds
    asked = batch.request
    source: Body = {"requests": {}} if asked["inline"] else {"fileName": asked["file"]}
    return {
        "model": f"models/{batch.model}",
        **({"displayName": asked["displayName"]} if asked["displayName"] else {}),
        "state": _state(seen) if seen else f"BATCH_STATE_{_STATES[batch.status]}",
        "createTime": time(batch.created),
        "updateTime": time(latest),
        **({"endTime": time(latest)} if batch.ended else {}),
        "inputConfig": source,
    }


def _state(seen: str) -> str:
    return seen if seen.startswith(("BATCH_STATE_", "JOB_STATE_")) else f"BATCH_STATE_{seen.upper()}"


def _stats(batch: Batch) -> Body:
    """Count as the API does: in strings."""
    if fault := batch.fault("lying_counters"):
        lies = {"requestCount": 0, "successfulRequestCount": 0, "failedRequestCount": 0, "pendingRequestCount": 0}
        return {name: str(count) for name, count in {**lies, **fault.get("counts", {})}.items()}
    return {
        "requestCount": str(batch.total),
        "successfulRequestCount": str(batch.completed),
        "failedRequestCount": str(batch.failed),
        "pendingRequestCount": str(batch.total - batch.done),
    }


def _output(batch: Batch, state: State) -> Body | None:
    if batch.output_file_id is None:
        return None
    if not batch.request["inline"]:
        return {"responsesFile": shown(batch.output_file_id)}
    return {"inlinedResponses": {"inlinedResponses": list(_inlined(state.files.path(batch.output_file_id)))}}


def _inlined(path: Path) -> Iterator[Body]:
    """Read the rows of an inline batch, where the key is one of the metadata; what is not JSON says nothing."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                row = {}
            key = row.pop("key", None)
            if key is not None:
                row["metadata"] = (row.get("metadata") or {}) | {"key": key}
            yield {name: value for name, value in row.items() if value is not None}
