"""Faults of calls and of rows, in the words of Vertex AI."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from . import google_strikes
from .batches import Fault
from .execution import Body
from .google_replies import error, problem, refusal
from .google_strikes import Words, of_row, unpaid

NAME = "vertex"
_CREATES = re.compile(r"/v1(?:beta1)?/(projects/.*)/batchPredictionJobs")
_DENIED = "Permission 'aiplatform.batchPredictionJobs.create' denied on resource '//aiplatform.googleapis.com/{}'"
SERVICE = "aiplatform.googleapis.com"
_WORDS = Words(
    SERVICE,
    "This API method requires billing to be enabled. Please enable billing on the project and try again.",
    {
        403: "The caller does not have permission",
        429: "Resource exhausted. Please try again later.",
        500: "Internal error encountered.",
        503: "The service is currently unavailable.",
        504: "Deadline expired before operation could complete.",
    },
)


def server_error(status: int) -> Response:
    """Say that the server had an error."""
    return google_strikes.server_error(status, _WORDS)


def strike(fault: Fault, request: Request) -> Response | None:
    """Refuse a call that a fault strikes."""
    name = fault["fault"]
    if name == "server_error" and fault.get("status") == 403:
        created = _CREATES.fullmatch(request.url.path) if request.method == "POST" else None
        return refusal(problem(_DENIED.format(created[1]), 403)) if created else None
    if name == "rate_limited":
        after = fault.get("retry_after", 1)
        headers = {} if after is None else {"retry-after": str(after)}
        return refusal(problem(fault.get("message", _WORDS.of(429)), 429), headers=headers)
    if name == "insufficient_quota":
        return refusal(*unpaid(_WORDS))
    if name == "echo_key":
        key = request.headers.get("x-goog-api-key") or request.headers.get("authorization", "")
        return refusal(problem(f"Request had invalid authentication credentials: {key}", fault.get("status", 401)))
    return None


def failed_status(status: int, body: Body) -> str:
    """Write what stands in the status of a row that failed: the reason of HTTP, then the error as text."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    return f"{reason}: {json.dumps(body)}"


def broken(fault: Fault) -> Body:
    """Shape what a fault lets a row come to, instead of a response."""
    if isinstance(fault.get("body"), dict):
        return dict(fault["body"])
    if fault.get("no_response"):
        return {}
    found, details = of_row(fault, _WORDS)
    shaped = {"error": fault["error"]} if "error" in fault else error(found, *details)
    return {"status": failed_status(found.status, shaped)}
