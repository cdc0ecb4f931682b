"""What Groq refuses of a chat request: the first problem, in its words (console.groq.com/docs, November 2026).

Words that no source gives are OpenAI's.
"""

from __future__ import annotations

from typing import Any

from .fields import FIELDS
from .formats import bad_schema, flat
from .messages import check_content, check_roles
from .models import Facts, Models
from .parameters import Body, find_model, given
from .problems import Problem, missing
from .strict_schema import violation

_REFUSED = ("logprobs", "top_logprobs", "logit_bias")
_FORMATS = ("hidden", "raw", "parsed")
_TIERS = ("auto", "on_demand", "flex", "performance")
_KNOWN = frozenset(
    {
        *("model", "messages", "frequency_penalty", "function_call", "functions", "max_completion_tokens"),
        *("max_tokens", "n", "parallel_tool_calls", "presence_penalty", "response_format", "seed", "service_tier"),
        *("stop", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_p", "user", *_REFUSED),
        *("reasoning_effort", "reasoning_format", "include_reasoning", "search_settings", "compound_custom"),
        *("documents", "citation_options", "disable_tool_validation"),
    }
)
_OWN = frozenset({"n", "service_tier", "reasoning_effort", *_REFUSED})  # checked here, not by OpenAI's table
_OF_MESSAGES = frozenset({"role", "content", "tool_calls", "tool_call_id", "reasoning"})


def check(body: Body, models: Models[Facts]) -> Problem | None:
    """Find the first problem of a request."""
    if not body.get("model"):
        return missing("model")
    facts = find_model(body["model"], models)
    if isinstance(facts, Problem):
        return facts
    if body.get("messages") is None:
        return missing("messages")
    body = given(body)
    return (
        _unknown(body, facts)
        or _shapes(body)
        or _refused(body)
        or _reasoning(body, facts)
        or _format(body, facts)
        or check_roles(body["messages"], facts)
        or _messages(body["messages"])
        or check_content(body)
    )


def _unknown(body: Body, facts: Facts) -> Problem | None:
    key = next((key for key in body if key not in _KNOWN), None) if facts.ruled else None
    return None if key is None else Problem(f"property '{key}' is unsupported")


def _shapes(body: Body) -> Problem | None:
    checks = ((name, check) for name, check in FIELDS.items() if name in body and name not in _OWN)
    return next((problem for name, check in checks if (problem := check(name, body[name]))), None)


def _refused(body: Body) -> Problem | None:
    if body.get("n", 1) != 1:
        return Problem("'n' : number must be at most 1", "n")
    tier = body.get("service_tier", "auto")
    if tier not in _TIERS:
        return Problem(f"'service_tier' : value must be one of {', '.join(_TIERS)}", "service_tier")
    name = next((name for name in _REFUSED if body.get(name) not in (None, False)), None)
    return None if name is None else Problem(f"`{name}` is not supported with this model", name)


def _reasoning(body: Body, facts: Facts) -> Problem | None:
    effort, shown = body.get("reasoning_effort"), body.get("reasoning_format")
    if facts.ruled and effort is not None and effort not in facts.efforts:
        if not facts.efforts:
            return Problem("`reasoning_effort` is not supported with this model", "reasoning_effort")
        words = " or ".join(f"`{value}`" for value in facts.efforts)
        if len(facts.efforts) > 2:
            words = ", ".join(f"`{value}`" for value in facts.efforts[:-1]) + f", or `{facts.efforts[-1]}`"
        return Problem(f"`reasoning_effort` must be one of {words}", "reasoning_effort")
    if shown is None:
        return None
    if not facts.reasoning_format:
        return Problem("`reasoning_format` is not supported with this model", "reasoning_format")
    if shown not in _FORMATS:
        return Problem(f"`reasoning_format` must be one of {', '.join(_FORMATS)}", "reasoning_format")
    if "include_reasoning" in body:
        return Problem("`reasoning_format` and `include_reasoning` exclude each other", "reasoning_format")
    if shown == "raw" and (body.get("tools") or flat(body.get("response_format"))["type"] != "text"):
        return Problem("`reasoning_format` `raw` excludes JSON mode and tools", "reasoning_format")
    return None


def _format(body: Body, facts: Facts) -> Problem | None:
    wanted = flat(body.get("response_format"))
    kind, strict = wanted["type"], wanted.get("strict") is True
    if kind != "json_schema":
        return None
    if facts.json != "schema":
        words = "This model does not support response format `json_schema`."
        return Problem(f"{words} See supported models at the structured outputs page.", "response_format")
    if body.get("tools") or body.get("stream"):
        return Problem("response format `json_schema` excludes tools and streaming", "response_format")
    if strict and not facts.strict:
        return Problem("This model does not support response format `json_schema` with `strict`.", "response_format")
    found = violation(wanted.get("schema")) if strict else None
    return None if found is None else bad_schema(wanted, found, "response_format")


def _messages(messages: list[dict[str, Any]]) -> Problem | None:
    for i, message in enumerate(messages):
        key = next((key for key in message if key not in _OF_MESSAGES), None)
        if key is not None:
            where = f"('messages.{i}' : property '{key}' is unsupported)"
            role = message.get("role")
            return Problem(f"'messages.{i}' : for 'role: {role}' the following must be satisfied[{where}]")
    return None
