"""What the file and batch objects of the OpenAI protocol say: how they stand, why they failed, whose they are. Pure.

Read: "Batch API" guide and API reference, developers.openai.com, November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.providers.openai_lines import BILLING
from harness.types import BatchStatus, Belonging, Error, ErrorClass, run_key_in

LABEL = "harness_key"  # our key in the batch's metadata
RUNNING = ("validating", "in_progress", "finalizing", "cancelling")
ENDED = ("completed", "failed", "expired", "cancelled")


def status_of(batch: Mapping[str, Any]) -> BatchStatus:
    """Read a batch object; ids of files may be null or ""."""
    status, counts = batch.get("status"), batch.get("request_counts") or {}
    completed, failed = counts.get("completed") or 0, counts.get("failed") or 0
    named = {"output": batch.get("output_file_id"), "errors": batch.get("error_file_id")}
    files = {name: str(value) for name, value in named.items() if value}
    late = (
        status in ("completed", "expired", "cancelled")
        and ((completed > 0 and "output" not in files) or (failed > 0 and "errors" not in files))
    ) or (status in ("completed", "expired") and not files)  # even what expired has its lines in the error file
    return BatchStatus(
        str(batch.get("id")),
        "ended" if status in ENDED else "running" if status in RUNNING else "unknown",
        str(status),
        completed,
        failed,
        counts.get("total") or 0,
        late,
        files,
        _own_error(status, batch.get("errors")),
    )


def _own_error(status: Any, errors: Any) -> Error | None:
    """Read why a batch failed, or on Groq, what was wrong with lines of one that went on without them.

    Those may stand in neither file; a line that comes from nowhere then has this error.
    """
    if status == "failed":
        return batch_error(errors)
    error = batch_error(errors) if status == "completed" and errors else None
    return error if error and error.kind == "permanent" else None


def batch_error(errors: Any) -> Error:
    """Class the validation errors of a failed batch; nothing of it ran."""
    listed = errors.get("data") if isinstance(errors, dict) else errors
    listed = [item for item in listed or [] if isinstance(item, dict)]
    if not listed:
        return Error("retryable", "the provider failed the batch and gave no reason")
    code, message = listed[0].get("code"), str(listed[0].get("message"))
    where = f" (line {listed[0]['line']})" if listed[0].get("line") else ""
    more = f"; {len(listed) - 1} more" if len(listed) > 1 else ""
    kind: ErrorClass = "permanent"
    if code == "token_limit_exceeded":
        kind = "queue_full"
    elif message.startswith("Cannot find file"):
        kind = "retryable"  # seen for files that do exist, just after their upload
    elif code in BILLING:
        kind = "billing"
    return Error(kind, f"{message}{where}{more}", None, code)


def id_of(made: Any) -> str:
    """Return the id of what was made; without one the answer says nothing of whether it was."""
    if not made["id"]:
        raise KeyError("an answer without an id")
    return str(made["id"])


def number_of(value: Any) -> float | None:
    """Read a time stamp; some servers write it as a string."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def file_of(file: Mapping[str, Any]) -> Belonging | None:
    """Read a file object; None where its name carries no run key."""
    name = file.get("filename")
    if not run_key_in(name):
        return None
    return Belonging("file", str(file.get("id")), str(name), number_of(file.get("created_at")), "")


def batch_of(batch: Mapping[str, Any], files: Mapping[str, str]) -> Belonging | None:
    """Read a batch object; None where neither its label nor, lacking any, its input file (id → name) is ours."""
    metadata = batch.get("metadata")
    name = metadata.get(LABEL) if isinstance(metadata, dict) else None
    if name is None:
        name = files.get(str(batch.get("input_file_id")))
    if not run_key_in(name):
        return None
    created = number_of(batch.get("created_at"))
    return Belonging("batch", str(batch.get("id")), str(name), created, str(batch.get("status")))
