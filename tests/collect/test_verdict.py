"""The schema as written judges; the nulls that our dialect made necessary are taken back first."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harness.collect.verdict import MAX_ERRORS, check_schema, make_verdict
from harness.types import SchemaError

TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "left": {"$ref": "#/$defs/node"}, "rest": {"$ref": "#"}},
    "required": ["value"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}},
            "required": [],
        }
    },
}
TREE_NULLS = (("left",), ("rest",), ("$defs", "node", "name"), ("$defs", "node", "next"))
ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "note": {"type": "string"},
        "gone": {"type": ["string", "null"]},
        "items": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}}}},
        "pay": {"anyOf": [{"type": "object", "properties": {"card": {"type": "string"}}}, {"type": "string"}]},
    },
    "required": ["gone"],
}
ORDER_NULLS = (("note",), ("items", "*", "price"), ("pay",), ("pay", "card"))


@pytest.mark.parametrize(
    ("schema", "nullable", "value", "trimmed"),
    [
        (ORDER, ORDER_NULLS, {"note": None, "gone": None}, {"gone": None}),
        (
            ORDER,
            ORDER_NULLS,
            {"gone": "x", "items": [{"price": None}, {"price": 1}]},
            {"gone": "x", "items": [{}, {"price": 1}]},
        ),
        (ORDER, ORDER_NULLS, {"gone": "x", "pay": {"card": None}}, {"gone": "x", "pay": {}}),
        (ORDER, ORDER_NULLS, {"gone": "x", "pay": None}, {"gone": "x"}),
        (TREE, TREE_NULLS, {"value": 1, "left": None, "rest": None}, {"value": 1}),
        (
            TREE,
            TREE_NULLS,
            {
                "value": 1,
                "left": {"name": None, "next": {"name": "n", "next": None}},
                "rest": {"value": 2, "left": None},
            },
            {"value": 1, "left": {"next": {"name": "n"}}, "rest": {"value": 2}},
        ),
    ],
)
def test_forced_nulls_disappear_and_the_answer_is_valid(schema: Any, nullable: Any, value: Any, trimmed: Any) -> None:
    before = repr(value)
    assert make_verdict(schema, nullable)(value) == (trimmed, ())
    assert repr(value) == before


def test_a_null_elsewhere_stays_and_is_wrong() -> None:
    value, errors = make_verdict(ORDER, (("note",),))({"gone": "x", "items": None, "note": None})
    assert value == {"gone": "x", "items": None}
    assert [error.path for error in errors] == ["/items"]


def test_nulls_that_the_schema_as_written_accepts_stay() -> None:
    either = {
        "anyOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"properties": {"a": {"type": "string"}}}]
    }
    assert make_verdict(either, (("a",),))({"a": None}) == ({"a": None}, ())


def test_a_reference_from_inside_its_own_branches_ends() -> None:
    loop = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    assert make_verdict(loop, (("$defs", "a", "x"),))({"x": None})[0] is not None


def test_every_error_has_its_pointer() -> None:
    schema = {"properties": {"a/b~": {"items": {"type": "integer"}}, "d": {"format": "date"}}, "required": ["z"]}
    _, errors = make_verdict(schema, ())({"a/b~": [1, "x", "y"], "d": "2025-13-01"})
    assert sorted(error.path for error in errors) == ["", "/a~1b~0/1", "/a~1b~0/2", "/d"]


def test_errors_are_bounded_in_number_and_length() -> None:
    _, errors = make_verdict({"items": {"type": "integer"}}, ())(["x" * 10_000] * (MAX_ERRORS + 1))
    assert len(errors) == MAX_ERRORS + 1
    assert errors[-1] == SchemaError("", "and more: only the first 100 are kept")
    assert max(len(error.message) for error in errors) <= 500


def test_the_draft_is_the_one_that_the_schema_names() -> None:
    tuples = {"items": [{"type": "integer"}, {"type": "string"}]}
    draft_7 = {"$schema": "http://json-schema.org/draft-07/schema#"} | tuples
    assert make_verdict(draft_7, ())([1, 2])[1]
    assert make_verdict({"prefixItems": tuples["items"], "items": False}, ())([1, "a", 3])[1]


def test_a_hostile_answer_cannot_slow_a_regex_down() -> None:
    verdict = make_verdict({"pattern": "^(a+)+$"}, ())
    begin = time.process_time()
    assert verdict("a" * 5_000 + "!")[1]
    assert time.process_time() - begin < 1.0


def test_without_a_schema_everything_passes() -> None:
    assert make_verdict(None, ())({"a": None}) == ({"a": None}, ())


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "strnig"}, ["/type", "strnig"]),
        ({"properties": {"a": {"minimum": "1"}}}, ["/properties/a/minimum"]),
        ({"$ref": "https://example.com/x.json"}, ["/$ref", "never fetched"]),
        ({"$ref": "other.json"}, ["/$ref", "other.json"]),
        ({"properties": {"default": {"anyOf": [{"$ref": "http://x/y"}]}}}, ["/properties/default/anyOf/0/$ref"]),
        ({"$ref": "#/$defs/none"}, ["none"]),
        ({"properties": {"a": {"pattern": "(?=x)y"}}}, ["/properties/a/pattern", "linear-time"]),
        ({"patternProperties": {"(a)\\1": {}}}, ["/patternProperties", "linear-time"]),
        ({"pattern": "["}, ["/pattern"]),
        ({"$schema": "http://example.com/mine"}, ["$schema", "example.com/mine"]),
        ([], ["list"]),
    ],
)
def test_an_unfit_schema_is_refused_in_plain_words(schema: Any, words: list[str]) -> None:
    problems = check_schema(schema)
    assert problems
    assert all(any(word in problem for problem in problems) for word in words)


@pytest.mark.parametrize(
    "schema",
    [{}, TREE, ORDER, {"enum": [{"$ref": "http://is.data/"}]}, {"properties": {"pattern": {"type": "string"}}}],
)
def test_a_fit_schema_has_no_problems(schema: Any) -> None:
    assert check_schema(schema) == []
