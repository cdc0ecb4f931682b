"""Fit a JSON Schema to what Gemini enforces; what it does not know goes into the descriptions. Pure.

The Developer API takes a subset of JSON Schema. Vertex's batches take OpenAPI's form of it: their importer makes a
table of the requests and refuses every key that is no column's name, `$ref` and `$defs` among them.
Source: google-genai 3.6 types.py, GenerationConfig.response_json_schema and Schema; structured output guide,
ai.google.dev/gemini-api/docs/structured-output (formats, bounds), November 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.prepare import schemas

Node = dict[str, Any]

UNSAID = schemas.ANNOTATIONS | {"$id", "$defs", "definitions"}
WALKED = frozenset(
    {
        *("type", "enum", "const", "description", "$ref", "anyOf", "oneOf", "allOf"),
        *("properties", "required", "additionalProperties", "items", "prefixItems"),
    }
)
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
CONSTRAINTS: Mapping[str, tuple[str, ...]] = {  # by the kind that they constrain; of another kind they say nothing
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": BOUNDS,
    "integer": BOUNDS,
    "array": ("minItems", "maxItems", "uniqueItems"),
    "object": ("minProperties", "maxProperties"),
}
TOLD = frozenset(key for keys in CONSTRAINTS.values() for key in keys)  # what is not enforced is told in words
MOST_NODES = 2_000  # references are written out, which can make a small schema endless


@dataclass(frozen=True, slots=True)
class Form:
    """What a Google API takes."""

    openapi: bool  # types in capitals, `nullable`, no list of types
    knows: frozenset[str]  # constraints that it enforces
    formats: frozenset[str]
    names: re.Pattern[str] | None  # what a property may be called
    most_levels: int | None  # of objects and lists inside each other, in the schema as JSON


GEMINI = Form(
    False,
    frozenset({"minimum", "maximum", "minItems", "maxItems", "format"}),
    frozenset({"date-time", "date", "time"}),
    None,
    None,
)
VERTEX = Form(
    True,
    frozenset({"minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "pattern", "format"}),
    frozenset({"date-time"}),
    re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),  # BigQuery's rule for columns
    12,  # of the importer's 15, three are around it: request, generationConfig, responseSchema
)


@dataclass
class Fitted:
    """What the walk came to."""

    told: list[str] = field(default_factory=list)  # keyword at place, now in a description
    unfit: list[str] = field(default_factory=list)  # what cannot be said at all
    nodes: int = 0


def fit(schema: Mapping[str, Any], form: Form) -> tuple[Node, Fitted]:
    """Return the schema as the API takes it, and what became of it; with anything unfit, it cannot be sent."""
    found = Fitted()
    root = _Walk(form, schemas.references(schema), found).node(schema, "", ())
    if form.openapi and _holds_null(root):
        found.unfit.append("a part that is nothing but null")
    if form.most_levels is not None and (deep := _levels(root)) > form.most_levels:
        found.unfit.append(f"{deep} levels of nesting (at most {form.most_levels})")
    return root, found


@dataclass(frozen=True, slots=True)
class _Walk:
    form: Form
    refs: schemas.Refs
    found: Fitted

    def node(self, node: Any, at: str, inside: tuple[str, ...]) -> Node:
        """Rewrite one schema; `inside` are the references that led here."""
        self.found.nodes += 1
        if not isinstance(node, Mapping):
            return self.cannot("any value", at)
        if self.found.nodes > MOST_NODES:
            return self.cannot(f"more than {MOST_NODES:,} parts", at) if self.found.nodes == MOST_NODES + 1 else {}
        for word in ("$ref", "allOf"):
            if word in node:
                return self.merged(word, node, at, inside)
        for key in sorted(node.keys() - UNSAID - TOLD - WALKED):
            if not key.startswith("x-"):
                self.cannot(key, at)
        for word in ("anyOf", "oneOf"):
            if word in node:
                return self.union(word, node, at, inside)
        return self.kinds(node, at, inside)

    def merged(self, word: str, node: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Node:
        """Write out a reference, or the one part of an allOf; whatever constrains beside it would replace its words."""
        if beside := sorted(key for key in node.keys() - UNSAID - {word, "description"} if not key.startswith("x-")):
            return self.cannot(f"{', '.join(beside)} beside {word}", at)
        about = {"description": node["description"]} if "description" in node else {}
        if word == "allOf":
            if len(node[word]) != 1 or not isinstance(node[word][0], Mapping):
                return self.cannot(word, at)
            return self.node({**node[word][0], **about}, at, inside)
        name = str(node[word])
        if name in inside or name not in self.refs:
            return self.cannot(f"recursion by {name}" if name in inside else f"$ref {name}", at)
        return self.node({**self.refs[name], **about}, at, (*inside, name))

    def union(self, word: str, node: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Node:
        """Rewrite alternatives; what stands beside them may only be what they say themselves."""
        if beside := sorted(node.keys() & WALKED - {word, "description", "type"}):
            return self.cannot(f"{', '.join(beside)} beside {word}", at)
        if word == "oneOf" and not schemas.disjoint(node[word], self.refs):  # oneOf is read as anyOf
            return self.cannot("oneOf of alternatives that overlap", at)
        parts = [self.node(part, f"{at}/{word}/{n}", inside) for n, part in enumerate(node[word])]
        stated = {*schemas.types(node)}
        allowed = stated | {"integer"} if "number" in stated else stated
        if stated and not all(_kinds_taken(part) <= allowed for part in parts):
            return self.cannot(f"a type beside {word} that excludes some of it", at)
        return self.described(node, self.either(parts), TOLD & node.keys(), at)

    def kinds(self, node: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Node:
        """Rewrite what says of which kind a value is."""
        listed, kinds = schemas.values(node), [*schemas.types(node)]
        if not kinds and listed is not None:
            kinds = schemas.kinds(listed)
        if not kinds:
            kinds = ["object"] if "properties" in node else ["array"] if "items" in node else []
        if not kinds:
            return self.cannot("no type", at)
        if listed is not None:
            kinds = [kind for kind in kinds if any(kind in _kinds_of(value) for value in listed)]
        if not kinds:
            return self.cannot("no listed value of the stated type", at)
        plain = [kind for kind in kinds if kind != "null"]
        parts = [self.one(kind, node, listed, at, inside) for kind in plain]
        null, loose = "null" in kinds, frozenset(key for _, keys in parts for key in keys)
        if not self.form.openapi and len(parts) == 1 and null and "enum" not in parts[0][0]:
            here: Node = {**parts[0][0], "type": [plain[0], "null"]}
        else:
            here = self.either([*(part for part, _ in parts), *([{"type": "null"}] if null else ())])
        return self.described(node, here, loose, at)

    def either(self, parts: Sequence[Node]) -> Node:
        """Write alternatives, null among them as the form has it."""
        rest = [part for part in parts if part.get("type") != "null"]
        if self.form.openapi and rest and len(rest) < len(parts):
            return {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), "nullable": True}
        return dict(parts[0]) if len(parts) == 1 else {"anyOf": list(parts)}

    def one(
        self, kind: str, node: Mapping[str, Any], listed: list[Any] | None, at: str, inside: tuple[str, ...]
    ) -> tuple[Node, list[str]]:
        """Rewrite a schema for values of one kind; return with it the keywords that are not enforced."""
        here: Node = {"type": kind.upper() if self.form.openapi else kind}
        loose = []
        if listed is not None:
            ours = [value for value in listed if kind in _kinds_of(value)]
            if kind == "string" or (kind in ("number", "integer") and not self.form.openapi):
                here["enum"] = ours
            elif kind != "boolean" or {*ours} != {True, False}:
                loose.append("enum")
        for key in CONSTRAINTS.get(kind, ()):
            if key in node and self.enforces(key, node[key]):
                here[key] = node[key]
            elif key in node:
                loose.append(key)
        if kind == "object":
            here |= self.members(node, at, inside)
        elif kind == "array":
            if "items" not in node or "prefixItems" in node:
                return self.cannot("prefixItems" if "prefixItems" in node else "items of any kind", at), []
            here["items"] = self.node(node["items"], f"{at}/items", inside)
        return here, loose

    def enforces(self, key: str, value: Any) -> bool:
        """Tell whether the API holds answers to a constraint."""
        if key == "format":
            return value in self.form.formats
        return key in self.form.knows and (key != "pattern" or schemas.regular(value))

    def members(self, node: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Node:
        """Rewrite what belongs to objects; answers keep the order in which the schema names their parts."""
        properties, required, names = node.get("properties", {}), list(node.get("required", ())), self.form.names
        if not properties or isinstance(node.get("additionalProperties"), Mapping):
            return self.cannot("free names", at)
        for name in sorted({*required} - properties.keys()):
            self.cannot(f"required {name}, which is no property,", at)
        for name in properties:
            if names is not None and not names.fullmatch(name):
                self.cannot(f"the name {name!r}", at)
        if names is not None and len({name.lower() for name in properties}) < len(properties):
            self.cannot("names that differ by their capitals only", at)
        here: Node = {"properties": {k: self.node(v, f"{at}/properties/{k}", inside) for k, v in properties.items()}}
        if required:
            here["required"] = required
        if node.get("additionalProperties") is False and not self.form.openapi:
            here["additionalProperties"] = False
        return {**here, "propertyOrdering": list(properties)}

    def described(self, node: Mapping[str, Any], here: Node, loose: frozenset[str], at: str) -> Node:
        """Describe a rewritten schema in its own words, and put what is not enforced beside them."""
        told = {key: schemas.values(node) if key == "enum" else node[key] for key in sorted(loose)}
        words = [
            f"{'one of' if key == 'enum' else key}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in told.items()
        ]
        self.found.told.extend(f"{key} at {at or '/'}" for key in told)
        # An alternative that stands for the whole brings a description of its own.
        parts = [node.get("description"), here.get("description"), f"({', '.join(words)})" if words else None]
        about = " ".join(filter(None, parts))
        return {**here, **({"description": about} if about else {})}

    def cannot(self, what: str, at: str) -> Node:
        """Note what the API cannot be told."""
        self.found.unfit.append(f"{what} at {at or '/'}")
        return {}


def _kinds_of(value: Any) -> tuple[str, ...]:
    """Return the types that a value has: a whole number has two."""
    (kind,) = schemas.kinds([value])
    whole = kind == "number" and value.is_integer()
    return ("integer", "number") if kind == "integer" or whole else (kind,)


def _kinds_taken(part: Node) -> set[str]:
    """Return the types that a rewritten schema takes."""
    null = {"null"} if part.get("nullable") else set()
    if "anyOf" in part:
        return null.union(*map(_kinds_taken, part["anyOf"]))
    return null | {str(kind).lower() for kind in schemas.types(part)}


def _holds_null(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_holds_null, value))
    return isinstance(value, dict) and (value.get("type") == "null" or any(map(_holds_null, value.values())))


def _levels(value: Any) -> int:
    """Count the objects inside each other, as the importer does: lists repeat what they hold."""
    if isinstance(value, Mapping):
        return 1 + max(map(_levels, value.values()), default=0)
    return max(map(_levels, value), default=0) if isinstance(value, list) else 0
