"""Fit a JSON Schema to what Gemini enforces; what it does not know goes into the descriptions. Pure.

The Developer API takes a subset of JSON Schema. Vertex's batches take OpenAPI's form of it: their importer makes a
table of the requests and refuses every key that is no column's name, `$ref` and `$defs` among them.
Source: google-genai 3.6 types.py, GenerationConfig.response_json_schema and Schema, November 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.prepare import schemas

Node = dict[str, Any]

UNSAID = frozenset({"$schema", "$comment", "$id", "title", "default", "examples", "$defs", "definitions"})
WALKED = frozenset(
    {
        *("type", "enum", "const", "description", "$ref", "anyOf", "oneOf", "allOf"),
        *("properties", "required", "additionalProperties", "items", "prefixItems"),
    }
)
TOLD = frozenset(  # what the API may not know: the model is told of it in words
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "format", "minProperties", "maxProperties"),
    }
)
MOST_NODES = 2_000  # references are written out, which can make a small schema endless


@dataclass(frozen=True, slots=True)
class Form:
    """What a Google API takes."""

    openapi: bool  # types in capitals, `nullable`, no list of types
    knows: frozenset[str]  # constraints that it enforces
    formats: frozenset[str] | None  # None: any
    names: re.Pattern[str] | None  # what a property may be called
    most_levels: int | None  # of objects and lists inside each other, in the schema as JSON


GEMINI = Form(False, frozenset({"minimum", "maximum", "minItems", "maxItems", "format"}), None, None, None)
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
        if "$ref" in node:
            name = str(node["$ref"])
            if name in inside or name not in self.refs:
                return self.cannot(f"recursion by {name}" if name in inside else f"$ref {name}", at)
            return self.node({**self.refs[name], **_without(node, "$ref")}, at, (*inside, name))
        if parts := node.get("allOf"):
            if len(parts) > 1 or not isinstance(parts[0], Mapping):
                return self.cannot("allOf", at)
            return self.node({**parts[0], **_without(node, "allOf")}, at, inside)
        for key in sorted(node.keys() - UNSAID - TOLD - WALKED):
            if not key.startswith("x-"):
                self.cannot(key, at)
        return self.told(node, self.kinds(node, at, inside), at)

    def kinds(self, node: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Node:
        """Rewrite what says of which kind a value is."""
        for word in ("anyOf", "oneOf"):
            if word in node:
                if node.keys() & {"properties", "items", "enum", "const"}:
                    self.cannot(f"{word} beside other keywords", at)
                return self.either([self.node(p, f"{at}/{word}/{n}", inside) for n, p in enumerate(node[word])])
        listed, kinds = schemas.values(node), [*schemas.types(node)]
        if not kinds and listed is not None:
            kinds = schemas.kinds(listed)
        if not kinds:
            kinds = ["object"] if "properties" in node else ["array"] if "items" in node else []
        if not kinds:
            return self.cannot("no type", at)
        plain = [kind for kind in kinds if kind != "null"]
        if not plain:
            return {"type": "null"}
        parts = [self.one(kind, node, listed, at, inside) for kind in plain]
        if not self.form.openapi and len(parts) == 1 and len(plain) < len(kinds) and "enum" not in parts[0]:
            return {**parts[0], "type": [plain[0], "null"]}
        return self.either([*parts, *([{"type": "null"}] if len(plain) < len(kinds) else ())])

    def either(self, parts: Sequence[Node]) -> Node:
        """Write alternatives, null among them as the form has it."""
        rest = [part for part in parts if part.get("type") != "null"]
        if self.form.openapi and rest and len(rest) < len(parts):
            return {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), "nullable": True}
        return dict(parts[0]) if len(parts) == 1 else {"anyOf": list(parts)}

    def one(
        self, kind: str, node: Mapping[str, Any], listed: list[Any] | None, at: str, inside: tuple[str, ...]
    ) -> Node:
        """Rewrite a schema for values of one kind."""
        here: Node = {"type": kind.upper() if self.form.openapi else kind}
        if listed is not None and kind in ("string", "number", "integer"):
            ours = [value for value in listed if kind in _kinds_of(value)]
            if kind == "string" or not self.form.openapi:
                return {**here, "enum": ours}
        if kind == "object":
            return {**here, **self.members(node, at, inside)}
        if kind == "array":
            if "items" not in node:
                return self.cannot("items of any kind", at)
            if "prefixItems" in node:
                return self.cannot("prefixItems", at)
            return {**here, "items": self.node(node["items"], f"{at}/items", inside)}
        return here

    def members(self, node: Mapping[str, Any], at: str, inside: tuple[str, ...]) -> Node:
        """Rewrite what belongs to objects; answers keep the order in which the schema names their parts."""
        properties, names = node.get("properties", {}), self.form.names
        if not properties or isinstance(node.get("additionalProperties"), Mapping):
            return self.cannot("free names", at)
        for name in properties:
            if names is not None and not names.fullmatch(name):
                self.cannot(f"the name {name!r}", at)
        if names is not None and len({name.lower() for name in properties}) < len(properties):
            self.cannot("names that differ by their capitals only", at)
        here: Node = {"properties": {k: self.node(v, f"{at}/properties/{k}", inside) for k, v in properties.items()}}
        if required := list(node.get("required", ())):
            here["required"] = required
        if node.get("additionalProperties") is False and not self.form.openapi:
            here["additionalProperties"] = False
        return {**here, "propertyOrdering": list(properties)}

    def told(self, node: Mapping[str, Any], here: Node, at: str) -> Node:
        """Keep the constraints that the API knows; put the others into the description."""
        words = []
        for key in sorted(TOLD & node.keys()):
            known = key in self.form.knows and "anyOf" not in here
            if key == "format" and self.form.formats is not None:
                known = known and node[key] in self.form.formats
            if known:
                here[key] = node[key]
            else:
                words.append(f"{key}: {json.dumps(node[key], ensure_ascii=False)}")
        listed = schemas.values(node)
        parts = here.get("anyOf", [here])
        if listed is not None and not all("enum" in part or part.get("type") == "null" for part in parts):
            words.append(f"one of: {json.dumps(listed, ensure_ascii=False)}")
        self.found.told.extend(f"{word.partition(':')[0]} at {at or '/'}" for word in words)
        about = " ".join(filter(None, [node.get("description"), f"({', '.join(words)})" if words else ""]))
        return {**here, **({"description": about} if about else {})}

    def cannot(self, what: str, at: str) -> Node:
        """Note what the API cannot be told."""
        self.found.unfit.append(f"{what} at {at or '/'}")
        return {}


def _kinds_of(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("boolean",)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return ("integer", "number")
    return ("number",) if isinstance(value, float) else ("string",) if isinstance(value, str) else ()


def _without(node: Mapping[str, Any], name: str) -> Node:
    return {key: value for key, value in node.items() if key != name}


def _holds_null(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_holds_null, value))
    return isinstance(value, dict) and (value.get("type") == "null" or any(map(_holds_null, value.values())))


def _levels(value: Any) -> int:
    """Count the objects inside each other, as the importer does: lists repeat what they hold."""
    if isinstance(value, Mapping):
        return 1 + max(map(_levels, value.values()), default=0)
    return max(map(_levels, value), default=0) if isinstance(value, list) else 0
