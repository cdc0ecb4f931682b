"""The bytes of the OpenAI batch protocol: a request's body and line, and what a line of the answer says. Pure.

Read: "Batch API" guide and API reference, developers.openai.com, November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.types import Error, ErrorClass, Fixed, Request, Response, Usage

URLS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
BILLING = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
MODEL_FAILED = ("json_validate_failed", "tool_use_failed")  # Groq: the model wrote what does not fit, said as a 400
MODERATION = ("content_policy_violation", "invalid_prompt", "cyber_policy", "content_filter")


def encoder(fixed: Fixed) -> Callable[[Request], bytes]:
    """Return the function that makes a request's body; model and parameters are encoded once."""
    constant = {**fixed.parameters, **_form(fixed)}
    turns_key = b"input" if fixed.api == "responses" else b"messages"
    head = b'{"model":' + orjson.dumps(fixed.model) + b',"%s":' % turns_key
    tail = b"," + orjson.dumps(constant)[1:] if constant else b"}"

    def encode(request: Request) -> bytes:
        turns = [{"role": turn.role, "content": turn.content} for turn in request.messages]
        return head + orjson.dumps(turns) + tail

    return encode


def _form(fixed: Fixed) -> dict[str, Any]:
    """Return how the API is told the form of the answer: nested on Chat, flat beside the verbosity on Responses."""
    schema = fixed.schema
    sent = {"name": schema.name, "schema": schema.schema, "strict": schema.strict} if schema else {}
    if fixed.output == "text":
        return {}
    if fixed.api == "responses":
        return {"text": {**fixed.parameters.get("text", {}), "format": {"type": fixed.output, **sent}}}
    return {"response_format": {"type": fixed.output, **({"json_schema": sent} if sent else {})}}


def line(custom_id: str, body: bytes, fixed: Fixed) -> bytes:
    """Wrap a body into a line of the input file; `url` repeats the batch's endpoint, as the API wants."""
    return b'{"custom_id":"%s","method":"POST","url":"%s","body":%s}\n' % (
        custom_id.encode(),
        URLS[fixed.api].encode(),
        body,
    )


def decode(line: bytes) -> Response:
    """Read a line of the output or error file; a 4xx comes with a top-level `error` of null."""
    data = _parsed(line)
    if not isinstance(data, dict) or not isinstance(data.get("custom_id"), str):
        raise ValueError("a line without custom_id")
    custom_id: str = data["custom_id"]
    answer = data.get("response")
    if data.get("error"):
        return Response(custom_id, error=_never_ran(data["error"]))
    if not isinstance(answer, dict):
        return Response(custom_id, error=Error("unknown", "neither an answer nor an error"))
    status, body = answer.get("status_code"), answer.get("body")
    if not isinstance(status, int) or not 200 <= status < 300:
        if (written := _unfit(body)) is not None:
            return Response(custom_id, text=written, request_id=_text(answer.get("request_id")))
        return Response(custom_id, request_id=_text(answer.get("request_id")), error=_refused(status, body))
    if isinstance(body, dict) and isinstance(body.get("output"), list):
        return _response(custom_id, answer.get("request_id"), body)
    if isinstance(body, dict) and body.get("error") and not body.get("choices"):  # some servers say 200 and an error
        return Response(custom_id, request_id=_text(answer.get("request_id")), error=_refused(status, body))
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return Response(custom_id, error=Error("unknown", "an answer without choices", status))
    return _chat(custom_id, answer.get("request_id"), body, choices[0])


def _unfit(body: Any) -> str | None:
    """Return what a model wrote and the server refused to hand out: an answer like any other."""
    error = told(body)
    if error.get("code") not in MODEL_FAILED:
        return None
    written = error.get("failed_generation")
    return written if isinstance(written, str) else ""


