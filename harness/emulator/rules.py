"""What a model refuses: the first problem of a chat request, as the API would report it.

One question decides most rules: does the model reason in this request? While it does, sampling parameters are refused.
"""

from __future__ import annotations

import json
from functools import cache

from . import tokens
from .fields import FIELDS
from .formats import check_format, check_tools, flat
from .messages import check_content, check_roles
from .models import Facts, Models
from .parameters import (
    Body,
    find_model,
    first_problem,
    given,
    reasons,
    too_many_logprobs,
    unknown_key,
    unsupported_value,
)
from .problems import Problem, missing, out_of_range, unsupported

_SPECIAL = frozenset({"functions", "function_call", "verbosity", "modalities", "audio", "web_search_options"})
_NEUTRAL = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}


def check(body: Body, models: Models[Facts]) -> Problem | None:
    """Find the first problem of a request; only one is ever reported."""
    facts = _find_model(body, models)
    if isinstance(facts, Problem):
        return facts
    if body.get("messages") is None:
        return missing("messages")
    body = given(body)
    return (
        _unknown_key(body, facts)
        or first_problem(body, facts, FIELDS, _capability)
        or _values(body, facts)
        or check_roles(body["messages"], facts)
        or check_content(body)
        or _length(body, facts)
    )


def _find_model(body: Body, models: Models[Facts]) -> Facts | Problem:
    name = body.get("model")
    if name is None or name == "":
        return Problem("you must provide a model parameter")
    facts = find_model(name, models)
    if isinstance(facts, Facts) and not facts.chat:
        message = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/responses?"
        )
        return Problem(message, "model", None, 404)
    return facts


@cache
def _known(facts: Facts) -> tuple[str, ...]:
    gone = _SPECIAL - facts.keys
    if facts.reasons == "never":
        gone |= {"reasoning_effort"} - facts.keys
    return (*(name for name in FIELDS if name not in gone), "model")


def _unknown_key(body: Body, facts: Facts) -> Problem | None:
    problem = unknown_key(body, _known(facts)) if facts.ruled else None
    if problem is not None and facts.old_words:
        return Problem(f"Unrecognized request argument supplied: {problem.param}")
    return problem


def _capability(name: str, body: Body, facts: Facts) -> Problem | None:
    value = body[name]
    if name == "max_tokens":
        return _max_tokens(body, facts)
    if name == "reasoning_effort":
        return _effort(value, facts)
    if name == "n":
        return out_of_range("n", value, 1, facts.n_max)
    if name == "tools":
        functions = {f"tools[{i}].function": tool.get("function", {}) for i, tool in enumerate(value)}
        return check_tools(functions)
    if name == "response_format":
        return check_format(flat(value), facts, "response_format", "response_format")
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
    return unsupported_value("reasoning_effort", words, facts.efforts)


def _values(body: Body, facts: Facts) -> Problem | None:
    """Check values that depend on other values: sampling while reasoning, tools while reasoning, log probabilities."""
    if reasons(body.get("reasoning_effort"), facts) is not None:
        if problem := _sampling(body):
            return problem
        if body.get("tools") and not facts.tools_while_reasoning:
            words = (
                f"Function tools with reasoning_effort are not supported for {body['model']} in /v1/chat/completions. "
                "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
            )
            return Problem(words, "reasoning_effort")
    if "top_logprobs" in body and not body.get("logprobs"):
        words = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        return Problem(words, "top_logprobs")
    return too_many_logprobs(body, facts)


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
