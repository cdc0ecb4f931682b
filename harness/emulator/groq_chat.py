"""Groq's chat completions: what a body asks, and the object that is answered (console.groq.com/docs, November 2026)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from . import completion, extras
from .answers import Reply
from .draws import base32
from .execution import Answered, Asked, Body, UndeliveredError
from .formats import Format
from .groq_rules import check
from .models import Facts
from .problems import Problem
from .streams import chat_events
from .thoughts import THOUGHT, with_thought

__all__ = ["CONTENT", "TITLE", "ask", "bad_schema", "check", "contradict", "refuse", "serves", "shape", "stream"]

TITLE, CONTENT, bad_schema = completion.TITLE, completion.CONTENT, completion.bad_schema
serves, contradict, refuse = completion.serves, completion.contradict, completion.refuse


def ask(body: Body, facts: Facts) -> Asked:
    """Read what a request asks; `default` is Groq's word for the model's own effort."""
    asked = completion.ask(body, facts)
    return replace(asked, effort="medium" if asked.effort == "default" else asked.effort)


def shape(answered: Answered[Facts]) -> Body:
    """Make the completion; what the model wrote against the format is a 400."""
    [reply] = answered.replies
    choice = _choice(reply, answered)
    written = choice["message"]["content"]
    if choice["finish_reason"] == "stop" and not _fits(written, answered.asked.wanted):
        raise UndeliveredError(_unfit(written, answered.asked.wanted))
    request, spent = "req_01" + base32(24, answered.key), answered.spent
    seconds = {"queue_time": 0.02, "prompt_time": round(spent.prompt / 20_000, 6)}
    seconds |= {"completion_time": round(spent.output / 500, 6)}
    return {
        "id": f"chatcmpl-{answered.key[:8]}-{answered.key[8:12]}-{answered.key[12:16]}-{answered.key[16:28]}",
        "object": "chat.completion",
        "created": answered.now,
        "model": answered.model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": spent.prompt,
            "completion_tokens": spent.output,
            "total_tokens": spent.prompt + spent.output,
            **({"completion_tokens_details": {"reasoning_tokens": spent.reasoning}} if spent.reasoning else {}),
            **seconds,
            "total_time": round(sum(seconds.values()), 6),
        },
        "usage_breakdown": None,
        "system_fingerprint": "fp_" + answered.key[:10],
        "x_groq": {"id": request},
        "service_tier": "on_demand",
    }


def _choice(reply: Reply, answered: Answered[Facts]) -> Body:
    body, facts = answered.body, answered.facts
    text = (reply.content if reply.refusal is None else reply.refusal) or ""
    if body.get("stop"):
        text = extras.stopped(text, body["stop"])
    message: Body = {"role": "assistant", "content": text}
    if answered.asked.effort is not None:
        formatted = answered.asked.wanted["type"] != "text"
        shown = body.get("reasoning_format") or ("raw" if facts.thinks and not formatted else "parsed")
        if shown == "raw":
            message["content"] = with_thought(text, cut=reply.cut)
        elif shown == "parsed" and body.get("include_reasoning", True):
            message["reasoning"] = THOUGHT
    finish = "length" if reply.cut else "stop"
    call = None if reply.cut else completion.call(answered)
    if call is not None:
        message = {"role": "assistant", "tool_calls": [call]}
        finish = "tool_calls"
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}


def _fits(written: str, wanted: Format) -> bool:
    """Say whether an answer keeps the format: JSON with, of a schema, the keys that it requires."""
    if wanted["type"] == "text":
        return True
    try:
        value = orjson.loads(written)
    except orjson.JSONDecodeError:
        return False
    schema: Any = wanted.get("schema") if wanted["type"] == "json_schema" else None
    required = schema.get("required", ()) if isinstance(schema, dict) else ()
    return isinstance(value, dict) and all(name in value for name in required)


def _unfit(written: str, wanted: Format) -> Body:
    words = "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details."
    if wanted["type"] == "json_schema":
        words = "Generated JSON does not match the expected schema. Please adjust your prompt."
    problem = Problem(words, None, "json_validate_failed")
    named = {"message": problem.message, "type": problem.type, "code": problem.code}
    return {"error": {**named, "failed_generation": written}}


def stream(body: Body, done: Body) -> Iterator[str]:
    """Cut a completion into the events of a stream."""
    return chat_events(done, with_usage=bool((body.get("stream_options") or {}).get("include_usage")))
