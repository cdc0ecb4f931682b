"""The two kinds of schemas that a Gemini answer can be held to, and what of them is refused.

`responseSchema` is a part of OpenAPI 3.0, `responseJsonSchema` a part of JSON Schema whose other keywords are ignored
(docstrings of google-genai 3.4, error texts of the API; checked: 2026-11-24).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from .google_fields import Check, anything, camel, decimal, flag, listed, long, mapping, number, snake, text, whole
from .google_replies import problem, unknown
from .problems import Problem

Body = dict[str, Any]
OPEN, JSON = "OpenAPI", "JSON Schema"  # the kinds
_TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
_KEYS = (
    *("type", "format", "title", "description", "nullable", "enum", "items", "maxItems", "minItems", "properties"),
    *("required", "propertyOrdering", "minProperties", "maxProperties", "minLength", "maxLength", "pattern"),
    *("example", "anyOf", "default", "minimum", "maximum"),
)
_LENGTHS = ("maxItems", "minItems", "minProperties", "maxProperties", "minLength", "maxLength")
_PARTS: dict[str, Check] = (
    dict.fromkeys(_LENGTHS, long)
    | dict.fromkeys(("format", "title", "description", "pattern"), text)
    | dict.fromkeys(("enum", "required", "propertyOrdering"), listed(text))
    | {"nullable": flag, "minimum": decimal, "maximum": decimal, "properties": mapping, "anyOf": listed(anything)}
)


def violation(schema: Any, kind: str, where: str) -> Problem | None:
    """Find what is refused of a schema of this kind; remembered, since a batch repeats the same few schemas."""
    return _first(orjson.dumps(schema), kind, where)


@lru_cache(maxsize=256)
def _first(encoded: bytes, kind: str, where: str) -> Problem | None:
    schema = orjson.loads(encoded)
    try:
        if kind == OPEN:
            return next((found for node in _open(schema, where) if (found := node)), None)
        return next((found for node in _nodes(schema) if (found := _json(node, schema, where))), None)
    except (TypeError, AttributeError, RecursionError):
        return problem(f"Invalid value at '{where}': it is not a schema", field=where)


def _open(node: Any, where: str) -> Iterator[Problem | None]:
    """Walk through a schema in OpenAPI's words and yield what is wrong, if anything."""
    said = f"* GenerateContentRequest.{where}"
    if not isinstance(node, dict):
        yield problem(f"Invalid value at '{where}': expected an object", field=where)
        return
    node = {camel(key): value for key, value in node.items() if value is not None}
    yield from (unknown(key, where) for key in node if key not in _KEYS)
    yield from (_PARTS.get(key, anything)(f"{where}.{snake(key)}", value) for key, value in node.items())
    kind = node.get("type")
    if isinstance(kind, list):
        yield problem(f"Proto field is not repeating, cannot start list. At '{where}.type'", field=f"{where}.type")
    elif kind is not None and (not isinstance(kind, str) or kind.upper() not in _TYPES):
        name = "type.googleapis.com/google.ai.generativelanguage.v1beta.Type"
        yield problem(f"Invalid value at '{where}.type' ({name}), \"{kind}\"", field=f"{where}.type")
    kind = str(kind or "").upper()
    if not kind and not node.get("anyOf"):
        yield problem(f"{said}.type: must be specified")
    if node.get("enum") is not None and kind != "STRING":
        yield problem(f"{said}.enum: only allowed for STRING type")
    if kind == "ARRAY" and "items" not in node:
        yield problem(f"{said}.items: missing field.")
    if kind == "OBJECT" and not node.get("properties"):
        yield problem(f"{said}.properties: should be non-empty for OBJECT type")
    for i, name in enumerate(node.get("required", ())):
        if name not in node.get("properties", {}):
            yield problem(f"{said}.required[{i}]: property is not defined")
    for name, part in node.get("properties", {}).items():
        yield from _open(part, f"{where}.properties[{name}]")
    for i, part in enumerate(node.get("anyOf", ())):
        yield from _open(part, f"{where}.any_of[{i}]")
    if "items" in node:
        yield from _open(node["items"], f"{where}.items")


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    if not isinstance(node, dict):
        return
    for key in ("properties", "$defs"):
        for part in (node.get(key) or {}).values():
            yield from _nodes(part)
    for key in ("anyOf", "oneOf", "prefixItems"):
        for part in node.get(key) or ():
            yield from _nodes(part)
    if isinstance(node.get("items"), dict):
        yield from _nodes(node["items"])


def _json(node: Any, root: Any, where: str) -> Problem | None:
    said = f"* GenerateContentRequest.{where}"
    if not isinstance(node, dict | bool):
        return problem(f"{said}: a schema is an object or a boolean")
    if isinstance(node, dict) and listed(text)(where, node.get("propertyOrdering") or []):
        return problem(f"{said}: propertyOrdering is a list of names")
    if isinstance(node, bool) or "$ref" not in node:
        return None
    beside = next((key for key in node if not key.startswith("$")), None)
    if beside is not None:
        return problem(f"{said}: a schema with '$ref' may only have other keys that begin with '$', not '{beside}'")
    ref = str(node["$ref"])
    name = ref.removeprefix("#/$defs/")
    known = name in (root.get("$defs") or {}) if name != ref else ref.startswith("#")
    return None if known else problem(f"{said}: reference to unknown schema '{ref}'")


def plain(schema: Any) -> Any:
    """Turn OpenAPI's words into JSON Schema."""
    if not isinstance(schema, dict):
        return schema
    node = {camel(key): value for key, value in schema.items() if value is not None}
    made: Body = {key: node[key] for key in ("enum", "format", "pattern", "required") if key in node}
    made |= {key: number(node[key]) for key in ("minimum", "maximum") if key in node}
    made |= {key: whole(node[key], 64) for key in _LENGTHS if key in node}
    if "type" in node:
        kind = str(node["type"]).lower()
        made["type"] = [kind, "null"] if node.get("nullable") else kind
    if made.get("enum") and node.get("nullable"):
        made["enum"] = [*made["enum"], None]
    if "properties" in node:
        made["properties"] = {name: plain(part) for name, part in ordered(node["properties"], node)}
    if node.get("anyOf"):
        made["anyOf"] = [plain(part) for part in node["anyOf"]]
    return made | ({"items": plain(node["items"])} if "items" in node else {})


def ordered(properties: Body, node: Body) -> list[tuple[str, Any]]:
    """Put properties into the order that a schema asks for."""
    order = node.get("propertyOrdering") or ()
    first = [(name, properties[name]) for name in order if name in properties]
    return first + [(name, part) for name, part in properties.items() if name not in order]
