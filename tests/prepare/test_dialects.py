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


def test_a_oneof_of_alternatives_that_exclude_each_other_becomes_anyof() -> None:
    cat = of({"kind": {"const": "cat"}, "lives": {"type": "integer"}})
    dog = of({"kind": {"const": "dog"}, "name": TEXT})
    schema = of(
        {"a": {"oneOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}]}}, **{"$defs": {"cat": cat, "dog": dog}}
    )
    sent, _ = fit("task", schema, "openai")
    assert sent.strict
    assert sent.schema["properties"]["a"] == {"anyOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}]}
    assert sent.schema["$defs"]["cat"]["properties"]["kind"] == {"type": "string", "const": "cat"}


@pytest.mark.parametrize(
    "alternatives",
    [
        [{"type": "number"}, {"type": "integer"}],
        [{"enum": [1, 2]}, {"const": 2.0}],
        [of({"kind": {"const": "cat"}}), of({"name": TEXT})],
        [of({"kind": {"const": "cat"}}, []), of({"kind": {"const": "dog"}}, [])],
    ],
)
def test_a_oneof_of_alternatives_that_overlap_is_not_strict(alternatives: list[Any]) -> None:
    sent, rules = fit("task", of({"a": {"oneOf": alternatives}}), "openai")
    assert not sent.strict
    assert "oneOf at /properties/a" in rules[0].note


def test_a_description_beside_a_reference_is_kept() -> None:
    schema = of({"a": {"$ref": "#/$defs/n", "description": "why"}}, **{"$defs": {"n": of({"c": TEXT})}})
    sent, _ = fit("task", schema, "openai")
    assert sent.schema["properties"]["a"] == {"description": "why", "anyOf": [{"$ref": "#/$defs/n"}]}


def test_an_allof_of_one_is_merged_and_old_definitions_get_their_new_name() -> None:
    schema = of({"a": {"allOf": [{"$ref": "#/definitions/n"}]}}, definitions={"n": of({"c": TEXT})})
    sent, _ = fit("task", schema, "openai")
    assert sent.strict
    assert sent.schema["properties"]["a"] == {"$ref": "#/$defs/n"}
    assert "definitions" not in sent.schema


def test_a_root_that_names_a_definition_is_written_out() -> None:
    schema = {"$ref": "#/$defs/n", "$defs": {"n": of({"c": TEXT, "next": {"$ref": "#/$defs/n"}}, ["c"])}}
    sent, _ = fit("task", schema, "openai")
    assert sent.strict
    assert sent.schema["type"] == "object"
    assert sent.nullable == (("next",), ("$defs", "n", "next"))


def test_a_root_that_adds_to_the_definition_it_names_is_not_strict() -> None:
    sent, rules = fit("task", {"$ref": "#/$defs/n", "properties": {}, "$defs": {"n": of({"c": TEXT})}}, "openai")
    assert not sent.strict
    assert "properties beside $ref" in rules[0].note


def test_alternatives_that_disagree_about_null_are_not_strict() -> None:
    either = {"anyOf": [of({"k": TEXT}, []), of({"k": {"type": ["integer", "null"]}})]}
    sent, rules = fit("task", of({"a": either}), "openai")
    assert not sent.strict
    assert "null at /a/k" in rules[0].note


@pytest.mark.parametrize(
    ("part", "limit"),
    [
        ({"type": "string", "enum": [f"v{i}" for i in range(1001)]}, "1001 enum values"),
        ({"type": "string", "enum": [f"{i:0100}" for i in range(251)]}, "in an enum of 251 values"),
        (of({f"p{i}": TEXT for i in range(5000)}), "5001 properties"),
    ],
)
def test_what_is_too_large_to_be_enforced_is_a_hint(part: dict[str, Any], limit: str) -> None:
    sent, rules = fit("task", of({"a": part}), "openai")
    assert not sent.strict
    assert limit in rules[0].note


def test_ten_levels_are_enforced_and_eleven_are_not() -> None:
    def nested(levels: int) -> dict[str, Any]:
        return of({"a": nested(levels - 1) if levels > 1 else TEXT})

    assert fit("task", nested(10), "openai")[0].strict
    assert not fit("task", nested(11), "openai")[0].strict


def test_an_escaped_bracket_in_a_pattern_is_no_look_around() -> None:
    sent, _ = fit("task", of({"a": {"type": "string", "pattern": r"^\(?=\d$"}}), "openai")
    assert sent.strict
