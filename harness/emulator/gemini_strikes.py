"""Faults of calls and of rows, in the words of the Gemini API."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import gemini_names
from .batches import Fault
from .gemini_names import key_of
from .google_replies import CODES, error_info, problem, refusal, retry_info, rpc

NAME = gemini_names.NAME
SERVICE = "generativelanguage.googleapis.com"
_WORDS = {
    429: "Resource has been exhausted (e.g. check quota).",
    500: "An internal error has occurred. Please retry.",
    503: "The model is overloaded. Please try again later.",
    504: "The request timed out. Please try again.",
}
_PURSE = "This API method requires billing to be enabled. Please enable billing on the project, then retry."
_QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaMetric": f"{SERVICE}/batch_requests", "quotaId": "BatchRequestsPerMinutePerProject"}],
}


def server_error(status: int) -> Response:
    """Say that the server had an error."""
    return refusal(problem(_WORDS.get(status, _WORDS[500]), status))


def strike(fault: Fault, request: Request) -> Response | None:
    """Refuse a call that a fault strikes; when to come back stands in the body, not in a header."""
    name = fault["fault"]
    if name == "rate_limited":
        after = fault.get("retry_after", 1)
        when = () if after is None else (retry_info(after),)
        return refusal(problem(fault.get("message", _WORDS[429]), 429), _QUOTA, *when)
    if name == "insufficient_quota":
        return refusal(problem(_PURSE, 403), error_info("BILLING_DISABLED", SERVICE))
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
    if fault.get("code") == "insufficient_quota":
        details = [error_info("BILLING_DISABLED", SERVICE)]
        return {"error": rpc(problem(_PURSE, 403)) | {"details": details}}
    status = fault.get("status", 429)
    kind = fault.get("type") if fault.get("type") in CODES else None
    words = fault.get(
        "message", _WORDS.get(status, "Request contains an invalid argument." if status < 500 else _WORDS[500])
    )
    shaped = rpc(problem(words, status, kind=kind))
    return {"error": shaped | ({"code": fault["code"]} if isinstance(fault.get("code"), int) else {})}
