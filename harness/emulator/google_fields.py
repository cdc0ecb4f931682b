"""Shapes of a GenerateContentRequest, in the words of Google's JSON parser, which takes camelCase and snake_case."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .google_replies import problem, unknown
from .problems import Problem

Body = dict[str, Any]
Check = Callable[[str, Any], Problem | None]
_SNAKE = re.compile(r"_+([a-z0-9])")
_CAMEL = re.compile(r"([A-Z])")
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


def camel(name: str) -> str:
    """Write a name in camelCase."""
    return _SNAKE.sub(lambda found: found[1].upper(), name) if "_" in name else name


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


def _invalid(where: str, kind: str, value: Any) -> Problem:
    shown = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else value
    return problem(f"Invalid value at '{where}' ({kind}), {shown}", field=where)


def text(where: str, value: Any) -> Problem | None:
    """Demand a string."""
    return None if isinstance(value, str) else _invalid(where, "TYPE_STRING", value)


def flag(where: str, value: Any) -> Problem | None:
    """Demand a boolean."""
    return None if isinstance(value, bool) else _invalid(where, "TYPE_BOOL", value)


def decimal(where: str, value: Any) -> Problem | None:
    """Demand a number."""
    return None if type(value) in {int, float} else _invalid(where, "TYPE_FLOAT", value)


def integer(where: str, value: Any) -> Problem | None:
    """Demand a whole number."""
    whole = type(value) is int or (type(value) is float and value.is_integer())
    return None if whole else _invalid(where, "TYPE_INT32", value)


def one_of(*allowed: str) -> Check:
    """Demand one of some names, in upper or lower case."""

    def check(where: str, value: Any) -> Problem | None:
        good = isinstance(value, str) and value.upper() in allowed
        return None if good else _invalid(where, "TYPE_ENUM", value)

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


def _tool(where: str, value: Any) -> Problem | None:
    """Look at the functions of a tool; what runs at Google's is taken as it is."""
    if found := mapping(where, value):
        return found
    name = f"{where}.function_declarations"
    if found := listed(mapping)(name, value.get("functionDeclarations", [])):
        return found
    unnamed = next((i for i, one in enumerate(value.get("functionDeclarations", ())) if not one.get("name")), None)
    words = f"* GenerateContentRequest.{name}[{unnamed}].name: Invalid function name."
    return None if unnamed is None else problem(words)


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
        "tools": listed(_tool),
        "toolConfig": mapping,
        "cachedContent": text,
        "labels": mapping,
        "serviceTier": text,
        "store": flag,
    }
)
