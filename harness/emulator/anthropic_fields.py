"""Types and ranges of the parameters of a message, in the words of Anthropic's validator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .anthropic_replies import problem
from .problems import Problem

Check = Callable[[str, Any], Problem | None]


def missing(name: str) -> Problem:
    """Say that a required field is not there."""
    return problem(f"{name}: Field required")


def extra(name: str) -> Problem:
    """Say that a field is not known."""
    return problem(f"{name}: Extra inputs are not permitted")


def of(expected: type, words: str) -> Check:
    """Demand a type; `words` name it with its article."""
    return lambda name, value: None if type(value) is expected else problem(f"{name}: Input should be {words}")


def integer(low: int) -> Check:
    """Demand an integer of at least `low`."""

    def check(name: str, value: Any) -> Problem | None:
        if type(value) is not int:
            return problem(f"{name}: Input should be a valid integer")
        return None if value >= low else problem(f"{name}: Input should be greater than or equal to {low}")

    return check


def decimal(name: str, value: Any) -> Problem | None:
    """Demand a number between 0 and 1."""
    if type(value) not in {int, float}:
        return problem(f"{name}: Input should be a valid number")
    if value < 0:
        return problem(f"{name}: Input should be greater than or equal to 0")
    return None if value <= 1 else problem(f"{name}: Input should be less than or equal to 1")


def one_of(*allowed: str) -> Check:
    """Demand one of some strings."""
    quoted = [f"'{one}'" for one in allowed]
    words = " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
    return lambda name, value: None if value in allowed else problem(f"{name}: Input should be {words}")


def listed(each: Check) -> Check:
    """Demand a list and check each of its items."""

    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, list):
            return problem(f"{name}: Input should be a valid list")
        return next((found for i, item in enumerate(value) if (found := each(f"{name}.{i}", item))), None)

    return check


def record(parts: Mapping[str, Check], *needed: str) -> Check:
    """Demand an object with no other keys than these; null counts as absent where a key is not needed."""

    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, dict):
            return problem(f"{name}: Input should be an object")
        for key in needed:
            if key not in value:
                return missing(f"{name}.{key}")
        for key, part in value.items():
            if key not in parts:
                return extra(f"{name}.{key}")
            if (part is not None or key in needed) and (found := parts[key](f"{name}.{key}", part)):
                return found
        return None

    return check


def tagged(kinds: Mapping[str, Check]) -> Check:
    """Demand an object whose `type` names one of these kinds."""

    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, dict):
            return problem(f"{name}: Input should be an object")
        if "type" not in value:
            return problem(f"{name}: Unable to extract tag using discriminator 'type'")
        kind = value["type"]
        if not isinstance(kind, str) or kind not in kinds:
            expected = ", ".join(f"'{one}'" for one in kinds)
            words = f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
            return problem(f"{name}: {words}")
        return kinds[kind](f"{name}.{kind}", value)

    return check


def anything(_name: str, _value: Any) -> Problem | None:
    """Accept every value."""
    return None


text = of(str, "a valid string")
flag = of(bool, "a valid boolean")
mapping = of(dict, "a valid dictionary")


def either(name: str, value: Any) -> Problem | None:
    """Demand a text or a list of blocks, which are looked at elsewhere."""
    return None if isinstance(value, str | list) else problem(f"{name}: Input should be a valid string or list")


_DISPLAY = one_of("summarized", "omitted")
FORMAT = record({"type": one_of("json_schema"), "schema": mapping}, "type", "schema")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_CHOICE = {"type": text, "disable_parallel_tool_use": flag}
_TOOL = {"name": text, "input_schema": mapping}


def _tool(name: str, tool: Any) -> Problem | None:
    if not isinstance(tool, dict):
        return problem(f"{name}: Input should be an object")
    if tool.get("type") not in (None, "custom"):
        return None  # a tool that runs at Anthropic's
    absent = next((key for key in _TOOL if key not in tool), None)
    if absent is not None:
        return missing(f"{name}.custom.{absent}")
    checks = (check(f"{name}.custom.{key}", tool[key]) for key, check in _TOOL.items())
    return next((found for found in checks if found), None)


FIELDS: dict[str, Check] = {
    "model": text,
    "messages": of(list, "a valid list"),
    "max_tokens": integer(0),
    "system": either,
    "metadata": record({"user_id": text}),
    "stop_sequences": listed(text),
    "stream": flag,
    "temperature": decimal,
    "top_p": decimal,
    "top_k": integer(0),
    "thinking": tagged(
        {
            "adaptive": record({"type": text, "display": _DISPLAY}),
            "enabled": record({"type": text, "budget_tokens": integer(1024), "display": _DISPLAY}, "budget_tokens"),
            "disabled": record({"type": text}),
            "between_tools": record({"type": text}),
        }
    ),
    "tools": listed(_tool),
    "tool_choice": tagged(
        {
            "auto": record(_CHOICE),
            "any": record(_CHOICE),
            "none": record({"type": text}),
            "tool": record(_CHOICE | {"name": text}, "name"),
        }
    ),
    "output_config": record({"effort": one_of(*_EFFORTS), "format": FORMAT}),
    "output_format": FORMAT,
    "service_tier": one_of("auto", "standard_only"),
    "cache_control": mapping,
    "container": anything,
    "diagnostics": mapping,
    "speed": one_of("standard", "fast"),
    "inference_geo": text,
    "user_profile_id": text,
    "workspace_id": text,
}
