"""Makers of checks: what a parameter has to look like, whatever the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import problems
from .problems import Problem, missing, out_of_range, too_long, unknown, wrong_type, wrong_value

Check = Callable[[str, Any], Problem | None]
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TIERS = ("auto", "default", "flex", "priority", "fast", "scale")
LEVELS = ("low", "medium", "high")
_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")


def anything(_name: str, _value: Any) -> Problem | None:
    """Accept every value."""
    return None


def integer(low: int | None = None, high: int | None = None) -> Check:
    """Demand an integer in a range."""

    def check(name: str, value: Any) -> Problem | None:
        if type(value) is not int:
            return wrong_type(name, "an integer", value)
        return out_of_range(name, value, low, high)

    return check


def decimal(low: float, high: float) -> Check:
    """Demand a number in a range."""

    def check(name: str, value: Any) -> Problem | None:
        if type(value) not in {int, float}:
            return wrong_type(name, "a decimal number", value)
        return out_of_range(name, value, low, high, "decimal")

    return check


def of(expected: type, words: str) -> Check:
    """Demand a type; `words` name it with its article."""

    def check(name: str, value: Any) -> Problem | None:
        return None if type(value) is expected else wrong_type(name, words, value)

    return check


text = of(str, "a string")
flag = of(bool, "a boolean")
mapping = of(dict, "an object")


def string(limit: int) -> Check:
    """Demand a string of at most `limit` characters."""

    def check(name: str, value: Any) -> Problem | None:
        return too_long(name, value, limit) if isinstance(value, str) else wrong_type(name, "a string", value)

    return check


def one_of(*allowed: str) -> Check:
    """Demand one of some strings."""

    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, str):
            return wrong_type(name, "a string", value)
        return None if value in allowed else wrong_value(name, value, allowed)

    return check


def array(each: Check, words: str) -> Check:
    """Demand an array and check each of its items; `words` name the array with its article."""

    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, list):
            return wrong_type(name, words, value)
        return next((problem for i, item in enumerate(value) if (problem := each(f"{name}[{i}]", item))), None)

    return check


def record(parts: Mapping[str, Check]) -> Check:
    """Demand an object with no other keys than these; null counts as absent."""

    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, dict):
            return wrong_type(name, "an object", value)
        for key, part in value.items():
            if key not in parts:
                return unknown(f"{name}.{key}")
            if part is not None and (problem := parts[key](f"{name}.{key}", part)):
                return problem
        return None

    return check


def typed(allowed: tuple[str, ...]) -> Check:
    """Demand an object whose `type` is one of some."""

    def check(name: str, value: Any) -> Problem | None:
        if not isinstance(value, dict):
            return wrong_type(name, "an object", value)
        if "type" not in value:
            return missing(f"{name}.type")
        return None if value["type"] in allowed else wrong_value(f"{name}.type", value["type"], allowed)

    return check


def json_schema(name: str, spec: dict[str, Any]) -> Problem | None:
    """Check the name, the schema and the strictness of a JSON Schema format."""
    title = spec.get("name")
    if title is None:
        return missing(f"{name}.name")
    if problem := string(64)(f"{name}.name", title):
        return problem
    if not _NAME.match(title):
        words = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        return Problem(f"Invalid '{name}.name': {words}", f"{name}.name", "invalid_value")
    if not isinstance(spec.get("schema", {}), dict):
        return wrong_type(f"{name}.schema", "an object", spec["schema"])
    strict = spec.get("strict")
    return None if strict is None or isinstance(strict, bool) else wrong_type(f"{name}.strict", "a boolean", strict)


def metadata(_name: str, value: Any) -> Problem | None:
    """Demand what may be attached to an object; the problem names the key."""
    return problems.metadata(value)


def filled(name: str, value: list[Any]) -> Problem | None:
    """Demand an array that is not empty."""
    if value:
        return None
    words = "empty array. Expected an array with minimum length 1, but got an empty array instead."
    return Problem(f"Invalid '{name}': {words}", name, "empty_array")
