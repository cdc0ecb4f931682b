"""Whether a batch gets to run: the checks of its file, the queue's limit, and faults that let it fail as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import openai_lines
from .batches import Batch
from .lane import Checked
from .openai_lines import error
from .profiles import PROFILES
from .state import State

ORGANIZATION = "org-emulator"
PROJECT = "proj_emulator"
_QUEUE = 2_000_000  # tokens; what the words of a faked refusal say


def admit(batch: Batch, state: State, live: Sequence[Batch]) -> Checked:
    """Check a batch as a whole; `errors` of the result say why it fails."""
    path = state.files.path(batch.input_file_id)
    if batch.fault("cannot_find_file_async") or not path.exists():
        return Checked(errors=[_no_file(batch)])
    found = openai_lines.check(path, batch.request["endpoint"], state, PROFILES[batch.profile])
    if not found.errors:
        found.errors = _failed(batch) or _queue_full(batch, found, state, live)
    found.model = found.model and state.models[batch.profile].snapshot(found.model)
    return found


def _no_file(batch: Batch) -> dict[str, Any]:
    words = f"Cannot find file {batch.input_file_id}, or organization {ORGANIZATION} does not have access to it."
    return error("invalid_request", words, "file_id")


def _failed(batch: Batch) -> list[dict[str, Any]]:
    fault = batch.fault("batch_failed")
    if fault is None:
        return []
    words = fault.get("message", "The batch could not be processed.")
    return [error(fault.get("code", "invalid_request"), words, fault.get("param"), fault.get("line"))]


def _queue_full(batch: Batch, found: Checked, state: State, live: Sequence[Batch]) -> list[dict[str, Any]]:
    limit = state.settings.enqueued_tokens
    model = state.models[batch.profile].snapshot(found.model or "")
    queued = sum(other.tokens for other in live if other.model == model and other.status == "in_progress")
    if not batch.fault("token_limit_exceeded") and (limit is None or queued + found.tokens <= limit):
        return []
    words = (
        f"Enqueued token limit reached for {found.model} in organization {ORGANIZATION}. "
        f"Limit: {_QUEUE if limit is None else limit:,} enqueued tokens. "
        "Please try again once some in_progress batches have been completed."
    )
    return [error("token_limit_exceeded", words)]
