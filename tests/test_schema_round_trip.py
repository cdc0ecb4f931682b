"""What prepare makes of a schema and what collect makes of the answers must fit."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from harness.collect.verdict import make_verdict
from harness.prepare.dialects import fit

PLAIN = {"type": "string"}
ITEM = {"type": "object", "properties": {"name": PLAIN, "price": {"type": "number"}}, "required": ["name"]}
TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node"}},
    "required": ["root"],
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"label": PLAIN, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["label"],
        }
    },
}


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": ["a"]}


CASES = [
    (of(a=PLAIN, b=PLAIN), {"a": "x", "b": None}, {"a": "x"}),
    (of(a=PLAIN, b={"type": ["string", "null"]}), {"a": "x", "b": None}, {"a": "x", "b": None}),
    (of(a=PLAIN, b=ITEM), {"a": "x", "b": None}, {"a": "x"}),
    (of(a=PLAIN, b=ITEM), {"a": "x", "b": {"name": "n", "price": None}}, {"a": "x", "b": {"name": "n"}}),
    (
        of(a={"type": "array", "items": ITEM}),
        {"a": [{"name": "n", "price": None}, {"name": "m", "price": 2}]},
        {"a": [{"name": "n"}, {"name": "m", "price": 2}]},
    ),
    (of(a=PLAIN, b={"enum": ["x", "y"]}), {"a": "x", "b": None}, {"a": "x"}),
    (of(a=PLAIN, b={"type": "array", "items": PLAIN}), {"a": "x", "b": None}, {"a": "x"}),
    (
        TREE,
        {"root": {"label": "r", "children": [{"label": "c", "children": None}]}},
        {"root": {"label": "r", "children": [{"label": "c"}]}},
    ),
]


@pytest.mark.parametrize(("schema", "answer", "expected"), CASES)
def test_an_answer_in_the_strict_subset_is_judged_by_the_original(
    schema: dict[str, Any], answer: Any, expected: Any
) -> None:
    sent, _ = fit("task", schema, "openai")
    assert sent.strict
    jsonschema.Draft202012Validator(dict(sent.schema)).validate(answer)
    parsed, errors = make_verdict(schema, sent.nullable)(answer)
    assert (parsed, errors) == (expected, ())


def test_a_null_that_we_did_not_ask_for_stays_a_mistake() -> None:
    schema = of(a=PLAIN, b=PLAIN)
    sent, _ = fit("task", schema, "openai")
    _, errors = make_verdict(schema, sent.nullable)({"a": None, "b": None})
    assert [error.path for error in errors] == ["/a"]
