"""Faults of calls and of lines, in the words of Anthropic."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .anthropic_headers import key_of
from .anthropic_replies import TYPES, error, problem, refusal
from .batches import Fault

NAME = "anthropic"
_WORDS = {500: "Internal server error", 529: "Overloaded", 504: "Request timed out"}
_PURSE = (
    "Your credit balance is too low to access the Anthropic API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)
_LIMITED = "This request would exceed the rate limit for your organization. Please try again later."


def server_error(status: int) -> Response:
    """Say that the server had an error."""
    return refusal(problem(_WORDS.get(status, _WORDS[500]), status))


def strike(fault: Fault, request: Request) -> Response | None:
    """Refuse a call that a fault strikes."""
    name = fault["fault"]
    if name == "rate_limited":
        after = fault.get("retry_after", 1)
        headers = {} if after is None else {"retry-after": str(after)}
        return refusal(problem(fault.get("message", _LIMITED), 429), headers=headers)
    if name == "insufficient_quota":
        return refusal(problem(_PURSE, 402))
    if name == "echo_key":
        return refusal(problem(f"API key is invalid: {key_of(request.headers)}", fault.get("status", 401)))
    return None


def broken(fault: Fault) -> dict[str, Any]:
    """Shape the result that a fault lets a line come to."""
    if fault["fault"] == "unfinished_lines":
        return {"type": fault.get("result", "expired")}
    empty = fault.get("code") == "insufficient_quota"
    status = 402 if empty else fault.get("status", 429)
    kind = fault.get("type") if fault.get("type") in {*TYPES.values(), "api_error"} else None
    words = _PURSE if empty else fault.get("message", _LIMITED if status == 429 else _WORDS.get(status, _WORDS[500]))
    shaped = error(problem(words, status))
    shaped["error"] |= {"type": kind} if kind else {}
    if isinstance(fault.get("body"), dict):
        return dict(fault["body"])
    return {"type": "errored", "error": fault.get("error", shaped | {"request_id": None})}
