"""The strict subset: unchanged where it fits, rewritten where the meaning stays, a hint where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.prepare.dialects import fit

TEXT = {"type": "string"}


def of(properties: dict[str, Any], required: list[str] | None = None, **more: Any) -> dict[str, Any]:
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False, **more}


def test_a_schema_that_fits_goes_out_as_it_is_in_its_order_of_keys() -> None:
    schema = of({"z": TEXT, "a": {"type": "number", "minimum": 0}, "m": {"type": "string", "enum": ["x", "y"]}})
    sent, rules = fit("task", schema, "openai")
    assert (sent.strict, dict(sent.schema), sent.nullable, rules) == (True, schema, (), ())
    assert list(sent.schema["properties"]) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("schema", "nullable"),
    [
        (of({"a": TEXT, "b": TEXT}, ["a"]), (("b",),)),
        (of({"a": of({"c": TEXT}, [])}), (("a", "c"),)),
        (of({"a": {"type": "array", "items": of({"c": TEXT}, [])}}), (("a", "*", "c"),)),
        (of({"a": {"$ref": "#/$defs/n"}}, **{"$defs": {"n": of({"c": TEXT}, [])}}), (("$defs", "n", "c"),)),
    ],
)
def test_an_optional_property_becomes_required_and_nullable(schema: dict[str, Any], nullable: Any) -> None:
    sent, rules = fit("task", schema, "openai")
    assert (sent.strict, sent.nullable) == (True, nullable)
    assert [rule.name for rule in rules] == ["schema_rewritten"]


def test_an_optional_property_that_allows_null_keeps_its_own_nulls() -> None:
    sent, _ = fit("task", of({"a": {"type": ["string", "null"]}}, []), "openai")
    assert (sent.strict, sent.nullable) == (True, ())
    assert sent.schema["required"] == ["a"]


def test_an_open_object_is_closed_and_annotations_are_left_out() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "T", "type": "object"}
    schema |= {"properties": {"a": {**TEXT, "description": "kept", "default": "x"}}, "required": ["a"]}
    sent, _ = fit("task", schema, "openai")
    assert sent.strict
    assert sent.schema["additionalProperties"] is False
    assert sent.schema["properties"]["a"] == {"type": "string", "description": "kept"}
    assert {"$schema", "title"} & set(sent.schema) == set()


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "array", "items": TEXT}, "root"),
        ({"anyOf": [of({"a": TEXT})]}, "anyOf at /"),
        (of({"a": {"type": "object", "patternProperties": {"^x": TEXT}}}), "patternProperties"),
        (of({"a": {"not": TEXT}}), "not"),
        (of({"a": {"type": "array", "items": TEXT, "uniqueItems": True}}), "uniqueItems"),
        (of({"a": {"type": "string", "pattern": "^(?=x)"}}), "pattern"),
        (of({"a": TEXT}, **{"if": {}, "then": {}}), "if"),
        (of({"a": {"type": "object", "additionalProperties": TEXT}}), "additionalProperties"),
    ],
)
def test_what_the_subset_cannot_say_is_a_hint_and_no_more(schema: dict[str, Any], keyword: str) -> None:
    sent, rules = fit("task", schema, "openai")
    assert (sent.strict, dict(sent.schema), sent.nullable) == (False, schema, ())
    assert [rule.name for rule in rules] == ["schema_not_strict"]
    assert keyword in rules[0].note


def test_the_name_fits_the_api() -> None:
    sent, _ = fit("a task, with blanks! " * 9, of({"a": TEXT}), "openai")
    assert len(sent.name) <= 64
    assert all(character.isalnum() or character in "_-" for character in sent.name)
