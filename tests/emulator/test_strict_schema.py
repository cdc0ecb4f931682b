"""The strict subset of JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.strict_schema import first_violation


def root(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TREE = root(value={"type": "integer"}, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]})


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = root(leaf={"type": "string"})
    for _ in range(levels - 1):
        schema = root(inner=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        root(a={"type": "string"}, b={"type": ["integer", "null"], "minimum": 0}),
        root(a={"enum": ["x", "y"]}, b={"const": 1}, c={"type": "array", "items": {"type": "string"}, "minItems": 1}),
        root(a={"$ref": "#/$defs/d"}) | {"$defs": {"d": root(x={"type": "boolean"})}},
        root(a={"type": "string", "pattern": "^[a-z]+$", "format": "date"}),
        TREE,
        root(),
        nested(10),
    ],
)
def test_a_schema_of_the_subset_passes(schema: dict[str, Any]) -> None:
    assert first_violation(schema) is None


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object"}, "In context=(), 'additionalProperties' is required to be supplied and to be false."),
        (
            root(a={"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}),
            "In context=('properties', 'a'), 'required' is required to be supplied and to be an array including every "
            "key in properties. Missing 'x'.",
        ),
        (root(a={"type": "string", "default": "x"}), "In context=('properties', 'a'), 'default' is not permitted."),
        (root(a={"allOf": []}), "In context=('properties', 'a'), 'allOf' is not permitted."),
        (root(a={"type": "array", "items": {"oneOf": []}}), "In context=('properties', 'a', 'items'), 'oneOf'"),
        (root(a={"type": "array"}), "array schema missing items."),
        (
            root(a={"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
            "'uniqueItems' is not permitted.",
        ),
        (root(a={"$ref": "#", "description": "x"}), "$ref cannot have keywords {'description'}."),
        (root(a={"type": "string", "format": "uri"}), "'uri' is not a valid format."),
        (root(a={"type": "string", "pattern": "(?=x)y"}), "look-around is not permitted"),
        (root(a={}), "schema must have a 'type' key."),
        ({"type": "array", "items": {"type": "string"}}, "of 'type: \"object\"', got 'type: \"array\"'."),
        (root() | {"anyOf": [root()]}, "'anyOf' is not permitted at the root"),
        (nested(11), "11 levels of nesting exceeds limit of 10."),
        (root(a={"enum": [f"v{i}" for i in range(1001)]}), "1001 enum values exceeds limit of 1000."),
        (root(a={"enum": ["x" * 100 + str(i) for i in range(251)]}), "exceeds limit of 15000 characters."),
        (root(**{f"p{i}": {"type": "string"} for i in range(5001)}), "5001 properties exceeds limit of 5000."),
    ],
)
def test_what_is_outside_of_the_subset_is_named(schema: dict[str, Any], words: str) -> None:
    assert words in (first_violation(schema) or "")
