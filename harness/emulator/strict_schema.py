"""The subset of JSON Schema that strict structured output takes (OpenAI guide on structured outputs, November 2026)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

_REFUSED = (
    *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "default"),
    *("patternProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties"),
    *("unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems"),
)
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_TYPES = {"string", "number", "integer", "boolean", "null", "object", "array"}
_REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."
_KINDS = ("type", "enum", "const", "anyOf", "$ref")
_DEEPEST, _PROPERTIES, _CHARACTERS, _ENUM_VALUES = 10, 5_000, 120_000, 1_000
_LONG_ENUM, _LONG_ENUM_CHARACTERS = 250, 15_000

Path = tuple[str, ...]


def violation(schema: Any) -> str | None:
    """Find what the strict subset does not allow; remembered, since a batch repeats the same few schemas."""
    return _first(orjson.dumps(schema))


@lru_cache(maxsize=256)
def _first(encoded: bytes) -> str | None:
    try:
        return first_violation(orjson.loads(encoded))
    except (TypeError, AttributeError, RecursionError):
        return "it is not a valid JSON Schema."


def first_violation(schema: Any) -> str | None:
    """Find the first thing that the strict subset does not allow, in the API's words."""
    if not isinstance(schema, dict):
        return "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."
    if schema.get("type") != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
    if "anyOf" in schema:
        return "In context=(), 'anyOf' is not permitted at the root of the schema."
    for path, node, depth in _nodes(schema, (), 1):
        if depth > _DEEPEST:
            return f"{depth} levels of nesting exceeds limit of {_DEEPEST}."
        if words := _node(path, node):
            return words
    return _size(schema)


def _nodes(node: Any, path: Path, depth: int) -> Iterator[tuple[Path, Any, int]]:
    """Walk through all schemas in a schema; `depth` counts nested objects and arrays."""
    yield path, node, depth
    if not isinstance(node, dict):
        return
    for key in ("properties", "$defs", "definitions"):
        parts = node.get(key)
        if isinstance(parts, dict):
            for name, part in parts.items():
                yield from _nodes(part, (*path, key, name), depth + (key == "properties" and _nests(part)))
    if "items" in node:
        yield from _nodes(node["items"], (*path, "items"), depth + _nests(node["items"]))
    if isinstance(node.get("anyOf"), list):
        for i, part in enumerate(node["anyOf"]):
            yield from _nodes(part, (*path, "anyOf", str(i)), depth)


def _nests(node: Any) -> bool:
    return isinstance(node, dict) and ("properties" in node or "items" in node)


def _node(path: Path, node: Any) -> str | None:
    where = f"In context={path}, "
    if not isinstance(node, dict):
        return f"{where}schema must be an object."
    refused = next((key for key in _REFUSED if key in node), None)
    if refused is not None:
        return f"{where}'{refused}' is not permitted."
    if "$ref" in node:
        beside = sorted(node.keys() - {"$ref", "$defs", "definitions"})
        return f"{where}$ref cannot have keywords {set(beside)}." if beside else None
    if not any(key in node for key in _KINDS):
        return f"{where}schema must have a 'type' key."
    words = _object(node) or _array(node) or _scalar(node)
    return where + words if words else None


def _object(node: dict[str, Any]) -> str | None:
    if "object" not in _types(node):
        return None
    if node.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    names = node.get("properties", {})
    required = node.get("required", [] if not names else None)
    missing = next((name for name in names if name not in (required or ())), None)
    if missing is None and isinstance(required, list) and (extra := [name for name in required if name not in names]):
        return f"{_REQUIRED} Extra required key '{extra[0]}' supplied."
    return None if missing is None else f"{_REQUIRED} Missing '{missing}'."


def _array(node: dict[str, Any]) -> str | None:
    return "array schema missing items." if "array" in _types(node) and "items" not in node else None


def _scalar(node: dict[str, Any]) -> str | None:
    unknown = next((kind for kind in _types(node) if kind not in _TYPES), None)
    if unknown is not None:
        return f"'{unknown}' is not a valid type."
    if "format" in node and node["format"] not in _FORMATS:
        return f"'{node['format']}' is not a valid format."
    pattern = node.get("pattern")
    if isinstance(pattern, str) and any(mark in pattern for mark in ("(?=", "(?!", "(?<=", "(?<!")):
        return "look-around is not permitted in 'pattern'."
    return None


def _types(node: dict[str, Any]) -> list[Any]:
    kind = node.get("type", [])
    return kind if isinstance(kind, list) else [kind]


def _size(schema: dict[str, Any]) -> str | None:
    properties = characters = values = 0
    for _, node, _ in _nodes(schema, (), 1):
        names = [*node.get("properties", {}), *node.get("$defs", {}), *node.get("definitions", {})]
        options = [value for value in [*node.get("enum", []), node.get("const")] if isinstance(value, str)]
        own = sum(map(len, options))
        if len(options) > _LONG_ENUM and own > _LONG_ENUM_CHARACTERS:
            return f"enum with more than {_LONG_ENUM} values exceeds limit of {_LONG_ENUM_CHARACTERS} characters."
        properties += len(node.get("properties", {}))
        characters += own + sum(map(len, names))
        values += len(node.get("enum", []))
    if properties > _PROPERTIES:
        return f"{properties} properties exceeds limit of {_PROPERTIES}."
    if values > _ENUM_VALUES:
        return f"{values} enum values exceeds limit of {_ENUM_VALUES}."
    if characters > _CHARACTERS:
        return f"{characters} characters of names and values exceeds limit of {_CHARACTERS}."
    return None
