"""Rewrite a JSON Schema into the strict subset of OpenAI's structured outputs, or say what does not fit into it. Pure.

Every answer that the strict schema allows is valid under the original once the nulls at `nullable` are removed.
Source: Structured outputs guide, developers.openai.com/api/docs/guides/structured-outputs, November 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.prepare import schemas

Node = dict[str, Any]
Path = tuple[str, ...]

UNSAID = frozenset({"$schema", "$comment", "title"})  # dropped without a word: they say nothing to a model either
# The strict subset of OpenAI's structured outputs guide, November 2026. minLength and maxLength stand in some editions
# of it only, so they count as not enforced.
KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "minItems", "maxItems"),
    "string": ("pattern", "format"),
    "number": ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "integer": ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "boolean": (),
    "null": (),
}
FORMATS = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
LIMITS = {"properties": 5_000, "levels of nesting": 10, "characters of names and values": 120_000, "enum values": 1_000}
LONG_ENUM, LONG_ENUM_CHARACTERS = 250, 15_000
DEFINITIONS = ("definitions", "$defs")


@dataclass(frozen=True, slots=True)
class Findings:
    """What one rewriting did and met; filled while it walks."""

    refs: schemas.Refs
    done: dict[str, list[str]] = field(default_factory=dict)  # change → where
    unfit: list[str] = field(default_factory=list)
    nullable: list[Path] = field(default_factory=list)

    def did(self, change: str, at: str) -> None:
        """Note a change."""
        self.done.setdefault(change, []).append(at or "/")

    def cannot(self, keyword: str, at: str) -> None:
        """Note a keyword that constrains and cannot be enforced."""
        self.unfit.append(f"{keyword} at {at or '/'}")


def fit(schema: Mapping[str, Any]) -> tuple[Node, Findings]:
    """Return the strict schema and what became of the original; with anything unfit, it cannot be strict."""
    root = _opened(schema)
    found = Findings(schemas.references(root))
    strict = _root(root, found)
    if not found.unfit:
        found.unfit.extend(_too_large(strict))
    return strict, found


def _opened(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a root that only names a definition as that definition."""
    target = schemas.references(schema).get(schema.get("$ref", ""))
    beside = schema.keys() - schemas.ANNOTATIONS - {"$ref", "$id", "description", *DEFINITIONS}
    if target is None or target is schema or beside:  # what constrains beside the reference would replace its words
        return schema
    return {**target, **{k: v for k, v in schema.items() if k != "$ref"}}


def _root(schema: Mapping[str, Any], found: Findings) -> Node:
    """Rewrite the whole schema: an object at the top, its definitions beside it."""
    strict = _rewrite({k: v for k, v in schema.items() if k not in (*DEFINITIONS, "$id")}, "", (), found)
    if strict.get("type") != "object":
        found.cannot("anyOf" if "anyOf" in strict else "a root that is not an object", "")
    if schema.get("definitions", {}).keys() & schema.get("$defs", {}).keys():
        found.cannot("one name in definitions and $defs", "")
    if place := schemas.ambiguous([schema], found.refs):
        found.cannot("alternatives that disagree about null", place)
    if "$id" in schema or "definitions" in schema:
        found.did("$id dropped, definitions called $defs", "")
    definitions = {
        name: _rewrite(node, f"/{word}/{name}", (word, name), found)
        for word in DEFINITIONS
        for name, node in schema.get(word, {}).items()
    }
    ordered = [key for key in schema if key in strict or key == "$defs"]  # $defs keeps its place among the keys
    whole = {**strict, "$defs": definitions} if definitions else strict
    return {key: whole[key] for key in dict.fromkeys((*ordered, *whole)) if key in whole}


def _rewrite(node: Any, at: str, place: Path, found: Findings) -> Node:
    """Rewrite one schema; `at` is its pointer in the original, `place` the path of what it describes in an answer."""
    if not isinstance(node, Mapping):
        found.cannot("not an object but " + json.dumps(node), at)
        return {}
    plain = _simplify(node, at, found)
    if "$ref" in plain:
        return _reference(plain, at, found)
    plain = _typed(plain, at, found)
    _check_keywords(plain, at, found)
    if "anyOf" in plain:
        return {**plain, "anyOf": [_rewrite(b, f"{at}/anyOf/{i}", place, found) for i, b in enumerate(plain["anyOf"])]}
    if "object" in schemas.types(plain):
        return _object(plain, at, place, found)
    if "array" in schemas.types(plain) and "items" in plain:
        return {**plain, "items": _rewrite(plain["items"], f"{at}/items", (*place, "*"), found)}
    return plain


def _simplify(node: Mapping[str, Any], at: str, found: Findings) -> Node:
    """Drop annotations, merge an allOf of one, and write a oneOf of disjoint alternatives as anyOf."""
    plain = {k: v for k, v in node.items() if k not in schemas.ANNOTATIONS and not k.startswith("x-")}
    for dropped in sorted(node.keys() - plain.keys() - UNSAID):
        found.did(f"{dropped} dropped", at)
    parts = plain.get("allOf", ())
    if len(parts) == 1 and isinstance(parts[0], Mapping) and plain.keys() <= {"allOf", "description"}:
        found.did("allOf of one merged", at)
        return _simplify({**parts[0], **{k: v for k, v in plain.items() if k != "allOf"}}, at, found)
    if "oneOf" in plain and "anyOf" not in plain and schemas.disjoint(plain["oneOf"], found.refs):
        found.did("oneOf written as anyOf", at)
        return {"anyOf" if k == "oneOf" else k: v for k, v in plain.items()}
    return plain


