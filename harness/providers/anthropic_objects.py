"""What the batch objects of Anthropic's API say. Pure.

Read: Message Batches API reference, platform.claude.com, November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from harness.types import BatchStatus, Belonging, run_key_in

RUNNING = ("in_progress", "canceling")


def status_of(batch: Mapping[str, Any], wait: float | None) -> BatchStatus:
    """Read a batch object; there is no failed or expired batch, only such requests."""
    status = str(batch.get("processing_status"))
    counts = {name: count(value) for name, value in mapping(batch.get("request_counts")).items()}
    total, succeeded = sum(counts.values()), counts.get("succeeded", 0)
    return BatchStatus(
        str(batch.get("id")),
        "ended" if status == "ended" else "running" if status in RUNNING else "unknown",
        status,
        # All lines come in one file: those that failed, expired or were cancelled too.
        total - counts.get("processing", 0) if status == "ended" else succeeded,
        0,
        total,
        late=status == "ended" and not batch.get("results_url"),
        files={"output": str(batch.get("id"))} if status == "ended" else {},
        look_after=wait,
    )


def batch_of(batch: Mapping[str, Any], ids: Sequence[str | None] | None) -> Belonging | None:
    """Read a batch object whose results begin with these ids; None where the first one is not of a run."""
    name = ids[0] if ids else None
    if name is None or not run_key_in(name):
        return None
    created = seconds_of(batch.get("created_at"))
    return Belonging("batch", str(batch.get("id")), name, created or None, str(batch.get("processing_status")))


def id_of(line: str) -> str | None:
    """Read the id of a line of results."""
    try:
        return str(mapping(orjson.loads(line)).get("custom_id"))
    except orjson.JSONDecodeError:
        return None


def seconds_of(stamp: Any) -> float:
    """Read a time stamp of RFC 3339; 0 where it is none."""
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return 0.0


def mapping(value: Any) -> Mapping[str, Any]:
    """Take what should be an object for an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def count(value: Any) -> int:
    """Take what should be a number for 0 where it is none."""
    return value if type(value) is int else 0
