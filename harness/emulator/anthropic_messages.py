"""The endpoint of messages: what a body asks, and the message that the API answers with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from . import anthropic_rules, extras, schema_values
from .anthropic_models import Family
from .anthropic_replies import error, problem
from .anthropic_rules import Call, effort, thinks
from .anthropic_usage import usage
from .draws import base62
from .execution import Answered, Asked, Body
from .formats import Format
from .models import Models
from .problems import Problem


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages under one version of the API, direct or in a batch."""

    call: Call

    def check(self, body: Body, models: Models[Family]) -> Problem | None:
        """Find the first problem of a request."""
        return anthropic_rules.check(body, models, self.call)

    def ask(self, body: Body, family: Family) -> Asked:
        """Read what a request asks; the system prompt comes first, as a message."""
        system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
        kind = thinks(body, family)
        depth = {"adaptive": effort(body, family) or "high", "enabled": "medium"}.get(kind)
        return Asked([*system, *body["messages"]], _wanted(body), depth, body["max_tokens"])

    def shape(self, answered: Answered[Family]) -> Body:
        """Make the message."""
        content, reason, sequence = _said(answered)
        refused = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
        return {
            "id": "msg_01" + base62(22, answered.key),
            "type": "message",
            "role": "assistant",
            "model": answered.model,
            "content": [*_thoughts(answered), *content],
            "stop_reason": reason,
            "stop_sequence": sequence,
            **({"stop_details": refused} if refused else {}),
            "usage": usage(answered, self.call.tier),
        }

    def bad_schema(self, _wanted: Format, found: str) -> Problem:
        """Say what is wrong with a schema."""
        return problem(f"output_config.format.schema: {found}")

    def refuse(self, found: Problem) -> Body:
        """Shape an error."""
        return error(found)


def _wanted(body: Body) -> Format:
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format")
    return {"type": "json_schema", "schema": wanted["schema"], "strict": True} if wanted else {"type": "text"}


def _thoughts(answered: Answered[Family]) -> Iterator[Body]:
    """Make the block of thinking, which stands before all others and whose text is mostly kept back."""
    if answered.asked.effort is None or not answered.spent.reasoning:
        return
    default = "summarized" if answered.facts.thinking_shown else "omitted"
    shown = (answered.body.get("thinking") or {}).get("display") or default
    text = schema_values.text(answered.draws).capitalize() + "." if shown == "summarized" else ""
    yield {"type": "thinking", "thinking": text, "signature": "Eq" + base62(40, "signature", answered.key)}


def _said(answered: Answered[Family]) -> tuple[list[Body], str, str | None]:
    """Make the blocks, and say why they end: a cap that thinking has used up leaves none."""
    (reply,), body = answered.replies, answered.body
    if reply.refusal is not None:
        return [], "refusal", None
    call = None if reply.cut else _call(answered)
    if call is not None:
        name = "toolu_01" + base62(22, "tool", answered.key)
        used = {"type": "tool_use", "id": name, "name": call.name, "input": orjson.loads(call.arguments)}
        return [used], "tool_use", None
    text = reply.content or ""
    found = [(text.index(stop), stop) for stop in body.get("stop_sequences") or () if stop and stop in text]
    if found:
        end, stop = min(found)
        return _text(text[:end]), "stop_sequence", stop
    return _text(text), "max_tokens" if reply.cut else "end_turn", None


def _text(text: str) -> list[Body]:
    return [{"type": "text", "text": text}] if text else []


def _call(answered: Answered[Family]) -> extras.Call | None:
    choice = answered.body.get("tool_choice") or {}
    functions = [
        {"name": tool["name"], "parameters": tool["input_schema"]}
        for tool in answered.body.get("tools") or ()
        if tool.get("type") in (None, "custom")
    ]
    forced = "required" if choice.get("type") == "any" else None
    return extras.called(functions, forced, choice.get("name"), answered.draws)
