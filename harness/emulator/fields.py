"""Types, ranges and lists of values of the chat parameters, in the order in which the API complains about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import problems
from .problems import Problem, missing, out_of_range, too_long, wrong_type, wrong_value

Check = Callable[[str, Any], Problem | None]
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TIERS = ("auto", "default", "flex", "priority", "fast", "scale")
FORMATS = ("json_object", "json_schema", "text")
LEVELS = ("low", "medium", "high")
_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")


def _integer(low: int | None = None, high: int | None = None) -> Check:
    def check(name: str, value: Any) -> Problem | None:
        if type(value) is not int:
            return wrong_type(name, "an integer", value)
        return out_of_range(name, value, low, high)

    return check


def _decimal(low: float, high: float) -> Check:
    def check(name: str, value: Any) -> Problem | None:
        if type(value) not in {int, float}:
            return wrong_type(name, "a decimal number", value)
        return out_of_range(name, value, low, high, "decimal")

    return check


def _of(expected: type, words: str) -> Check:
    def check(name: str, value: Any) -> Problem | None:
        return None if type(value) is expected else wrong_type(name, words, value)

    return check


def _string(limit: int) -> Check:
    def check(name: str, value: Any) -> Problem | None:
        return too_long(name, value, limit) if isinstance(value, str) else wrong_type(name, "a string", value)

    return check


def _one_of(*allowed: str) -> Check:
    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, str):
            return wrong_type(name, "a string", value)
        return None if value in allowed else wrong_value(name, value, allowed)

    return check


def _stop(name: str, value: Any) -> Problem | None:
    if isinstance(value, str):
        return None
    if not isinstance(value, list):
        return wrong_type(name, "a string or an array of strings", value)
    if len(value) > 4:
        return Problem(
            f"Invalid '{name}': array too long. Expected an array with maximum length 4, "
            f"but got an array with length {len(value)} instead.",
            name,
            "array_above_max_length",
        )
    wrong = next((i for i, item in enumerate(value) if not isinstance(item, str)), None)
    return None if wrong is None else wrong_type(f"{name}[{wrong}]", "a string", value[wrong])


def _logit_bias(name: str, value: Any) -> Problem | None:
    if not isinstance(value, dict):
        return wrong_type(name, "an object", value)
    checks = (_decimal(-100, 100)(f"{name}.{token}", bias) for token, bias in value.items())
    return next((problem for problem in checks if problem), None)


def _tools(name: str, value: Any) -> Problem | None:
    if not isinstance(value, list):
        return wrong_type(name, "an array of objects", value)
    return next((problem for i, tool in enumerate(value) if (problem := _tool(f"{name}[{i}]", tool))), None)


def _tool(name: str, tool: Any) -> Problem | None:
    if not isinstance(tool, dict):
        return wrong_type(name, "an object", tool)
    if "type" not in tool:
        return missing(f"{name}.type")
    if tool["type"] != "function":
        return wrong_value(f"{name}.type", tool["type"], ("function", "custom")) if tool["type"] != "custom" else None
    function = tool.get("function")
    if not isinstance(function, dict):
        return (
            missing(f"{name}.function") if function is None else wrong_type(f"{name}.function", "an object", function)
        )
    if not isinstance(function.get("name"), str):
        return missing(f"{name}.function.name")
    return None


def _tool_choice(name: str, value: Any) -> Problem | None:
    if isinstance(value, dict):
        return None if isinstance(value.get("function", {}), dict) else wrong_type(f"{name}.function", "an object", 0)
    return _one_of("none", "auto", "required")(name, value)


def response_format(name: str, value: Any) -> Problem | None:
    """Check the shape of a response format; what the model makes of it is another question."""
    if not isinstance(value, dict):
        return wrong_type(name, "an object", value)
    if "type" not in value:
        return missing(f"{name}.type")
    if value["type"] not in FORMATS:
        return wrong_value(f"{name}.type", value["type"], FORMATS)
    if value["type"] != "json_schema":
        return None
    spec = value.get("json_schema")
    if not isinstance(spec, dict):
        return missing(f"{name}.json_schema") if spec is None else wrong_type(f"{name}.json_schema", "an object", spec)
    return _json_schema(f"{name}.json_schema", spec)


def _json_schema(name: str, spec: dict[str, Any]) -> Problem | None:
    title = spec.get("name")
    if title is None:
        return missing(f"{name}.name")
    if problem := _string(64)(f"{name}.name", title):
        return problem
    if not _NAME.match(title):
        words = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        return Problem(f"Invalid '{name}.name': {words}", f"{name}.name", "invalid_value")
    if not isinstance(spec.get("schema", {}), dict):
        return wrong_type(f"{name}.schema", "an object", spec["schema"])
    strict = spec.get("strict")
    return None if strict is None or isinstance(strict, bool) else wrong_type(f"{name}.strict", "a boolean", strict)


def messages(name: str, value: Any) -> Problem | None:
    """Check that there are messages at all; their contents are looked at last."""
    if not isinstance(value, list):
        return wrong_type(name, "an array of objects", value)
    if value:
        return None
    words = "empty array. Expected an array with minimum length 1, but got an empty array instead."
    return Problem(f"Invalid '{name}': {words}", name, "empty_array")


# The order is that of published probes of the API (August 2026).
FIELDS: dict[str, Check] = {
    "messages": messages,
    "functions": _of(list, "an array of objects"),
    "function_call": lambda _name, _value: None,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _of(bool, "a boolean"),
    "max_completion_tokens": _integer(1),
    "n": _integer(1),
    "temperature": _decimal(0, 2),
    "top_p": _decimal(0, 1),
    "presence_penalty": _decimal(-2, 2),
    "frequency_penalty": _decimal(-2, 2),
    "logprobs": _of(bool, "a boolean"),
    "top_logprobs": _integer(0),
    "user": _of(str, "a string"),
    "seed": _integer(),
    "moderation": lambda _name, _value: None,
    "safety_identifier": _string(128),
    "prompt_cache_key": _of(str, "a string"),
    "prompt_cache_retention": _one_of("in-memory", "24h"),
    "prompt_cache_options": _of(dict, "an object"),
    "response_format": response_format,
    "service_tier": _one_of(*TIERS),
    "max_tokens": _integer(1),
    "reasoning_effort": _one_of(*EFFORTS),
    "logit_bias": _logit_bias,
    "stop": _stop,
    "stream": _of(bool, "a boolean"),
    "stream_options": _of(dict, "an object"),
    "store": _of(bool, "a boolean"),
    "metadata": lambda _name, value: problems.metadata(value),
    "prediction": _of(dict, "an object"),
    "verbosity": _one_of(*LEVELS),
    "modalities": _of(list, "an array of strings"),
    "audio": _of(dict, "an object"),
    "web_search_options": _of(dict, "an object"),
}
