"""Write the answer book of a simulated run: what the emulator may answer right and wrong. Pure.

One line per request: the digest of the last user text, a right and a wrong answer, both partial objects where the task
has a schema; the emulator fills in the rest from the schema on the book's first line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from harness.settings import Scorer
from harness.types import Message


def book_header(schema: Mapping[str, Any] | None) -> bytes:
    """Return the first line of a book."""
    return orjson.dumps({"schema": schema}) + b"\n"


def book_line(
    messages: Sequence[Message], target: Any, headline: Scorer, schema: Mapping[str, Any] | None
) -> bytes | None:
    """Return a request's line; None without a target, when the emulator just makes up a valid answer."""
    if target is None:
        return None
    value = _typed(target, _at(schema, headline.answer))
    text = next((turn.content for turn in reversed(messages) if turn.role == "user"), "")
    entry = {
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "right": _answer(value, headline, schema),
        "wrong": _answer(_other(value, headline, schema), headline, schema),
    }
    return orjson.dumps(entry) + b"\n"


def _answer(value: Any, headline: Scorer, schema: Mapping[str, Any] | None) -> Any:
    """Put a value where the headline scorer looks for it."""
    if schema is None:
        if isinstance(value, list):
            return ". ".join(str(item) for item in value) + "."
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    leaf = value
    for part in reversed(headline.answer.split(".") if headline.answer else []):
        leaf = {part: leaf}
    return leaf


def _other(target: Any, headline: Scorer, schema: Mapping[str, Any] | None) -> Any:
    """Return a value of the same kind that is not the target."""
    choices = _at(schema, headline.answer).get("enum", []) if schema else []
    others = [choice for choice in choices if choice != target]
    if others:
        digest = hashlib.sha256(repr(target).encode()).digest()[0]
        return others[digest % len(others)]
    if isinstance(target, bool):
        return not target
    if isinstance(target, int | float):
        return target + 1
    if isinstance(target, dict):
        return {key: _other(value, headline.model_copy(update={"answer": None}), None) for key, value in target.items()}
    return "something else"


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Read a CSV's text as the number or boolean that the schema wants."""
    if isinstance(value, str) and schema.get("type") in ("number", "integer", "boolean"):
        try:
            return orjson.loads(value.lower())
        except orjson.JSONDecodeError:
            return value
    return value


def _at(schema: Mapping[str, Any] | None, path: str | None) -> Mapping[str, Any]:
    """Return the subschema at a path of property names; empty where it cannot be told."""
    node: Any = schema or {}
    for part in path.split(".") if path else []:
        node = node.get("properties", {}).get(part, {}) if isinstance(node, Mapping) else {}
    return node if isinstance(node, Mapping) else {}
