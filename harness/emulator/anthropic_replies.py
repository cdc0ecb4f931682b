"""HTTP answers in Anthropic's shapes: objects, errors, pages, and the headers that come with them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Container, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .draws import base62
from .problems import Problem

Body = dict[str, Any]
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_HEADERS = {
    "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
    "anthropic-workspace-id": "wrkspc_01emulator",
    "anthropic-ratelimit-requests-limit": "20000",
    "anthropic-ratelimit-requests-remaining": "19999",
    "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
}


def problem(message: str, status: int = 400) -> Problem:
    """Make a problem whose type is that of its status."""
    return Problem(message, None, None, status, TYPES.get(status, "api_error"))


def error(found: Problem) -> Body:
    """Shape an error; an answer adds the id of its request."""
    return {"type": "error", "error": {"type": found.type, "message": found.message}}


def answer(
    body: object,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    known: bool = True,
    request_id: str | None = None,
) -> Response:
    """Answer with JSON; `known`: the caller was let in, so that the organisation's headers come along."""
    sent = {"request-id": request_id or new_id(), **(_HEADERS if known else {}), **(headers or {})}
    return Response(json.dumps(body), status, sent, "application/json")


def new_id() -> str:
    """Make the id of a request."""
    return "req_01" + base62(22, secrets.token_hex(16))


def refusal(found: Problem, *, headers: Mapping[str, str] | None = None, known: bool = True) -> Response:
    """Answer with an error."""
    request_id = new_id()
    body = error(found) | {"request_id": request_id}
    return answer(body, found.status, headers=headers, known=known, request_id=request_id)


def page(request: Request, ids: Sequence[str], gone: Container[str] = ()) -> tuple[list[int], bool] | Problem:
    """Choose the page of a listing that is asked for: the places in `ids`, and whether more follow that way.

    Those that are `gone` are on no page, but one may begin after them.
    """
    text = request.query_params.get("limit", "20")
    if not text.removeprefix("-").isdigit():
        return problem("limit: Input should be a valid integer, unable to parse string as an integer")
    limit, after, before = int(text), request.query_params.get("after_id"), request.query_params.get("before_id")
    if not 1 <= limit <= 1000:
        bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 1000"
        return problem(f"limit: Input should be {bound}")
    if after and before:
        return problem("Only one of `after_id` and `before_id` may be given.")
    for name, value in (("after_id", after), ("before_id", before)):
        if value and value not in ids:
            return problem(f"{name}: Invalid cursor")
    start, end = ids.index(after) + 1 if after else 0, ids.index(before) if before else len(ids)
    found = [i for i in range(start, end) if ids[i] not in gone]
    return found[-limit:] if before else found[:limit], len(found) > limit


def listing(data: Sequence[Body], *, more: bool) -> Body:
    """Shape a page."""
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"data": list(data), "has_more": more, **ends}
