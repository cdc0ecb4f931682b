"""HTTP answers in OpenAI's shapes: objects, lists, errors, and the headers that come with them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from .problems import Problem, error, missing, out_of_range, wrong_type

_HEADERS = {"openai-version": "2020-10-01", "openai-organization": "org-emulator", "openai-processing-ms": "7"}


def answer(
    body: object, status: int = 200, *, headers: Mapping[str, str] | None = None, known: bool = True
) -> Response:
    """Answer with JSON; `known`: the caller was let in, so that the organisation's headers come along."""
    sent = {"x-request-id": "req_" + secrets.token_hex(16), "x-content-type-options": "nosniff"}
    sent |= _HEADERS if known else {}
    sent |= headers or {}
    return Response(json.dumps(body), status, sent, "application/json")


def refusal(problem: Problem, *, headers: Mapping[str, str] | None = None, known: bool = True) -> Response:
    """Answer with an error."""
    return answer(error(problem), problem.status, headers=headers, known=known)


async def read_json(request: Request, limit: int) -> dict[str, Any] | Problem:
    """Read a JSON object of at most `limit` bytes from the body."""
    body = await read_body(request, limit)
    return body if isinstance(body, Problem) else parse_json(body)


async def read_body(request: Request, limit: int) -> bytes | Problem:
    """Read a body of at most `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > limit:
            return Problem("The request body is too large.", None, None, 413)
        body += chunk
    return bytes(body)


def parse_json(body: bytes) -> dict[str, Any] | Problem:
    """Parse a JSON object."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        words = (
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)"
        )
        return Problem(words)
    return data if isinstance(data, dict) else wrong_type("body", "an object", data)


def limit_of(request: Request, default: int, highest: int) -> int | Problem:
    """Read `limit` of a listing."""
    text = request.query_params.get("limit", str(default))
    if not text.removeprefix("-").isdigit():
        return wrong_type("limit", "an integer", text)
    return out_of_range("limit", int(text), 1, highest) or int(text)


def page(items: Sequence[dict[str, Any]], after: str | None, limit: int) -> dict[str, Any]:
    """Cut one page out of a listing; an unknown `after` begins at the start."""
    ids = [item["id"] for item in items]
    start = ids.index(after) + 1 if after in ids else 0
    data = list(items[start : start + limit])
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": start + limit < len(items),
    }


def seconds(name: str, value: Any) -> Problem | None:
    """Check an expiry: {"anchor": "created_at", "seconds": 3600 … 2592000}."""
    if not isinstance(value, dict):
        return wrong_type(name, "an object", value)
    for key in ("anchor", "seconds"):
        if value.get(key) is None:
            return missing(f"{name}.{key}")
    if value["anchor"] != "created_at":
        words = f"Invalid value: '{value['anchor']}'. Supported values are: 'created_at'."
        return Problem(words, f"{name}.anchor", "invalid_value")
    if type(value["seconds"]) is not int:
        return wrong_type(f"{name}.seconds", "an integer", value["seconds"])
    return out_of_range(f"{name}.seconds", value["seconds"], 3600, 2_592_000)
