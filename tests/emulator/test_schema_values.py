"""Generated values are valid, bounded and the same every time."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest

from harness.emulator.draws import Draws
from harness.emulator.patterns import matching
from harness.emulator.schema_values import SchemaError, make

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]},
    {"type": "object", "properties": {"label": {"enum": ["x", "y"]}, "c": {"const": [1]}}, "required": ["label", "c"]},
    {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 3, "maxItems": 4},
    {"type": "array", "items": {"enum": ["a", "b", "c", "d"]}, "uniqueItems": True, "minItems": 2},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
    {"type": "integer", "minimum": 5, "maximum": 6},
    {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
    {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 30},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    {"type": "number", "multipleOf": 0.5, "minimum": -1, "maximum": 1},
    {"type": "integer", "maximum": -3},
    {"type": "string", "minLength": 40, "maxLength": 45},
    {"type": "string", "maxLength": 3},
    {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
    {"type": "string", "pattern": "^(foo|ba[rz])+\\.(com|org)$"},
    *({"type": "string", "format": name} for name in ("date", "time", "date-time", "email", "ipv4", "ipv6", "uuid")),
    {"type": ["string", "null"]},
    {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"required": ["a"]}], "type": "object"},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["value", "left", "children"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_values_are_valid_under_their_schema(schema: dict[str, Any]) -> None:
    check = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for seed in range(60):
        check.validate(make(schema, Draws(seed)))


def test_the_same_seed_makes_the_same_value_and_others_differ() -> None:
    values = [make(SCHEMAS[0], Draws(seed)) for seed in (1, 1, 2)]
    assert values[0] == values[1]
    assert values[0] != values[2]


@pytest.mark.parametrize("pattern", ["a|b", "[^a-z]x?", "\\w+@\\w+", "(ab){2,3}", "x.z", "\\[\\]", "[\\d-]+", "a*?b+"])
def test_texts_match_their_pattern(pattern: str) -> None:
    assert all(re.fullmatch(pattern, matching(pattern, Draws(seed))) for seed in range(100))


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"type": "object", "properties": 5}, {"type": "integer", "multipleOf": 0}]
)
def test_a_schema_without_values_is_an_error_and_not_a_crash(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        make(schema, Draws(0))
