"""Types, ranges and lists of values of the chat parameters, in the order in which the API complains about them."""

from __future__ import annotations

from typing import Any

from .problems import Problem, missing, wrong_type, wrong_value
from .shapes import (
    EFFORTS,
    LEVELS,
    TIERS,
    Check,
    anything,
    array,
    decimal,
    filled,
    flag,
    integer,
    json_schema,
    mapping,
    metadata,
    of,
    one_of,
    string,
    text,
    typed,
)

_FORMAT = typed(("json_object", "json_schema", "text"))


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
    return array(text, "an array of strings")(name, value)


def _logit_bias(name: str, value: Any) -> Problem | None:
    if not isinstance(value, dict):
        return wrong_type(name, "an object", value)
    checks = (decimal(-100, 100)(f"{name}.{token}", bias) for token, bias in value.items())
    return next((problem for problem in checks if problem), None)


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
    return one_of("none", "auto", "required")(name, value)


def _response_format(name: str, value: Any) -> Problem | None:
    if problem := _FORMAT(name, value):
        return problem
    if value["type"] != "json_schema":
        return None
    spec = value.get("json_schema")
    if not isinstance(spec, dict):
        return missing(f"{name}.json_schema") if spec is None else wrong_type(f"{name}.json_schema", "an object", spec)
    return json_schema(f"{name}.json_schema", spec)


def _messages(name: str, value: Any) -> Problem | None:
    """Check that there are messages at all; their contents are looked at last."""
    return filled(name, value) if isinstance(value, list) else wrong_type(name, "an array of objects", value)


# The order is that of published probes of the API (August 2026).
FIELDS: dict[str, Check] = {
    "messages": _messages,
    "functions": of(list, "an array of objects"),
    "function_call": anything,
    "tools": array(_tool, "an array of objects"),
    "tool_choice": _tool_choice,
    "parallel_tool_calls": flag,
    "max_completion_tokens": integer(1),
    "n": integer(1),
    "temperature": decimal(0, 2),
    "top_p": decimal(0, 1),
    "presence_penalty": decimal(-2, 2),
    "frequency_penalty": decimal(-2, 2),
    "logprobs": flag,
    "top_logprobs": integer(0),
    "user": text,
    "seed": integer(),
    "moderation": anything,
    "safety_identifier": string(128),
    "prompt_cache_key": text,
    "prompt_cache_retention": one_of("in-memory", "24h"),
    "prompt_cache_options": mapping,
    "response_format": _response_format,
    "service_tier": one_of(*TIERS),
    "max_tokens": integer(1),
    "reasoning_effort": one_of(*EFFORTS),
    "logit_bias": _logit_bias,
    "stop": _stop,
    "stream": flag,
    "stream_options": mapping,
    "store": flag,
    "metadata": metadata,
    "prediction": mapping,
    "verbosity": one_of(*LEVELS),
    "modalities": of(list, "an array of strings"),
    "audio": mapping,
    "web_search_options": mapping,
}
