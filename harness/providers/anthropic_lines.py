"""The bytes of Anthropic's message batches: a request's body and line, and what a line of the results says. Pure.

Read: Message Batches guide and API reference, platform.claude.com, November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harness.types import Error, ErrorClass, Fixed, Message, Request, Response, Usage

KINDS: Mapping[str, ErrorClass] = {  # error types of the API → classes
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "billing",
    "rate_limit_error": "retryable",
    "api_error": "retryable",
    "overloaded_error": "retryable",
    "timeout_error": "retryable",
    "invalid_request_error": "permanent",
    "not_found_error": "permanent",
    "request_too_large": "permanent",
}
CUT_OFF = ("max_tokens", "model_context_window_exceeded")


def encoder(fixed: Fixed) -> Callable[[Request], bytes]:
    """Return the function that makes a request's params; model and parameters are encoded once."""
    constant = dict(fixed.parameters)
    if fixed.schema is not None:
        form = {"type": "json_schema", "schema": fixed.schema.schema}
        constant["output_config"] = {**constant.get("output_config", {}), "format": form}
    head = b'{"model":' + orjson.dumps(fixed.model)
    tail = b"," + orjson.dumps(constant)[1:] if constant else b"}"

    def encode(request: Request) -> bytes:
        system = "\n\n".join(turn.content for turn in request.messages if turn.role == "system" and turn.content)
        turns = orjson.dumps(_turns(request.messages))
        told = b',"system":' + orjson.dumps(system) if system else b""  # an empty one is refused
        return head + told + b',"messages":' + turns + tail

    return encode


def _turns(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in messages if turn.role != "system"]


def line(custom_id: str, body: bytes, fixed: Fixed) -> bytes:
    """Wrap params into one request of the batch; the lines joined by commas are its `requests`."""
    return b'{"custom_id":"%s","params":%s}\n' % (custom_id.encode(), body)


def decode(line: bytes) -> Response:
    """Read a line of the results; the useful type of an error stands one level deeper than it seems."""
    data = orjson.loads(line)
    if not isinstance(data, dict) or not isinstance(data.get("custom_id"), str):
        raise ValueError("a line without custom_id")
    custom_id: str = data["custom_id"]
    result = _mapping(data.get("result"))
    match result.get("type"):
        case "succeeded":
            return _message(custom_id, _mapping(result.get("message")))
        case "errored":
            return Response(custom_id, **_failed(_mapping(result.get("error"))))
        case "expired":
            return Response(custom_id, error=Error("expired", "the batch expired before this request ran"))
        case "canceled":
            return Response(custom_id, error=Error("cancelled", "the batch was cancelled before this request ran"))
    return Response(custom_id, error=Error("unknown", f"a result of type {result.get('type')!r:.80}"))


def _failed(envelope: Mapping[str, Any]) -> dict[str, Any]:
    error = _mapping(envelope.get("error"))
    kind = _text(error.get("type"))
    message = _text(error.get("message")) or f"an error of type {kind}"
    return {
        "request_id": _text(envelope.get("request_id")),
        "error": Error(KINDS.get(kind or "", "unknown"), message, None, kind),
    }


def _message(custom_id: str, message: Mapping[str, Any]) -> Response:
    content = message.get("content")
    if not isinstance(content, list):
        return Response(custom_id, error=Error("unknown", "an answer without content"))
    texts = [part.get("text") for part in map(_mapping, content) if part.get("type") == "text"]
    said = [text for text in texts if isinstance(text, str)]
    reason = _text(message.get("stop_reason"))
    text = "".join(said) if said else None
    return Response(
        custom_id,
        text=text,
        refusal=(text or "the model declined") if reason == "refusal" else None,
        finish_reason=reason,
        truncated=reason in CUT_OFF,
        usage=_usage(message.get("usage")),
        model=_text(message.get("model")),
        request_id=_text(message.get("id")),
    )


def _usage(usage: Any) -> Usage | None:
    """Read the counts; the API's input_tokens leave the cached ones out, ours have them in."""
    if not isinstance(usage, dict) or not usage:
        return None
    read, written = _count(usage.get("cache_read_input_tokens")), _count(usage.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=_count(usage.get("input_tokens")) + read + written,
        cached_tokens=read,
        cache_write_tokens=written,
        output_tokens=_count(usage.get("output_tokens")),
        reasoning_tokens=_count(_mapping(usage.get("output_tokens_details")).get("thinking_tokens")),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _count(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0
