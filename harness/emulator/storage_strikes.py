"""Faults of calls in the words of Cloud Storage; a plan names them together with those of Vertex, as `vertex`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from .batches import Fault
from .storage_replies import refusal

NAME = "vertex"
_LIMITED = "The object exceeded the rate limit for object mutation operations (create, update, and delete)."


def server_error(status: int) -> Response:
    """Say that the server had an error."""
    return refusal(status, "We encountered an internal error. Please try again.")


def strike(fault: Fault, request: Request) -> Response | None:
    """Refuse a call that a fault strikes."""
    name = fault["fault"]
    if name == "rate_limited":
        response = refusal(429, fault.get("message", _LIMITED))
        if fault.get("retry_after", 1) is not None:
            response.headers["retry-after"] = str(fault.get("retry_after", 1))
        return response
    if name == "insufficient_quota":
        return refusal(403, "The billing account for the owning project is disabled in state absent.")
    if name == "echo_key":
        return refusal(fault.get("status", 401), f"Invalid Credentials: {request.headers.get('authorization', '')}")
    return None
