"""What a model refuses: the first problem of a chat request, as the API would report it.

One question decides most rules: does the model reason in this request? While it does, sampling parameters are refused.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from . import tokens
from .fields import FIELDS, TIERS
from .messages import check_content, check_roles
from .models import Facts, Models
from .problems import Problem, listed, missing, out_of_range, unsupported, wrong_type, wrong_value
from .strict_schema import check_format, check_tools

Body = dict[str, Any]
_SPECIAL = frozenset({"functions", "function_call", "verbosity", "modalities", "audio", "web_search_options"})
_NEUTRAL = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}


def check(body: Body, models: Models) -> Problem | None:
    """Find the first problem of a request; only one is ever reported."""
    facts = find_model(body, models)
    if isinstance(facts, Problem):
        return facts
    if body.get("messages") is None:
        return missing("messages")
    given = {name: value for name, value in body.items() if value is not None}  # null counts as absent
    return (
        _unknown_key(given, facts)
        or _fields(given, facts)
        or _values(given, facts)
        or check_roles(given["messages"], facts)
        or check_content(given)
        or _length(given, facts)
    )


def find_model(body: Body, models: Models) -> Facts | Problem:
    """Find the facts of the model that a request names."""
    name = body.get("model")
    if name is None or name == "":
        return Problem("you must provide a model parameter")
    if not isinstance(name, str):
        return wrong_type("model", "a string", name)
    facts = models.find(name)
    if facts is None:
        message = f"The model `{name}` does not exist or you do not have access to it."
        return Problem(message, None, "model_not_found", 404)
    if not facts.chat:
        message = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/responses?"
        )
        return Problem(message, "model", None, 404)
    return facts


def reasoning_effort(body: Body, facts: Facts) -> str | None:
    """Say how much the model reasons in this request; None when it does not."""
    effort = body.get("reasoning_effort") or facts.effort
    return None if facts.reasons == "never" or effort == "none" else effort


@cache
def _known(facts: Facts) -> frozenset[str]:
    base = {"model", *FIELDS} - _SPECIAL
    if facts.reasons == "never":
        base -= {"reasoning_effort"}
    return frozenset(base | facts.keys)


def _unknown_key(body: Body, facts: Facts) -> Problem | None:
    known = _known(facts)
    if body.keys() <= known or not facts.ruled:
        return None
    key = next(key for key in body if key not in known)
    if facts.old_words:
        return Problem(f"Unrecognized request argument supplied: {key}")
    near = next((name for name in (*FIELDS, "model") if name in known and _edits(key, name) <= 2), None)
    hint = f" Did you mean '{near}'?" if near else ""
    return Problem(f"Unknown parameter: '{key}'.{hint}", key, "unknown_parameter")


def _edits(a: str, b: str) -> int:
    """Count the edits between two names (Levenshtein); 3 stands for any greater number."""
    if abs(len(a) - len(b)) > 2:
        return 3
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def _fields(body: Body, facts: Facts) -> Problem | None:
    for name, shape in FIELDS.items():
        if name not in body:
            continue
        if name in facts.incompatible:
            return Problem(f"Model incompatible request argument supplied: {name}")
        problem = shape(name, body[name]) or _capability(name, body, facts)
        if problem is not None:
            return problem
    return None


def _capability(name: str, body: Body, facts: Facts) -> Problem | None:
    value = body[name]
    if name in facts.refused:
        return unsupported(name)
    if name == "max_tokens":
        return _max_tokens(body, facts)
    if name == "reasoning_effort":
        return _effort(value, facts)
    if name == "n":
        return out_of_range("n", value, 1, facts.n_max)
    if name == "tools":
        return check_tools(value)
    if name == "response_format":
        return check_format(value, facts)
    if name == "service_tier" and value == "flex" and not facts.flex and facts.ruled:
        return wrong_value(name, value, [tier for tier in TIERS if tier != "flex"])
    if name == "parallel_tool_calls" and "tools" not in body:
        words = "'parallel_tool_calls' is only allowed when 'tools' are specified."
        return Problem(f"Invalid value for 'parallel_tool_calls': {words}", name, None)
    return None


def _max_tokens(body: Body, facts: Facts) -> Problem | None:
    if not facts.max_tokens:
        return unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if "max_completion_tokens" in body:
        words = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        return Problem(words, "max_tokens", None)
    return None


def _effort(value: str, facts: Facts) -> Problem | None:
    if not facts.ruled or value in facts.efforts:
        return None
    if facts.fixed_effort:
        return unsupported("reasoning_effort")
    words = f"'reasoning_effort' does not support '{value}' with this model."
    return Problem(
        f"Unsupported value: {words} Supported values are: {listed(facts.efforts)}.",
        "reasoning_effort",
        "unsupported_value",
    )


def _values(body: Body, facts: Facts) -> Problem | None:
    """Check values that depend on other values: sampling while reasoning, tools while reasoning, log probabilities."""
    if reasoning_effort(body, facts) is not None:
        if problem := _sampling(body):
            return problem
        if body.get("tools") and not facts.tools_while_reasoning:
            words = (
                f"Function tools with reasoning_effort are not supported for {body['model']} in /v1/chat/completions. "
                "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
            )
            return Problem(words, "reasoning_effort")
    if "top_logprobs" not in body:
        return None
    if not body.get("logprobs"):
        words = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        return Problem(words, "top_logprobs")
    if body["top_logprobs"] > facts.top_logprobs_max:
        words = f"must be less than or equal to {facts.top_logprobs_max}."
        return Problem(f"Invalid value for 'top_logprobs': {words}", "top_logprobs")
    return None


def _sampling(body: Body) -> Problem | None:
    if body.get("temperature", 1) != 1:
        value = json.dumps(body["temperature"])
        words = f"'temperature' does not support {value} with this model. Only the default (1) value is supported."
        return Problem(f"Unsupported value: {words}", "temperature", "unsupported_value")
    for name, neutral in _NEUTRAL.items():
        if body.get(name, neutral) != neutral:
            return unsupported(name)
    refused = ("logprobs", "top_logprobs", "logit_bias")
    return next((unsupported(name) for name in refused if body.get(name) not in (None, False)), None)


def _length(body: Body, facts: Facts) -> Problem | None:
    if facts.context is None or (used := tokens.prompt(body["messages"])) <= facts.context:
        return None
    words = (
        f"This model's maximum context length is {facts.context} tokens. However, your messages resulted in "
        f"{used} tokens. Please reduce the length of the messages."
    )
    return Problem(words, "messages", "context_length_exceeded")
