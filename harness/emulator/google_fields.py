"""Shapes of a GenerateContentRequest, in the words of Google's JSON parser, which takes camelCase and snake_case."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from .google_replies import problem, unknown
from .problems import Problem

Body = dict[str, Any]
Check = Callable[[str, Any], Problem | None]
_SNAKE = re.compile(r"_+([a-z0-9])")
_CAMEL = re.compile(r"([A-Z])")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
# What stands below these keys is data or has names of the user's own; its keys stay as they are.
_OPAQUE = frozenset(
    (
        "responseSchema",
        "responseJsonSchema",
        "parameters",
        "parametersJsonSchema",
        "args",
        "response",
        "labels",
        "metadata",
    )
)


@lru_cache(maxsize=1024)  # the same few names stand in every line
def camel(name: str) -> str:
    """Write a name in camelCase."""
    return _SNAKE.sub(lambda found: found[1].upper(), name) if "_" in name else name


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    """Write a name in snake_case, as the parser does in its words."""
    return _CAMEL.sub(lambda found: "_" + found[1].lower(), name)


def read(value: Any) -> Any:
    """Write the names of all fields in camelCase; null counts as absent."""
    if isinstance(value, list):
        return [read(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = ((camel(key), part) for key, part in value.items() if part is not None)
    return {key: part if key in _OPAQUE else read(part) for key, part in named}


def invalid(where: str, kind: str, value: Any) -> Problem:
    """Say that a value is not of a kind."""
    shown = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else value
    return problem(f"Invalid value at '{where}' ({kind}), {shown}", field=where)


def text(where: str, value: Any) -> Problem | None:
    """Demand a string."""
    return None if isinstance(value, str) else invalid(where, "TYPE_STRING", value)


def flag(where: str, value: Any) -> Problem | None:
    """Demand a boolean."""
    return None if isinstance(value, bool) else invalid(where, "TYPE_BOOL", value)


def decimal(where: str, value: Any) -> Problem | None:
    """Demand a number, or a text of one."""
    return invalid(where, "TYPE_FLOAT", value) if number(value) is None else None


def integer(where: str, value: Any) -> Problem | None:
    """Demand a whole number of 32 bits, or a text of one."""
    return invalid(where, "TYPE_INT32", value) if whole(value, 32) is None else None


def long(where: str, value: Any) -> Problem | None:
    """Demand a whole number of 64 bits, or a text of one."""
    return invalid(where, "TYPE_INT64", value) if whole(value, 64) is None else None


def number(value: Any) -> int | float | None:
    """Read a number, which may come as a text, as in every JSON form of a message; None if it is none."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value if type(value) in {int, float} else None


def whole(value: Any, bits: int) -> int | None:
    """Read a whole number of so many bits, which may come as a text or with a fraction of 0; None if it is none."""
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value) else None
    if type(value) is not int and not (type(value) is float and value.is_integer()):
        return None
    return int(value) if -(1 << bits - 1) <= value < 1 << bits - 1 else None


def one_of(*allowed: str) -> Check:
    """Demand one of some names, in upper or lower case."""

    def check(where: str, value: Any) -> Problem | None:
        good = isinstance(value, str) and value.upper() in allowed
        return None if good else invalid(where, "TYPE_ENUM", value)

    return check


def listed(each: Check) -> Check:
    """Demand a list and check each of its items."""

    def check(where: str, value: Any) -> Problem | None:
        if not isinstance(value, list):
            return problem(f"Invalid value at '{where}': expected a list", field=where)
        return next((found for i, item in enumerate(value) if (found := each(f"{where}[{i}]", item))), None)

    return check


def record(parts: Mapping[str, Check]) -> Check:
    """Demand an object with no other fields than these."""

    def check(where: str, value: Any) -> Problem | None:
        if not isinstance(value, dict):
            return problem(f"Invalid value at '{where}': expected an object", field=where)
        for key, part in value.items():
            if key not in parts:
                return unknown(snake(key), where)
            if found := parts[key](f"{where}.{snake(key)}" if where else snake(key), part):
                return found
        return None

    return check


def anything(_where: str, _value: Any) -> Problem | None:
    """Accept every value."""
    return None


def mapping(where: str, value: Any) -> Problem | None:
    """Demand an object."""
    return None if isinstance(value, dict) else problem(f"Invalid value at '{where}': expected an object", field=where)


def holding(parts: Mapping[str, Check]) -> Check:
    """Demand an object and check these of its fields; what else there is is taken as it is."""

    def check(where: str, value: Any) -> Problem | None:
        if found := mapping(where, value):
            return found
        checks = (each(f"{where}.{snake(key)}", value[key]) for key, each in parts.items() if key in value)
        return next((found for found in checks if found), None)

    return check


LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
_DATA = (
    *("inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"),
    *("toolCall", "toolResponse"),
)
PART = record(
    {"text": text, "thought": flag, "thoughtSignature": text, "videoMetadata": mapping, "mediaResolution": anything}
    | dict.fromkeys(_DATA, mapping)
    | {"partMetadata": mapping, "audioTranscription": mapping, "mediaProcessing": anything}
)
DATA = ("text", *_DATA)  # one of these has to be in a part
CONTENT = record({"role": text, "parts": listed(PART)})
_THINKING = record(
    {"includeThoughts": flag, "thinkingBudget": integer, "thinkingLevel": one_of("THINKING_LEVEL_UNSPECIFIED", *LEVELS)}
)
_FUNCTION = holding({"name": text})
_MODES = one_of("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
_CALLING = holding({"mode": _MODES, "allowedFunctionNames": listed(text)})
_NUMBERS = ("temperature", "topP", "topK", "presencePenalty", "frequencyPenalty")
_WHOLES = ("candidateCount", "maxOutputTokens", "seed", "logprobs")
_FREE = ("speechConfig", "imageConfig", "mediaResolution", "responseFormat", "audioTranscriptionConfig")
CONFIG = record(
    dict.fromkeys(_NUMBERS, decimal)
    | dict.fromkeys(_WHOLES, integer)
    | dict.fromkeys(_FREE, anything)
    | {
        "stopSequences": listed(text),
        "responseMimeType": text,
        "responseSchema": mapping,
        "responseJsonSchema": anything,
        "responseLogprobs": flag,
        "responseModalities": listed(text),
        "enableEnhancedCivicAnswers": flag,
        "continuationToken": text,
        "thinkingConfig": _THINKING,
    }
)
REQUEST = record(
    {
        "model": text,
        "contents": listed(CONTENT),
        "systemInstruction": CONTENT,
        "generationConfig": CONFIG,
        "safetySettings": listed(mapping),
        "tools": listed(holding({"functionDeclarations": listed(_FUNCTION)})),
        "toolConfig": holding({"functionCallingConfig": _CALLING}),
        "cachedContent": text,
        "labels": mapping,
        "serviceTier": text,
        "store": flag,
    }
)


def numbered(body: Body) -> Body:
    """Turn texts of numbers into numbers where a request has them; what is none stays, to be refused."""
    config = body.get("generationConfig")
    if not isinstance(config, dict):
        return body
    made = {key: _numbered(key, value) for key, value in config.items()}
    thinking = config.get("thinkingConfig")
    if isinstance(thinking, dict) and "thinkingBudget" in thinking:
        made["thinkingConfig"] = {**thinking, "thinkingBudget": _numbered("thinkingBudget", thinking["thinkingBudget"])}
    return {**body, "generationConfig": made}


def _numbered(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = number(value) if key in _NUMBERS else whole(value, 32) if key in (*_WHOLES, "thinkingBudget") else None
    return value if found is None else found
