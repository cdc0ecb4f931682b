"""The bytes of Vertex AI's batch prediction for Gemini: a row of requests, a row of predictions, a job. Pure.

Google documents no id for a row; a key beside `request` comes back with the answer, also of a row that failed.
Read: Batch guide, cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini; rows, importer and
errors: live captures in OpenRouterTeam/docs, docs/batch-research/google-vertex.md, 2026-09-02.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson

from harness.errors import ConfigError
from harness.providers.google_lines import answer, encoder_with, error_of, failure_of, kind_of, mapping, number, text_of
from harness.providers.vertex_importer import refusals
from harness.types import BatchStatus, Error, Fixed, Request, Response, Sample

LABEL = "harness_id"
RUNNING = ("QUEUED", "PENDING", "RUNNING", "CANCELLING", "PAUSED", "UPDATING")
REST: Mapping[str, Error] = {  # of a job that ended so, the rows without an answer
    "CANCELLED": Error("cancelled", "the job was cancelled before this row ran"),
    "EXPIRED": Error("expired", "the job expired before this row ran"),
    "PARTIALLY_SUCCEEDED": Error("expired", "the job ended before this row ran"),
}
ENDED = ("SUCCEEDED", "FAILED", *REST)
STATUSES = {status.phrase.lower(): status.value for status in HTTPStatus}


def encoder(fixed: Fixed) -> Callable[[Request], bytes]:
    """Return the function that makes a request's body.

    Raises ConfigError for what the importer of the rows refuses: the whole job would fail.
    """
    if fixed.id_as_label and "labels" in fixed.parameters:
        got = fixed.parameters["labels"]
        raise ConfigError(
            [
                f"generate.extra.labels: is set by the harness with provider.id_as_label=true (got {got!r}); "
                "remove it, or set provider.id_as_label=false"
            ]
        )
    encode = encoder_with("responseSchema", fixed)
    constant = encode(Request(0, 0, Sample("", 0, {}, None, {}), ()))
    if wrong := refusals(orjson.loads(constant)):
        raise ConfigError(
            [f"generate.extra: {problem}: Vertex would refuse the whole job; change it" for problem in wrong]
        )
    return encode


def line(custom_id: str, body: bytes, fixed: Fixed) -> bytes:
    """Wrap a body into a row; our ids begin with a letter, as what looks like a number would come back as one."""
    if fixed.id_as_label:
        body = b'%s,"labels":{"%s":"%s"}}' % (body[:-1], LABEL.encode(), custom_id.encode())
    return b'{"custom_id":"%s","request":%s}\n' % (custom_id.encode(), body)


def id_of(row: Any) -> str | None:
    """Read the id of a row of predictions: the key beside the request, else the label inside."""
    found = mapping(row).get("custom_id")
    label = mapping(mapping(mapping(row).get("request")).get("labels")).get(LABEL)
    return next((value for value in (found, label) if isinstance(value, str)), None)


def decode(line: bytes) -> Response:
    """Read a row of predictions; `status` is empty where the row was answered."""
    row = orjson.loads(line)
    custom_id = id_of(row)
    if custom_id is None:
        raise ValueError("a row without custom_id")
    status = row.get("status")
    if not status and isinstance(row.get("response"), dict):
        return answer(custom_id, row["response"])
    return Response(custom_id, error=_failure(str(status or "")))


def _failure(status: str) -> Error:
    """Read why a row failed: an HTTP reason, a colon, and the API's error as JSON."""
    reason, _, body = status.partition(": ")
    try:
        said = mapping(orjson.loads(body)).get("error")
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict):
        return error_of(said)
    code = STATUSES.get(reason.strip().lower())
    kind = "retryable" if "RESOURCE_EXHAUSTED" in status else kind_of(code)
    return Error(kind, status or "neither an answer nor an error", code)


def status_of(job: Mapping[str, Any]) -> BatchStatus:
    """Read a job; the client knows it by the last part of its name. All of its rows come in one place."""
    word = str(job.get("state"))
    state = word.removeprefix("JOB_STATE_")
    counts = {name: number(value) or 0 for name, value in mapping(job.get("completionStats")).items()}
    done, failed = counts.get("successfulCount", 0), counts.get("failedCount", 0)
    identity = str(job.get("name")).rpartition("/")[2]
    folder = text_of(mapping(mapping(job.get("outputConfig")).get("gcsDestination")).get("outputUriPrefix"))
    ended, written = state in ENDED, mapping(job.get("outputInfo")).get("gcsOutputDirectory")
    return BatchStatus(
        identity,
        "ended" if ended else "running" if state in RUNNING else "unknown",
        word,
        done + failed if ended else done,
        0,
        sum(counts.values()),
        # A job that failed may have run rows and not been allowed to write; nothing is to be waited for then.
        late=ended and not written and state != "FAILED" and (state == "SUCCEEDED" or done + failed > 0),
        files={"output": folder.rstrip("/") + "/", "job": identity} if ended and folder else {},
        error=_job_error(job.get("error"), done) if state == "FAILED" else REST.get(state),
    )


def _job_error(status: Any, ran: int) -> Error:
    """Read why a job failed, and say which setting is concerned; `ran`: rows that were answered, and are billed."""
    error = failure_of(status)
    kind, hint = error.kind, ""
    if error.code == "FAILED_PRECONDITION" and "bucket" in error.message:
        hint = " (provider.bucket)"
    elif error.code == "PERMISSION_DENIED":
        hint = " (give the service account the right to write into provider.bucket)"
    elif error.message.startswith("Not found: URI"):
        kind = "retryable"  # the requests are gone: they are uploaded again
    if ran:
        hint += f"; {ran} rows ran and are billed, and their answers could not be written"
        kind = "unknown" if kind == "retryable" else kind  # to send them again is for a person to decide
    return Error(kind, error.message + hint, error.status, error.code)
