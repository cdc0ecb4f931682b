"""Fit a JSON Schema to what Anthropic's structured outputs enforce; what they do not know goes into the descriptions.

Source: anthropic-sdk-python 2.12, lib/_parse/_transform.py, and the Structured outputs guide, November 2026. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.prepare import schemas

Node = dict[str, Any]

KEPT = ("type", "enum", "const", "description")
UNSAID = schemas.ANNOTATIONS | {"$id", "$defs", "definitions"}
TOLD = frozenset(  # constraints that the API refuses: the model is told of them in words
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "format"),
    }
)
FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
WALKED = frozenset({"properties", "required", "additionalProperties", "items", "anyOf", "oneOf", "allOf", "$ref"})


@dataclass
class Fitted:
    """What the walk came to."""

    refs: schemas.Refs
    told: list[str] = field(default_factory=list)  # keyword at place, now in a description
    closed: list[str] = field(default_factory=list)  # objects that took further properties
    unfit: list[str] = field(default_factory=list)  # what cannot be said at all


def fit(schema: Mapping[str, Any]) -> tuple[Node, Fitted]:
    """Return the schema as the API takes it, and what became of it; with anything unfit, it cannot be sent."""
    found = Fitted(schemas.references(schema))
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    for name in definitions:
        if _reaches(name, definitions):
            found.unfit.append(f"recursion at /$defs/{name}")
    root = _walk(schema, "", found)
    if definitions:
        root["$defs"] = {name: _walk(node, f"/$defs/{name}", found) for name, node in definitions.items()}
    if root.get("type") != "object" and "$ref" not in root:
        found.unfit.append("a root that is not an object")
    return root, found


def _walk(node: Any, at: str, found: Fitted) -> Node:
    if not isinstance(node, Mapping):
        found.unfit.append(f"any value at {at or '/'}")
        return {}
    here: Node = {key: node[key] for key in KEPT if key in node}
    for key in sorted(node.keys() - UNSAID - TOLD - WALKED - set(KEPT)):
        if not key.startswith("x-"):
            found.unfit.append(f"{key} at {at or '/'}")
    for word in ("$ref", "allOf"):  # what constrains beside them would be lost, or replace their words
        if word in node and (beside := sorted(node.keys() & (WALKED | TOLD | set(KEPT)) - {word, "description"})):
            found.unfit.append(f"{', '.join(beside)} beside {word} at {at or '/'}")
    if "$ref" in node:
        return {"$ref": _local(node["$ref"], at, found)}
    for word in ("anyOf", "oneOf"):
        if word in node:
            if word == "oneOf" and not schemas.disjoint(node[word], found.refs):
                found.unfit.append(f"oneOf of alternatives that overlap at {at or '/'}")
            here["anyOf"] = [_walk(part, f"{at}/{word}/{n}", found) for n, part in enumerate(node[word])]
    if parts := node.get("allOf"):
        if len(parts) > 1 or not isinstance(parts[0], Mapping):
            found.unfit.append(f"allOf at {at or '/'}")
        else:
            return _walk({**parts[0], **{k: v for k, v in node.items() if k != "allOf"}}, at, found)
    here |= _typed(node, at, found)
    _tell(node, here, at, found)
    return _parted(here)


def _typed(node: Mapping[str, Any], at: str, found: Fitted) -> Node:
    """Rewrite what belongs to objects and lists."""
    kinds = node.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    here: Node = {}
    if "object" in kinds or "properties" in node:
        inside = node.get("properties", {})
        if not inside or isinstance(node.get("additionalProperties"), Mapping):
            found.unfit.append(f"free names at {at or '/'}")
        elif node.get("additionalProperties") is not False:
            found.closed.append(at or "/")
        here["properties"] = {k: _walk(v, f"{at}/properties/{k}", found) for k, v in inside.items()}
        here["required"] = list(node.get("required", ()))
        for name in sorted({*here["required"]} - inside.keys()):
            found.unfit.append(f"required {name}, which is no property, at {at or '/'}")
        here["additionalProperties"] = False
    if "array" in kinds or "items" in node:
        if "items" in node:
            here["items"] = _walk(node["items"], f"{at}/items", found)
        else:
            found.unfit.append(f"items of any kind at {at or '/'}")
    return here


def _tell(node: Mapping[str, Any], here: Node, at: str, found: Fitted) -> None:
    """Keep the constraints that the API knows; put the others into the description."""
    words = []
    for key in sorted(TOLD & node.keys()):
        value = node[key]
        known = (key == "format" and value in FORMATS) or (key == "minItems" and value in (0, 1))
        if known:
            here[key] = value
        else:
            words.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
            found.told.append(f"{key} at {at or '/'}")
    if words:
        here["description"] = " ".join(filter(None, [here.get("description"), f"({', '.join(words)})"]))


def _parted(here: Node) -> Node:
    """Write several types as alternatives."""
    kinds = here.get("type")
    if not isinstance(kinds, list):
        return here
    listed = schemas.values(here)
    kinds = [kind for kind in kinds if kind != "null" or listed is None or None in listed]
    if len(kinds) == 1:
        return {**here, "type": kinds[0]}
    rest = {key: value for key, value in here.items() if key not in ("type", "description")}
    parts: list[Node] = [{"type": "null"} if kind == "null" else {"type": kind, **rest} for kind in kinds]
    return {**({"description": here["description"]} if "description" in here else {}), "anyOf": parts}


def _local(reference: Any, at: str, found: Fitted) -> str:
    parts = str(reference).split("/")
    if len(parts) == 3 and parts[0] == "#" and parts[1] in ("$defs", "definitions"):
        return f"#/$defs/{parts[2]}"
    found.unfit.append(f"$ref {reference} at {at or '/'}")
    return str(reference)


def _reaches(name: str, definitions: Mapping[str, Any]) -> bool:
    """Tell whether a definition leads to itself."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for other in _named(definitions.get(waiting.pop())):
            if other == name:
                return True
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return False


def _named(node: Any) -> list[str]:
    """Return the definitions that a schema names."""
    if isinstance(node, Mapping):
        here = [str(node["$ref"]).rpartition("/")[2]] if "$ref" in node else []
        return here + [name for value in node.values() for name in _named(value)]
    return [name for value in node for name in _named(value)] if isinstance(node, list) else []
