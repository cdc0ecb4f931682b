"""The subset of JSON Schema that structured output takes (the SDK's own transformer and Anthropic's guide, 2026)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
_REFUSED = {
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength", "pattern"),
    "array": ("maxItems", "uniqueItems", "contains", "minContains", "maxContains", "prefixItems"),
    "object": ("minProperties", "maxProperties", "patternProperties", "propertyNames"),
}
_OPTIONAL, _UNIONS = 24, 16  # the most of both in a request (unverified)


def violation(schema: Any) -> str | None:
    """Find what the subset does not allow; remembered, since a batch repeats the same few schemas."""
    return _first(orjson.dumps(schema))


@lru_cache(maxsize=256)
def _first(encoded: bytes) -> str | None:
    schema = orjson.loads(encoded)
    try:
        found = next((words for node in _nodes(schema) if (words := _node(node))), None)
        return found or _recursion(schema) or _size(schema)
    except (TypeError, AttributeError, RecursionError):
        return "Invalid schema"


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    if not isinstance(node, dict):
        return
    for key in ("properties", "$defs", "definitions"):
        for part in node.get(key, {}).values():
            yield from _nodes(part)
    for key in ("anyOf", "allOf"):
        for part in node.get(key, ()):
            yield from _nodes(part)
    if "items" in node:
        yield from _nodes(node["items"])


def _node(node: Any) -> str | None:
    if not isinstance(node, dict):
        return "Schema must be an object"
    ref = node.get("$ref")
    if ref is not None and not str(ref).startswith("#/"):
        return f"Only local references are supported, but got '{ref}'"
    if "oneOf" in node or "not" in node or "if" in node:
        name = next(key for key in ("oneOf", "not", "if") if key in node)
        return f"'{name}' is not supported"
    if any(isinstance(value, dict | list) for value in [*node.get("enum", ()), node.get("const")]):
        return "Enum values must be strings, numbers, booleans or null"
    kinds = node["type"] if isinstance(node.get("type"), list) else [node["type"]] if "type" in node else []
    for kind in kinds:
        if kind not in _TYPES:
            return f"'{kind}' is not a valid type"
        refused = sorted(key for key in _REFUSED.get(kind, ()) if key in node)
        if refused:
            return f"For '{kind}' type, properties {', '.join(refused)} are not supported"
    if "object" in kinds and node.get("additionalProperties") is not False:
        return "For 'object' type, 'additionalProperties' must be explicitly set to false"
    if "array" in kinds and node.get("minItems", 0) not in {0, 1}:
        return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    if "string" in kinds and node.get("format", "date") not in _FORMATS:
        return f"For 'string' type, format '{node['format']}' is not supported"
    return None


def _recursion(schema: dict[str, Any]) -> str | None:
    """Refuse definitions that lead back to themselves."""
    leads = {
        f"#/{key}/{name}": {node["$ref"] for node in _nodes(part) if isinstance(node, dict) and "$ref" in node}
        for key in ("$defs", "definitions")
        for name, part in schema.get(key, {}).items()
    }
    for start in leads:
        seen, open_refs = set[str](), set(leads[start])
        while open_refs:
            ref = open_refs.pop()
            if ref == start:
                return f"Recursive schemas are not supported: '{start}'"
            if ref not in seen:
                seen.add(ref)
                open_refs |= leads.get(ref, set())
    return None


def _size(schema: dict[str, Any]) -> str | None:
    nodes = [node for node in _nodes(schema) if isinstance(node, dict)]
    optional = sum(len(set(node.get("properties", {})) - set(node.get("required", ()))) for node in nodes)
    unions = sum("anyOf" in node or isinstance(node.get("type"), list) for node in nodes)
    if optional > _OPTIONAL:
        return f"Schema has {optional} optional parameters, which exceeds the limit of {_OPTIONAL}"
    return f"Schema has {unions} union types, which exceeds the limit of {_UNIONS}" if unions > _UNIONS else None
