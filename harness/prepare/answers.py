"""Write the answer book of a simulated run: what the emulator may answer right and wrong. Pure.

One line per request: the digest of the last user text, a right and a wrong answer, both partial objects where the task
has a schema; the emulator fills in what else the schema on the book's first line requires.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from harness.settings import Scorer
from harness.types import Message

LONG = 6  # words from which on half a text is a wrong answer that looks like one
CHANGES = 2  # fields of an object that a wrong answer gets wrong

Schema = Mapping[str, Any]


def book_header(schema: Schema | None) -> bytes:
    """Return the first line of a book."""
    return orjson.dumps({"schema": schema}) + b"\n"


def book_line(
    messages: Sequence[Message], target: Any, scorers: Iterable[Scorer], schema: Schema | None
) -> bytes | None:
    """Return a request's line; None without a target, when the emulator just makes up a valid answer."""
    wanted = [(scorer.answer, _part(target, scorer.target)) for scorer in scorers]
    wanted = [(path, value) for path, value in wanted if value is not None]
    if not wanted:
        return None
    text = next((turn.content for turn in reversed(messages) if turn.role == "user"), "")
    right, wrong = _texts(wanted) if schema is None else _objects(wanted, schema)
    if right is None:
        return None
    entry = {"digest": hashlib.sha256(text.encode()).hexdigest(), "right": right, "wrong": wrong}
    return orjson.dumps(entry) + b"\n"


def _part(target: Any, path: str | None) -> Any:
    """Return the part of a target that a scorer compares with."""
    for part in path.split(".") if path else []:
        target = target.get(part) if isinstance(target, Mapping) else None
    return target


# ---- free text


def _texts(wanted: Sequence[tuple[str | None, Any]]) -> tuple[str, str]:
    """Return a right and a wrong text: a whole text that some scorer wants, else the facts of the first one."""
    values = [value for _, value in wanted]
    right = _said(next((value for value in values if isinstance(value, str)), values[0]))
    words = right.split()
    if len(words) >= LONG:
        return right, " ".join(words[: len(words) // 2])
    return right, _said(_other(values[0], {}))


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ". ".join(str(item) for item in value) + "."
    return value if isinstance(value, str) else orjson.dumps(value).decode()


# ---- JSON


def _objects(wanted: Sequence[tuple[str | None, Any]], schema: Schema) -> tuple[Any, Any]:
    """Return a right and a wrong answer: each value where its scorer looks; of one place the first scorer decides."""
    right: Any = None
    wrong: Any = None
    for path, target in wanted:
        if any(part.isdigit() for part in (path or "").split(".")):
            continue  # one item of a list does not make a list
        place = _at(schema, path)
        value = _typed(target, place)
        if not _allowed(value, place):
            continue  # what a scorer of the user's compares with need not be a part of the answer
        right = _under(right, _nested(path, value))
        wrong = _under(wrong, _nested(path, _other(value, place)))
    return right, wrong


def _allowed(value: Any, schema: Schema) -> bool:
    """Tell whether a value has a type that the schema allows at its place."""
    named = schema.get("type")
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else None
    if names is None:
        return True
    if isinstance(value, bool):
        return "boolean" in names
    if isinstance(value, int | float):
        return "number" in names or ("integer" in names and float(value).is_integer())
    return ("object" if isinstance(value, dict) else "array" if isinstance(value, list) else "string") in names


def _nested(path: str | None, value: Any) -> Any:
    """Put a value where a dotted path leads."""
    for part in reversed(path.split(".") if path else []):
        value = {part: value}
    return value


def _under(first: Any, second: Any) -> Any:
    """Add what the first answer does not say yet."""
    if first is None:
        return second
    if isinstance(first, dict) and isinstance(second, dict):
        return {**second, **{key: _under(value, second.get(key)) for key, value in first.items()}}
    return first


def _other(target: Any, schema: Schema) -> Any:
    """Return a value of the same kind that is not the target, where one is easily found that the schema allows."""
    others = [choice for choice in schema.get("enum", []) if choice != target]
    if others:
        return others[_digest(target) % len(others)]
    if isinstance(target, bool):
        return not target
    if isinstance(target, int | float):
        return target + 1 if target + 1 <= schema.get("maximum", float("inf")) else target - 1
    if isinstance(target, dict) and target:
        return _object(target, schema)
    if isinstance(target, list) and len(target) > schema.get("minItems", 0):
        return target[:-1]
    return "something else" if _changeable(target, schema) or not isinstance(target, str) else target


def _object(target: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Get some fields wrong; which ones, the target decides."""
    names = list(target)
    start = _digest(target) % len(names)
    changed = dict(target)
    left = CHANGES
    for name in names[start:] + names[:start]:
        place = _at(schema, name)
        if left and _changeable(target[name], place):
            changed[name] = _other(target[name], place)
            left -= 1
    return changed


def _changeable(value: Any, schema: Schema) -> bool:
    """Tell whether another value is easily found that the schema allows too."""
    if isinstance(value, str) and "enum" not in schema:
        return schema.keys().isdisjoint({"format", "pattern", "maxLength", "const"})
    if isinstance(value, list):
        return bool(len(value) > schema.get("minItems", 0))
    return value not in (None, {})


def _digest(value: Any) -> int:
    return hashlib.sha256(repr(value).encode()).digest()[0]


def _typed(value: Any, schema: Schema) -> Any:
    """Read a CSV's text as the number or boolean that the schema wants."""
    if isinstance(value, str) and schema.get("type") in ("number", "integer", "boolean"):
        try:
            return orjson.loads(value.lower())
        except orjson.JSONDecodeError:
            return value
    return value


def _at(schema: Schema, path: str | None) -> Schema:
    """Return the subschema at a path of property names; empty where it cannot be told."""
    node: Any = schema
    for part in path.split(".") if path else []:
        node = node.get("properties", {}).get(part, {}) if isinstance(node, Mapping) else {}
    return node if isinstance(node, Mapping) else {}