def _parsed(line: bytes) -> Any:
    """Parse a line; half a surrogate, which orjson refuses, is no reason to lose an answer that was paid for."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        import json

        return json.loads(line)


def _mapping(value: Any) -> Mapping[str, Any]:
    """Read an object; a server that is only nearly compatible may send anything, and no answer may be lost by it."""
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _content(content: Any) -> str | None:
    """Read the text of a message; parts of type text are joined."""
    parts = [_mapping(part).get("text") for part in content] if isinstance(content, list) else []
    texts = [text for text in parts if isinstance(text, str)]
    return "".join(texts) if texts and len(texts) == len(parts) else _text(content)


def _count(*values: Any) -> int:
    """Read the first count that is there."""
    return next((value for value in values if type(value) is int and value >= 0), 0)


def _chat(custom_id: str, request_id: Any, body: Mapping[str, Any], choice: Mapping[str, Any]) -> Response:
    message, reason = _mapping(choice.get("message")), _text(choice.get("finish_reason"))
    return Response(
        custom_id,
        text=_content(message.get("content")),
        refusal=_text(message.get("refusal")) or (reason if reason == "content_filter" else None),
        finish_reason=reason,
        truncated=reason == "length",
        usage=_usage(body.get("usage")),
        model=_text(body.get("model")),
        request_id=_text(request_id),
    )


def _response(custom_id: str, request_id: Any, body: Mapping[str, Any]) -> Response:
    """Read an answer of the Responses API; one that the model could not finish comes with status 200 too."""
    status = _text(body.get("status"))
    if status not in (None, "completed", "incomplete"):
        error = _mapping(body.get("error"))
        message = _text(error.get("message")) or f"the answer has the status {status}"
        found = Error(_failed(error), message, None, _text(error.get("code")))
        return Response(custom_id, request_id=_text(request_id), error=found)
    contents = [item.get("content") for item in map(_mapping, body["output"]) if item.get("type") == "message"]
    parts = [_mapping(part) for content in contents if isinstance(content, list) for part in content]
    texts = [part["text"] for part in parts if part.get("type") == "output_text" and isinstance(part.get("text"), str)]
    refusals = [_text(part.get("refusal")) or "" for part in parts if part.get("type") == "refusal"]
    reason = _text(_mapping(body.get("incomplete_details")).get("reason")) if status == "incomplete" else status
    filtered = reason if reason == "content_filter" else None
    return Response(
        custom_id,
        text="".join(texts) if texts else None,
        refusal="".join(refusals) or filtered,
        finish_reason=reason,
        truncated=status == "incomplete" and not filtered,
        usage=_usage(body.get("usage")),
        model=_text(body.get("model")),
        request_id=_text(request_id),
    )


def _failed(error: Mapping[str, Any]) -> ErrorClass:
    """Class an answer that failed while it was made."""
    code = _text(error.get("code"))
    if code in ("server_error", "rate_limit_exceeded"):
        return "retryable"
    return kind_of(400, code) if code else "unknown"


def _usage(usage: Any) -> Usage | None:
    """Read the counts of either API: Responses calls them input and output, Chat prompt and completion."""
    if not usage or not isinstance(usage, dict):
        return None
    read = _mapping(usage.get("input_tokens_details") or usage.get("prompt_tokens_details"))
    written = _mapping(usage.get("output_tokens_details") or usage.get("completion_tokens_details"))
    return Usage(
        input_tokens=_count(usage.get("input_tokens"), usage.get("prompt_tokens")),
        cached_tokens=_count(read.get("cached_tokens")),
        cache_write_tokens=_count(read.get("cache_write_tokens")),
        output_tokens=_count(usage.get("output_tokens"), usage.get("completion_tokens")),
        reasoning_tokens=_count(written.get("reasoning_tokens")),
    )


def _never_ran(error: Any) -> Error:
    """Class a line that the batch did not execute."""
    code = _text(_mapping(error).get("code"))
    message = (_text(_mapping(error).get("message")) or str(code)) if isinstance(error, dict) else str(error)
    kinds: dict[Any, ErrorClass] = {
        "batch_expired": "expired",
        "batch_cancelled": "cancelled",
        "request_timeout": "retryable",
    }
    return Error(kinds.get(code, "unknown"), message, None, code)


def _refused(status: Any, body: Any) -> Error:
    """Class a line that ran and got an HTTP error."""
    error = told(body)
    number, code = status if isinstance(status, int) else 0, _text(error.get("code"))
    message = _text(error.get("message")) or (str(body)[:500] if body else f"status {number} and an empty body")
    return Error(kind_of(number, code), message, number, code)


def told(body: Any) -> Mapping[str, Any]:
    """Find what an error body says: under `error`, flat as vLLM writes it, or as the first of a bare array.

    A code that is a number only repeats the status.
    """
    body = body[0] if isinstance(body, list) and body else body
    inner = body.get("error", body) if isinstance(body, dict) else {}
    said = inner if isinstance(inner, dict) else {"message": inner} if isinstance(inner, str) else {}
    return said if isinstance(said.get("code"), str | None) else {**said, "code": None}


def kind_of(status: int, code: str | None) -> ErrorClass:
    """Class an HTTP error by status and code."""
    if code in BILLING or status == 402:
        return "billing"
    if code in MODERATION:
        return "moderation"
    if status in (401, 403):
        return "auth"
    if status in (0, 408, 409, 429, 498) or status >= 500:  # 498: Groq has no capacity at this moment
        return "retryable"
    return "permanent" if 400 <= status < 500 else "unknown"
