"""What both of Google's batch lanes share: the body of a generateContent request, and what an answer says. Pure.

Read: google-genai 3.6 types.py, and the API reference of generateContent, ai.google.dev, November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from harness.types import Error, ErrorClass, Fixed, Message, Request, Response, Usage

ROLES = {"assistant": "model", "user": "user"}
CUT_OFF = ("MAX_TOKENS", "CONTINUATION")
REFUSED = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")
# google.rpc.Code: number → name (google/rpc/code.proto).
CODES = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"),
    *("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"),
    *("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"),
)
KINDS: Mapping[str, ErrorClass] = {
    "CANCELLED": "cancelled",
    "UNKNOWN": "retryable",
    "DEADLINE_EXCEEDED": "retryable",
    "RESOURCE_EXHAUSTED": "retryable",
    "ABORTED": "retryable",
    "INTERNAL": "retryable",
    "UNAVAILABLE": "retryable",
    "DATA_LOSS": "retryable",
    "PERMISSION_DENIED": "auth",
    "UNAUTHENTICATED": "auth",
}
RETRIED = (408, 429)


def kind_of(code: int | None, status: str | None = None) -> ErrorClass:
    """Class an error by its name, or by its number: one of google.rpc.Code or an HTTP status, both are seen."""
    if status is None and code is not None and 0 <= code < len(CODES):
        status = CODES[code]
    if status in CODES:
        return KINDS.get(str(status), "permanent")
    if code is None or code < 100:
        return "unknown"
    if code in (401, 403):
        return "auth"
    return "retryable" if code in RETRIED or code >= 500 else "permanent"


def error_of(status: Any) -> Error:
    """Read a google.rpc.Status."""
    said = mapping(status)
    code, name = number(said.get("code")), text_of(said.get("status"))
    message = text_of(said.get("message")) or f"an error of code {code}"
    kind = kind_of(code, name)
    details = said.get("details")
    reasons = [mapping(one).get("reason") for one in details] if isinstance(details, list) else []
    if "BILLING_DISABLED" in reasons or (
        kind == "permanent" and name == "FAILED_PRECONDITION" and "billing" in message.lower()
    ):
        kind = "billing"
    named = name or (CODES[code] if code is not None and 0 <= code < len(CODES) else None)
    return Error(kind, message, code if code is not None and code >= 100 else None, named)


def failure_of(status: Any) -> Error:
    """Read why a batch failed as a whole: nothing of it ran, so without a reason that can be read it is tried again."""
    error = error_of(status)
    return Error("retryable", error.message, error.status, error.code) if error.kind == "unknown" else error


def encoder_with(schema_key: str, fixed: Fixed) -> Callable[[Request], bytes]:
    """Return the function that makes a request's body; the schema stands under `schema_key`.

    The body names no model, the batch does. What is constant is encoded once.
    """
    constant = dict(fixed.parameters)
    if fixed.output != "text":
        form = {"responseMimeType": "application/json"}
        told = {schema_key: fixed.schema.schema} if fixed.schema is not None else {}
        constant["generationConfig"] = {**constant.get("generationConfig", {}), **form, **told}
    tail = b"," + orjson.dumps(constant)[1:] if constant else b"}"

    def encode(request: Request) -> bytes:
        system = "\n\n".join(turn.content for turn in request.messages if turn.role == "system" and turn.content)
        told = b',"systemInstruction":' + orjson.dumps({"parts": [{"text": system}]}) if system else b""
        return b'{"contents":' + orjson.dumps(_turns(request.messages)) + told + tail

    return encode


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    return [
        {"role": ROLES.get(turn.role, turn.role), "parts": [{"text": turn.content}]}
        for turn in messages
        if turn.role != "system"
    ]


def answer(custom_id: str, body: Mapping[str, Any]) -> Response:
    """Read a GenerateContentResponse; a prompt that was blocked has no candidates."""
    candidates = body.get("candidates")
    candidate = mapping(candidates[0]) if isinstance(candidates, list) and candidates else None
    blocked = text_of(mapping(body.get("promptFeedback")).get("blockReason"))
    if candidate is None and blocked is None:
        return Response(custom_id, error=Error("unknown", "an answer without candidates"))
    parts = mapping((candidate or {}).get("content")).get("parts")
    said = [part.get("text") for part in map(mapping, parts if isinstance(parts, list) else ()) if not _thought(part)]
    texts = [text for text in said if isinstance(text, str)]
    reason = text_of((candidate or {}).get("finishReason")) or blocked
    text = "".join(texts) if texts else None
    declined = candidate is None or reason in REFUSED
    return Response(
        custom_id,
        text=text,
        refusal=(text or f"blocked: {reason}") if declined else None,
        finish_reason=reason,
        truncated=reason in CUT_OFF,
        usage=_usage(body.get("usageMetadata")),
        model=text_of(body.get("modelVersion")),
        request_id=text_of(body.get("responseId")),
    )


def _thought(part: Mapping[str, Any]) -> bool:
    return part.get("thought") is True


def _usage(usage: Any) -> Usage | None:
    """Read the counts; thoughts are billed as output, and not in the count of the candidates."""
    if not isinstance(usage, dict) or not usage:
        return None
    thoughts = number(usage.get("thoughtsTokenCount")) or 0
    return Usage(
        input_tokens=(number(usage.get("promptTokenCount")) or 0) + (number(usage.get("toolUsePromptTokenCount")) or 0),
        cached_tokens=number(usage.get("cachedContentTokenCount")) or 0,
        output_tokens=(number(usage.get("candidatesTokenCount")) or 0) + thoughts,
        reasoning_tokens=thoughts,
    )


def mapping(value: Any) -> Mapping[str, Any]:
    """Return what is an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:
    """Return a text; what is none, as JSON."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def number(value: Any) -> int | None:
    """Read a count, which proto's JSON writes as a string; -1 says that it is unknown."""
    try:
        return None if value is None or isinstance(value, bool) or int(value) < 0 else int(value)
    except (TypeError, ValueError):
        return None


def seconds_of(stamp: Any) -> float:
    """Read a time stamp, which may have nanoseconds; 0 where it is none."""
    try:
        return datetime.fromisoformat(text_of(stamp) or "").timestamp()
    except ValueError:
        return 0.0
