"""GenerateContent: what a request asks, and the response that the API answers with, on either of Google's surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from . import extras, google_rules, schema_values, tokens
from .answers import Reply
from .draws import base62
from .execution import TOO_DEEP, Answered, Asked, Body, digest
from .formats import Format
from .google_fields import numbered, read
from .google_models import Family, bare
from .google_replies import error, problem
from .google_rules import effort, said
from .google_schema import ordered, plain
from .models import Models
from .problems import Problem


def body_of(request: Body, model: str) -> Body:
    """Make what `execute` runs out of a request as it came, in either spelling, and the model that it goes to."""
    try:
        return {**numbered(read(request)), "model": bare(model)}
    except RecursionError:  # refused as too deep
        return {**request, "model": bare(model)}


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents under one version of the API; `traffic`: what the usage says of it, where it does."""

    version: str
    traffic: str | None = None

    def check(self, body: Body, models: Models[Family]) -> Problem | None:
        """Find the first problem of a request."""
        return google_rules.check(body, models, self.version)

    def ask(self, body: Body, family: Family) -> Asked:
        """Read what a request asks."""
        config: Body = body.get("generationConfig") or {}
        cap = config.get("maxOutputTokens")
        times = min(int(config.get("candidateCount") or 1), google_rules.MOST_CANDIDATES)
        return Asked(said(body), _wanted(config), effort(body, family), None if cap is None else int(cap), times)

    def shape(self, answered: Answered[Family]) -> Body:
        """Make the response; a prompt that was blocked has no candidates."""
        made: Body = {"modelVersion": answered.model, "responseId": base62(22, answered.key)}
        if all(reply.refusal is not None for reply in answered.replies) and answered.draws.below(2):
            blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
            return {**blocked, "usageMetadata": self._usage(answered, blocked=True), **made}
        candidates = [_candidate(i, reply, answered) for i, reply in enumerate(answered.replies)]
        return {"candidates": candidates, "usageMetadata": self._usage(answered, blocked=False), **made}

    def _usage(self, answered: Answered[Family], *, blocked: bool) -> Body:
        """Count the tokens; thoughts are not among those of the candidates, but paid like them."""
        spent = answered.spent
        usage: Body = {"promptTokenCount": spent.prompt}
        if not blocked:
            usage |= {"candidatesTokenCount": spent.content}
            usage |= {"thoughtsTokenCount": spent.reasoning} if spent.reasoning else {}
        total = spent.prompt + (0 if blocked else spent.output)
        details = {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": spent.prompt}]}
        return {**usage, "totalTokenCount": total, **details} | ({"trafficType": self.traffic} if self.traffic else {})

    def bad_schema(self, _wanted: Format, found: str) -> Problem:
        """Say what is wrong with a schema."""
        return problem(f"* GenerateContentRequest.generation_config.response_schema: {found}")

    def refuse(self, found: Problem) -> Body:
        """Shape an error."""
        return error(found)


def _wanted(config: Body) -> Format:
    schema = (
        plain(config["responseSchema"]) if "responseSchema" in config else _in_order(config.get("responseJsonSchema"))
    )
    if schema is not None:
        return {"type": "json_schema", "schema": schema, "strict": True}
    return {"type": "json_object" if config.get("responseMimeType") == "application/json" else "text"}


def _in_order(schema: Any) -> Any:
    """Let the properties of a JSON Schema stand in the order that it asks for."""
    if not isinstance(schema, dict) or "propertyOrdering" not in schema:
        return schema
    return schema | {"properties": dict(ordered(schema.get("properties") or {}, schema))}


def _candidate(index: int, reply: Reply, answered: Answered[Family]) -> Body:
    """Make a candidate; one whose budget was used up by thoughts has a content without parts."""
    if reply.refusal is not None:
        return {"finishReason": "SAFETY", "index": index}
    call = None if reply.cut else _call(answered)
    parts = [call] if call else _text(reply, answered)
    content = {"parts": [*_thoughts(answered), *parts], "role": "model"} if parts else {"role": "model"}
    return {"content": content, "finishReason": "MAX_TOKENS" if reply.cut else "STOP", "index": index}


def _text(reply: Reply, answered: Answered[Family]) -> list[Body]:
    config = answered.body.get("generationConfig") or {}
    text = reply.content or ""
    if config.get("responseMimeType") == "text/x.enum":
        text = text.strip('"')  # the bare label
    text = extras.stopped(text, config.get("stopSequences") or [])
    return [{"text": text}] if text else []


def _thoughts(answered: Answered[Family]) -> list[Body]:
    """Make the part that sums up the thoughts, where it is asked for."""
    config = (answered.body.get("generationConfig") or {}).get("thinkingConfig") or {}
    if not config.get("includeThoughts") or not answered.spent.reasoning:
        return []
    return [{"text": schema_values.text(answered.draws).capitalize() + ".", "thought": True}]


def _call(answered: Answered[Family]) -> Body | None:
    """Make the call of a function, where the request demands one."""
    calling = (answered.body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if str(calling.get("mode", "")).upper() != "ANY":
        return None
    allowed = calling.get("allowedFunctionNames") or ()
    functions = [
        {"name": one["name"], "parameters": one.get("parametersJsonSchema") or plain(one.get("parameters"))}
        for tool in answered.body.get("tools") or ()
        for one in tool.get("functionDeclarations") or ()
        if not allowed or one["name"] in allowed
    ]
    made = extras.called(functions, "required", None, answered.draws)
    if made is None:
        return None
    return {"functionCall": {"name": made.name, "args": orjson.loads(made.arguments)}}


def first_problem(body: Body, models: Models[Family], version: str) -> Problem | None:
    """Find the first problem of a body that `execute` does not see, or not yet."""
    if digest(body) == TOO_DEEP:
        return problem("Invalid JSON payload received. The message is nested too deeply.", field="contents")
    return google_rules.check(body, models, version)


def count(body: Body) -> int:
    """Count the tokens of a prompt."""
    return tokens.prompt(said(body))
