"""A batch as the OpenAI API shows it, and as faults make it look."""

from __future__ import annotations

from typing import Any

from .batches import Batch
from .profiles import PROFILES
from .visits import results_hidden, seen_status

_STAMPS = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def show(batch: Batch, *, fresh: bool = False) -> dict[str, Any]:
    """Show a batch as its provider does; `fresh`: in the answer to its creation."""
    return PROFILES[batch.profile].show(_whole(batch), fresh=fresh)


def _whole(batch: Batch) -> dict[str, Any]:
    """Show a batch as OpenAI does; every key is there, null where nothing is known."""
    created = int(batch.created)
    unset = "" if batch.fault("empty_string_ids") else None
    hidden = results_hidden(batch)
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.request["endpoint"],
        "model": batch.model,
        "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
        "input_file_id": batch.input_file_id,
        "completion_window": batch.request.get("completion_window") or "24h",
        "status": seen_status(batch) or batch.status,
        "output_file_id": unset if hidden else batch.output_file_id or unset,
        "error_file_id": unset if hidden else batch.error_file_id or unset,
        "created_at": created,
        "expires_at": created + int(batch.window),
        **{f"{status}_at": batch.stamps.get(status) for status in _STAMPS},
        "request_counts": _counts(batch),
        "usage": _usage(batch) if batch.ended and batch.status != "failed" else None,
        "metadata": batch.request["metadata"],
    }


def _counts(batch: Batch) -> dict[str, int]:
    if fault := batch.fault("lying_counters"):
        return {"total": 0, "completed": 0, "failed": 0, **fault.get("counts", {})}
    return {"total": batch.total, "completed": batch.completed, "failed": batch.failed}


def _usage(batch: Batch) -> dict[str, Any]:
    read, cached, written, reasoning = batch.usage
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": read + written,
    }
