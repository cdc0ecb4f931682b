"""What a model refuses on /v1/responses, as the API would report it: the rules of chat under other names and words."""

from __future__ import annotations

from dataclasses import replace

from . import inputs, tokens
from .formats import check_format, check_tools
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
from .problems import Problem, missing, unsupported
from .responses_fields import FIELDS, LOGPROBS, STORED

_KNOWN = (*FIELDS, "model")
_MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}


def check(body: Body, models: Models[Facts]) -> Problem | None:
    """Find the first problem of a request; only one is ever reported."""
    facts = _find_model(body, models)
    if isinstance(facts, Problem):
        return facts
    body = given(body)
    return (
        _moved(body)
        or (missing("input") if not body.keys() & {"input", *STORED} else None)
        or (unknown_key(body, _KNOWN) if facts.ruled else None)
        or first_problem(body, facts, FIELDS, _capability)
        or _sampling(body, facts)
        or too_many_logprobs(body, facts)
        or inputs.check_input(body, facts)
        or _length(body, facts)
    )


def _find_model(body: Body, models: Models[Facts]) -> Facts | Problem:
    if "model" not in body:
        return missing("model")
    name = body["model"]
    if name == "":
        return Problem("The requested model '' does not exist.", "model", "model_not_found")
    facts = find_model(name, models)
    if isinstance(facts, Facts) and not facts.responses:
        return Problem(f"The requested model '{name}' cannot be used with the Responses API.", "model")
    return facts


def _moved(body: Body) -> Problem | None:
    """Refuse what chat calls otherwise."""
    name = next((name for name in body if name in _MOVED), None)
    if name is None:
        return None
    words = (
        f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to '{_MOVED[name]}'. "
        "Try again with the new parameter. See the API documentation for more information: "
        "https://platform.openai.com/docs/api-reference/responses/create."
    )
    return Problem(words, name, "unsupported_parameter")


def _capability(name: str, body: Body, facts: Facts) -> Problem | None:
    value = body[name]
    if name in STORED:
        return _not_stored(name, value)
    if name == "reasoning":
        return _reasoning(given(value), body, facts)
    if name == "text":
        return _text(given(value), body, facts)
    if name == "tools":
        return check_tools({f"tools[{i}]": tool for i, tool in enumerate(value) if tool["type"] == "function"})
    return None


def _not_stored(name: str, value: object) -> Problem:
    """Say that there is no such thing: nothing is stored here."""
    if name == "previous_response_id":
        return Problem(f"Previous response with id '{value}' not found.", name, "previous_response_not_found")
    found = value.get("id") if isinstance(value, dict) else value
    return Problem(f"{name.capitalize()} with id '{found}' not found.", None, None, 404)


def _reasoning(wanted: Body, body: Body, facts: Facts) -> Problem | None:
    if not facts.ruled:
        return None
    effort = wanted.get("effort")
    if facts.reasons == "never" or (facts.fixed_effort and effort is not None):
        return next((unsupported(f"reasoning.{name}") for name in wanted), None)
    efforts = facts.efforts + facts.responses_efforts
    return None if effort is None or effort in efforts else _unfit("reasoning.effort", effort, body, efforts)


def _text(wanted: Body, body: Body, facts: Facts) -> Problem | None:
    if "format" in wanted and (problem := check_format(wanted["format"], facts, "text.format", "text.format.schema")):
        return problem
    verbosity = wanted.get("verbosity", "medium")
    if verbosity == "medium" or "verbosity" in facts.keys:
        return None
    return _unfit("text.verbosity", verbosity, body, ("medium",))


def _unfit(name: str, value: str, body: Body, allowed: tuple[str, ...]) -> Problem:
    return unsupported_value(name, f"'{value}' is not supported with the '{body['model']}' model.", allowed)


def effort(body: Body, facts: Facts) -> str | None:
    """Say how much the model reasons in this request; None when it does not."""
    return reasons((body.get("reasoning") or {}).get("effort"), facts)


def _sampling(body: Body, facts: Facts) -> Problem | None:
    """Refuse sampling while the model reasons: `top_p` even as 1, other than chat does."""
    if effort(body, facts) is None:
        return None
    refused = {
        "temperature": body.get("temperature", 1) != 1,
        "top_p": "top_p" in body,
        "top_logprobs": body.get("top_logprobs", 0) > 0,
    }
    name = next((name for name, wrong in refused.items() if wrong), None)
    if name is not None:
        return replace(unsupported(name), code=None)
    if LOGPROBS in body.get("include", ()):
        return Problem("logprobs are not supported with reasoning models.", "include")
    return None


def _length(body: Body, facts: Facts) -> Problem | None:
    if facts.context is None or body.get("truncation") == "auto":
        return None
    if tokens.prompt(inputs.messages(body)) <= facts.context:
        return None
    words = "Your input exceeds the context window of this model. Please adjust your input and try again."
    return Problem(words, "input", "context_length_exceeded")
