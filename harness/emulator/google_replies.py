"""HTTP answers in the shapes of Google's APIs: objects, google.rpc.Status errors, pages, times."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .problems import Problem
from .replies import read_body

Body = dict[str, Any]
T = TypeVar("T")
# google/rpc/code.proto: status → its number, and the HTTP status that it comes with.
CODES: dict[str, tuple[int, int]] = {
    "CANCELLED": (1, 499),
    "INVALID_ARGUMENT": (3, 400),
    "DEADLINE_EXCEEDED": (4, 504),
    "NOT_FOUND": (5, 404),
    "ALREADY_EXISTS": (6, 409),
    "PERMISSION_DENIED": (7, 403),
    "RESOURCE_EXHAUSTED": (8, 429),
    "FAILED_PRECONDITION": (9, 400),
    "INTERNAL": (13, 500),
    "UNAVAILABLE": (14, 503),
    "UNAUTHENTICATED": (16, 401),
}
_STATUSES = {http: name for name, (_, http) in reversed(CODES.items())}
_COUNT = re.compile(r"[0-9]{1,10}")
TOO_LARGE = "Request payload size exceeds the limit: {} bytes."
_TYPE = "type.googleapis.com/google.rpc."


def problem(message: str, status: int = 400, *, kind: str | None = None, field: str | None = None) -> Problem:
    """Make a problem; `kind`: its google.rpc name, if the status does not tell; `field`: the path of what is wrong."""
    return Problem(message, field, None, status, kind or _name(status))


def _name(status: int) -> str:
    return _STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")


def unknown(name: str, where: str) -> Problem:
    """Say that a message has no such field; `where`: the message's path, empty at the top."""
    place = f" at '{where}'" if where else ""
    return problem(
        f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.', field=where or name
    )


def error(found: Problem, *details: Body) -> Body:
    """Shape an error."""
    if found.param is not None:
        violation = {"field": found.param, "description": found.message}
        details = ({"@type": _TYPE + "BadRequest", "fieldViolations": [violation]}, *details)
    name = found.type if found.type in CODES else _name(found.status)
    shaped: Body = {"code": found.status, "message": found.message, "status": name}
    return {"error": shaped | ({"details": list(details)} if details else {})}


def rpc(found: Problem) -> Body:
    """Shape the error of a row or of an operation, which names the gRPC number (unverified for rows of a file)."""
    return {"code": CODES.get(found.type, (13, 500))[0], "message": found.message}


def retry_info(seconds: float) -> Body:
    """Say in an error when to come back."""
    return {"@type": _TYPE + "RetryInfo", "retryDelay": f"{seconds:g}s"}


def error_info(reason: str, service: str) -> Body:
    """Give the machine's reason of an error."""
    known = {"reason": reason, "domain": "googleapis.com", "metadata": {"service": service}}
    return {"@type": _TYPE + "ErrorInfo", **known}


def answer(body: object, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON; Google's client takes 200 alone for success."""
    sent = {"vary": "Origin, X-Origin, Referer", "x-content-type-options": "nosniff", **(headers or {})}
    return Response(json.dumps(body), status, sent, "application/json; charset=UTF-8")


def refusal(found: Problem, *details: Body, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with an error."""
    return answer(error(found, *details), found.status, headers=headers)


async def read_object(request: Request, limit: int) -> Body | Problem:
    """Read a JSON object of at most `limit` bytes from the body."""
    raw = await read_body(request, limit)
    if isinstance(raw, Problem):
        return problem(TOO_LARGE.format(limit))
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        return problem(f"Invalid JSON payload received. {wrong}")
    return body if isinstance(body, dict) else problem("Invalid JSON payload received. The body is not an object.")


def page(request: Request, items: Sequence[T], default: int, most: int) -> tuple[Sequence[T], str | None] | Problem:
    """Cut out the page that is asked for: its items, and the token of the next one if there is more."""
    size = request.query_params.get("pageSize") or request.query_params.get("page_size") or "0"
    count = int(size) if _COUNT.fullmatch(size) else None
    if count is None:
        return problem(f"Invalid value at 'page_size' (TYPE_INT32), \"{size}\"", field="page_size")
    token = request.query_params.get("pageToken") or request.query_params.get("page_token") or ""
    try:
        start = base64.urlsafe_b64decode(token).decode() or "0"
    except ValueError:
        start = ""
    if not _COUNT.fullmatch(start):
        return problem("Page token is invalid.")
    end = int(start) + min(count or default, most)
    return items[int(start) : end], base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None


def time(seconds: float, *, nanoseconds: bool = True) -> str:
    """Write a time with nine digits of a second, or six."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + ("000Z" if nanoseconds else "Z")
