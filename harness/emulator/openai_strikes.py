"""Faults of calls, in the words of OpenAI."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from .batches import Fault
from .problems import Problem
from .replies import refusal

NAME = "openai"
SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this "
    "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
)


def server_error(status: int) -> Response:
    """Say that the server had an error."""
    return refusal(Problem(SERVER_ERROR, None, None, status, "server_error"))


def strike(fault: Fault, request: Request) -> Response | None:
    """Refuse a call that a fault strikes."""
    name = fault["fault"]
    if name == "rate_limited":
        after = fault.get("retry_after", 1)
        words = fault.get("message", "Rate limit reached for requests. Please try again in 1s.")
        headers = {} if after is None else {"retry-after": str(after)}
        return refusal(Problem(words, None, "rate_limit_exceeded", 429, "requests"), headers=headers)
    if name == "insufficient_quota":
        return refusal(Problem(_QUOTA, None, "insufficient_quota", 429, "insufficient_quota"))
    if name == "echo_key":
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        words = f"Incorrect API key provided: {key}."
        return refusal(Problem(words, None, "invalid_api_key", fault.get("status", 401)))
    return None