def _reference(node: Node, at: str, found: Findings) -> Node:
    """Keep a `$ref` without any key beside it; a description moves outside."""
    ref = node["$ref"]
    if ref not in found.refs:
        found.cannot(f"$ref {ref}", at)
    for keyword in sorted(node.keys() - {"$ref", "description"}):
        found.cannot(f"{keyword} beside $ref", at)
    bare = {"$ref": re.sub("^#/definitions/", "#/$defs/", str(ref))}
    if "description" not in node:
        return bare
    found.did("$ref put inside anyOf, beside its description", at)
    return {"description": node["description"], "anyOf": [bare]}


def _object(node: Node, at: str, place: Path, found: Findings) -> Node:
    """Close an object and require every property; what was optional may be null instead."""
    properties, required = node.get("properties", {}), list(node.get("required", ()))
    if not properties and "additionalProperties" not in node:
        found.cannot("an object without properties", at)
    if node.get("additionalProperties", False) is not False:
        found.cannot("additionalProperties", at)
    if "additionalProperties" not in node:
        found.did("additionalProperties: false added", at)
    for name in sorted({*required} - properties.keys()):
        found.cannot(f"required {name}, which is no property,", at)
    for name in sorted(properties.keys() & {"*", *(DEFINITIONS if not place else ())}):
        found.cannot(f"a property called {name}", at)  # would be mixed up with items and definitions in `nullable`
    fitted = {name: _property(name, part, name in required, at, place, found) for name, part in properties.items()}
    everything = [*required, *(name for name in properties if name not in required)]
    return {**node, "properties": fitted, "required": everything, "additionalProperties": False}


def _property(name: str, part: Any, required: bool, at: str, place: Path, found: Findings) -> Node:
    where = f"{at}/properties/{name}"
    fitted = _rewrite(part, where, (*place, name), found)
    if required:
        return fitted
    if schemas.takes_null(part, found.refs):  # null is an answer of its own there, and stays
        found.did("made required", where)
        return fitted
    found.did("made required, null where it was left out", where)
    found.nullable.append((*place, name))
    return _or_null(fitted)


def _or_null(node: Node) -> Node:
    """Allow null as well."""
    if "anyOf" in node:
        return {**node, "anyOf": [*node["anyOf"], {"type": "null"}]}
    if isinstance(node.get("type"), str) and not node.keys() & {"enum", "const", "properties", "items"}:
        return {**node, "type": [node["type"], "null"]}
    about = {"description": node["description"]} if "description" in node else {}
    return {**about, "anyOf": [{k: v for k, v in node.items() if k != "description"}, {"type": "null"}]}


# ---- a single schema


def _typed(node: Node, at: str, found: Findings) -> Node:
    """Say the type where the other keywords leave one choice: strict schemas want it said."""
    if "type" in node or "anyOf" in node:
        return node
    listed = schemas.values(node)
    if listed is not None:
        kinds = schemas.kinds(listed)
    else:  # without a type, every other type is valid as well; the author thought of this one
        kinds = [kind for kind in ("object", "array") if node.keys() & {*KEYWORDS[kind]}]
    if not kinds:
        return node
    found.did("type said", at)
    return {"type": kinds[0] if len(kinds) == 1 else kinds, **node}


def _check_keywords(node: Node, at: str, found: Findings) -> None:
    """Note everything in one schema that constrains and is not in the strict subset."""
    kinds = schemas.types(node)
    allowed = {"description", *(("anyOf",) if "anyOf" in node else ("type", "enum", "const"))}
    allowed |= {keyword for kind in kinds for keyword in KEYWORDS.get(kind, ())}
    for keyword in sorted(node.keys() - allowed):
        found.cannot(keyword, at)
    if "anyOf" not in node and not kinds:
        found.cannot("no type", at)
    if len({*kinds} - {"null"}) > 1:
        found.cannot(f"type {json.dumps(node['type'])}", at)
    if "array" in kinds and "items" not in node:
        found.cannot("an array without items", at)
    if any(isinstance(value, (dict, list)) for value in schemas.values(node) or ()):
        found.cannot("enum or const of objects or arrays", at)
    if "pattern" in node and not schemas.regular(node["pattern"]):
        found.cannot("look-around or back reference in pattern", at)
    if "format" in node and node["format"] not in FORMATS:
        found.cannot(f"format {node['format']}", at)
    if any(isinstance(node.get(keyword), bool) for keyword in KEYWORDS["number"]):  # draft 4
        found.cannot("exclusive bounds that are true or false", at)


def _too_large(strict: Node) -> Iterator[str]:
    """Yield each limit of size that a strict schema passes."""
    parts = [*schemas.nodes(strict)]
    listed = [[json.dumps(value) for value in schemas.values(node) or ()] for node, _ in parts]
    names = [name for node, _ in parts for key in ("properties", "$defs") for name in node.get(key, ())]
    sizes = {
        "properties": sum(len(node.get("properties", ())) for node, _ in parts),
        "levels of nesting": max(depth for _, depth in parts),
        "characters of names and values": sum(map(len, names)) + sum(len(v) for values in listed for v in values),
        "enum values": sum(len(node.get("enum", ())) for node, _ in parts),
    }
    yield from (f"{size} {what} (at most {LIMITS[what]})" for what, size in sizes.items() if size > LIMITS[what])
    for values in listed:
        if len(values) > LONG_ENUM and (size := sum(map(len, values))) > LONG_ENUM_CHARACTERS:
            yield f"{size} characters in an enum of {len(values)} values (at most {LONG_ENUM_CHARACTERS})"
