"""The words in which OpenAI refuses things (OpenAI API errors, observed until November 2026)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """An error: what stands in its body, and its HTTP status."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    type: str = "invalid_request_error"


def error(problem: Problem) -> dict[str, Any]:
    """Shape an error as every OpenAI answer does."""
    return {"error": {"message": problem.message, "type": problem.type, "param": problem.param, "code": problem.code}}


def listed(values: Iterable[str]) -> str:
    """List values as the API does: 'a', 'a' and 'b', or 'a', 'b', and 'c'."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"


def kind(value: Any) -> str:
    """Name the JSON type of a value with its article."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names[type(value)]


def missing(name: str) -> Problem:
    """Say that a required parameter is not there."""
    return Problem(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def wrong_type(name: str, expected: str, value: Any) -> Problem:
    """Say that a parameter has another type; `expected` comes with its article."""
    return Problem(
        f"Invalid type for '{name}': expected {expected}, but got {kind(value)} instead.", name, "invalid_type"
    )


def wrong_value(name: str, value: object, allowed: Iterable[str]) -> Problem:
    """Say that a value is not in a list."""
    return Problem(f"Invalid value: '{value}'. Supported values are: {listed(allowed)}.", name, "invalid_value")


def unknown(name: str, near: str | None = None) -> Problem:
    """Say that there is no such parameter; `near`: one that may have been meant."""
    hint = f" Did you mean '{near}'?" if near else ""
    return Problem(f"Unknown parameter: '{name}'.{hint}", name, "unknown_parameter")


def out_of_range(
    name: str, value: float, low: float | None, high: float | None, noun: str = "integer"
) -> Problem | None:
    """Say that a number is too small or too big; None when it is neither. `noun`: integer or decimal."""
    if low is not None and value < low:
        limit, way, side = low, f"{noun} below minimum value. Expected a value >= ", f"{noun}_below_min_value"
    elif high is not None and value > high:
        limit, way, side = high, f"{noun} above maximum value. Expected a value <= ", f"{noun}_above_max_value"
    else:
        return None
    return Problem(f"Invalid '{name}': {way}{limit}, but got {value} instead.", name, side)


def too_long(name: str, value: str, limit: int) -> Problem | None:
    """Say that a string is too long; None when it is not."""
    if len(value) <= limit:
        return None
    return Problem(
        f"Invalid '{name}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {len(value)} instead.",
        name,
        "string_above_max_length",
    )


def unsupported(name: str, hint: str = "") -> Problem:
    """Say that the model does not take a parameter."""
    return Problem(
        f"Unsupported parameter: '{name}' is not supported with this model.{hint}", name, "unsupported_parameter"
    )


def metadata(value: Any) -> Problem | None:
    """Check metadata: at most 16 pairs, keys of 64 and string values of 512 characters."""
    if not isinstance(value, dict):
        return wrong_type("metadata", "an object", value)
    if len(value) > 16:
        return Problem(
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            f"but got an object with {len(value)} properties instead.",
            "metadata",
            "object_above_max_properties",
        )
    for key, item in value.items():
        if len(key) > 64:
            return Problem(
                f"Invalid 'metadata': property name too long. Expected a property name with maximum length 64, "
                f"but got a property name with length {len(key)} instead.",
                "metadata",
                "property_name_above_max_length",
            )
        if not isinstance(item, str):
            return wrong_type(f"metadata.{key}", "a string", item)
        if problem := too_long(f"metadata.{key}", item, 512):
            return problem
    return None
