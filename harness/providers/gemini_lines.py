"""The bytes of the Gemini API's batches: a line of requests, a line of results, a batch as an operation. Pure.

Read: Batch guide, ai.google.dev/gemini-api/docs/batch-api, November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.providers.google_lines import answer, encoder_with, error_of, failure_of, mapping, number, text_of
from harness.types import BatchStatus, Error, Fixed, Request, Response

RUNNING = ("PENDING", "RUNNING")
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")
LOST: Mapping[str, Error] = {  # such a batch has no results, whatever had been answered
    "CANCELLED": Error("cancelled", "the batch was cancelled, and what it had answered is not handed out"),
    "EXPIRED": Error("expired", "the batch expired, and what it had answered is not handed out"),
}


def encoder(fixed: Fixed) -> Callable[[Request], bytes]:
    """Return the function that makes a request's body."""
    return encoder_with("responseJsonSchema", fixed)


def line(custom_id: str, body: bytes, fixed: Fixed) -> bytes:
    """Wrap a body into a line of the file; `key` is the API's name for our id."""
    return b'{"key":"%s","request":%s}\n' % (custom_id.encode(), body)


def decode(line: bytes) -> Response:
    """Read a line of the results."""
    data = orjson.loads(line)
    if not isinstance(data, dict) or not isinstance(data.get("key"), str):
        raise ValueError("a line without key")
    if isinstance(data.get("response"), dict):
        return answer(data["key"], data["response"])
    return Response(data["key"], error=error_of(data.get("error")))


def status_of(operation: Mapping[str, Any]) -> BatchStatus:
    """Read a batch; all of its lines come in one file, those that failed too."""
    about = mapping(operation.get("metadata"))
    word = str(about.get("state"))
    state = word.removeprefix("BATCH_STATE_").removeprefix("JOB_STATE_")
    counts = {name: number(value) or 0 for name, value in mapping(about.get("batchStats")).items()}
    done, failed = counts.get("successfulRequestCount", 0), counts.get("failedRequestCount", 0)
    output = mapping(about.get("output")) or mapping(operation.get("response"))
    file, name = text_of(output.get("responsesFile")), str(operation.get("name"))
    if about.get("state") is None and operation.get("done") is True and operation.get("error"):
        state = word = "FAILED"
    error = failure_of(operation.get("error")) if state == "FAILED" else LOST.get(state)
    return BatchStatus(
        name,
        "ended" if state in ENDED else "running" if state in RUNNING else "unknown",
        word,
        done + failed if state == "SUCCEEDED" else done if state in RUNNING else 0,
        0,
        counts.get("requestCount", 0),
        late=state == "SUCCEEDED" and not file,
        files={**({"output": file} if file else {}), **({"batch": name} if state in ENDED else {})},
        error=error,
    )
