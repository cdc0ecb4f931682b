"""Faults of calls and of rows, in the words of the Gemini API."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import gemini_names, google_strikes
from .batches import Fault
from .gemini_names import key_of
from .google_replies import error_info, problem, refusal, retry_info, rpc
from .google_strikes import Words, of_row, unpaid

NAME = gemini_names.NAME
SERVICE = "generativelanguage.googleapis.com"
_WORDS = Words(
    SERVICE,
    "This API method requires billing to be enabled. Please enable billing on the project, then retry.",
    {
        429: "Resource has been exhausted (e.g. check quota).",
        500: "An internal error has occurred. Please retry.",
        503: "The model is overloaded. Please try again later.",
        504: "The request timed out. Please try again.",
    },
)
_QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaMetric": f"{SERVICE}/batch_requests", "quotaId": "BatchRequestsPerMinutePerProject"}],
}


def server_error(status: int) -> Response:
    """Say that the server had an error."""
    return google_strikes.server_error(status, _WORDS)


def strike(fault: Fault, request: Request) -> Response | None:
    """Refuse a call that a fault strikes; when to come back stands in the body, not in a header."""
    name = fault["fault"]
    if name == "rate_limited":
        after = fault.get("retry_after", 1)
        when = () if after is None else (retry_info(after),)
        return refusal(problem(fault.get("message", _WORDS.of(429)), 429), _QUOTA, *when)
    if name == "insufficient_quota":
        return refusal(*unpaid(_WORDS))
    if name == "echo_key":
        words = f"API key not valid: {key_of(request.headers, request.query_params)}"
        return refusal(problem(words, fault.get("status", 400)), error_info("API_KEY_INVALID", SERVICE))
    return None


def broken(fault: Fault) -> dict[str, Any]:
    """Shape what a fault puts into a row in place of its response."""
    if isinstance(fault.get("body"), dict):
        return dict(fault["body"])
    if fault.get("no_response"):
        return {}
    if "error" in fault:
        return {"error": fault["error"]}
    found, details = of_row(fault, _WORDS)
    shaped = rpc(found) | ({"details": list(details)} if details else {})
    return {"error": shaped | ({"code": fault["code"]} if isinstance(fault.get("code"), int) else {})}
