"""The promise of Google's dialects, on schemas that nobody thought of: what is sent and told says what was asked.

The model is told of constraints at the end of a description: `(maxLength: 1, one of: ["x"])`. Here they are read back.
"""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.prepare.dialects import fit

VALUES: list[Any] = [None, True, False, 0, 1, 2, 1.5, "", "x", "yy", "2026-01-01"]
FEW: list[Any] = [None, 1, "x"]
ANSWERS: list[Any] = [
    *VALUES,
    *({"a": value} for value in VALUES),
    *({"a": value, "b": other} for value in VALUES for other in FEW),
    *({"a": {"a": value}} for value in VALUES),
    *({"a": [value]} for value in FEW),
    *([value] for value in VALUES),
    *([value, other] for value in FEW for other in FEW),
    *([{"a": value}] for value in FEW),
    *([], {}, {"a": {}}, {"a": []}, {"b": "x"}, {"a": {"a": 1, "b": "x"}}),
]
CONSTRAINTS: dict[str, list[Any]] = {
    "minimum": [1],
    "exclusiveMaximum": [2],
    "multipleOf": [2],
    "minLength": [1],
    "maxLength": [1],
    "pattern": ["^x", "^(?!x)"],
    "format": ["date", "email"],
    "description": ["why"],
    "title": ["T"],
}
Schemas = st.SearchStrategy[dict[str, Any]]


def at_times(of: dict[str, list[Any]]) -> Schemas:
    """Make one keyword with a value, more often none."""
    pairs = [{key: value} for key, values in of.items() for value in values]
    return st.sampled_from([*pairs, *({} for _ in pairs)])


def joined(*parts: Schemas) -> Schemas:
    """Put keywords of several strategies side by side."""
    return st.tuples(*parts).map(lambda several: {key: value for part in several for key, value in part.items()})


KINDS = st.sampled_from(["string", "integer", "number", "boolean", "null"])
TYPED = st.one_of(KINDS, st.lists(KINDS, min_size=2, max_size=3, unique=True)).map(lambda kinds: {"type": kinds})
LISTED = st.one_of(
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).map(lambda values: {"enum": values}),
    st.sampled_from(VALUES).map(lambda value: {"const": value}),
)
NAMED: Schemas = st.sampled_from([{"$ref": "#/$defs/one"}, {"$ref": "#/$defs/two"}])
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
PLAIN = st.one_of(
    joined(TYPED, at_times(CONSTRAINTS), at_times(CONSTRAINTS)),
    joined(TYPED, LISTED, at_times(CONSTRAINTS)),
    LISTED,
    joined(NAMED, at_times({"description": ["why"], "minimum": [1], "required": [["b"]], "enum": [["x"]]})),
)


def grown(parts: Schemas) -> Schemas:
    """Make larger schemas of smaller ones."""
    named = st.dictionaries(st.sampled_from(["a", "b"]), parts, min_size=1, max_size=2)
    objects = joined(
        named.map(lambda properties: {"type": "object", "properties": properties}),
        at_times({"required": [["a"], ["b"]], "additionalProperties": [False], "minProperties": [2]}),
        at_times({"additionalProperties": [False]}),
    )
    lists = joined(
        parts.map(lambda items: {"type": "array", "items": items}),
        at_times({"minItems": [1], "maxItems": [1], "uniqueItems": [True], "pattern": ["^x"]}),
    )
    several = joined(
        st.builds(
            lambda word, some: {word: some},
            st.sampled_from(["anyOf", "anyOf", "oneOf"]),
            st.lists(parts, min_size=1, max_size=3),
        ),
        at_times({"type": ["object", ["string", "null"]], "required": [["a"]], "minimum": [1], "minLength": [1]}),
        at_times({"properties": [{"a": {"type": "string"}}], "description": ["why"], "enum": [["x"]]}),
    )
    one = joined(parts.map(lambda part: {"allOf": [part]}), at_times({"description": ["why"], "minimum": [1]}))
    return st.one_of(objects, lists, several, one)


PARTS = st.recursive(PLAIN, grown, max_leaves=4)


def told(description: str) -> list[dict[str, Any]]:
    """Read constraints back from a description."""
    found = []
    for match in re.finditer(r"[(,] ?(one of|[a-zA-Z]+): ", description):
        value, _ = json.JSONDecoder().raw_decode(description, match.end())
        found.append({"enum" if match[1] == "one of" else match[1]: value})
    return found


def read(node: dict[str, Any], *, by_model: bool) -> dict[str, Any]:
    """Read what is sent as JSON Schema.

    A model also heeds what it is told, and in the OpenAPI form writes named properties only.
    """
    here = {key: node[key] for key in node.keys() - {"description", "nullable", "propertyOrdering"}}
    if openapi := str(node.get("type", "")).isupper():
        here["type"] = node["type"].lower()
    if here.get("type") == "object":
        here["properties"] = {name: read(part, by_model=by_model) for name, part in node["properties"].items()}
        if openapi and by_model:
            here["additionalProperties"] = False
    if "items" in node:
        here["items"] = read(node["items"], by_model=by_model)
    if "anyOf" in node:
        here["anyOf"] = [read(part, by_model=by_model) for part in node["anyOf"]]
    if node.get("nullable"):
        here = {"anyOf": [here, {"type": "null"}]}
    words = told(node.get("description", "")) if by_model else []
    return {"allOf": [here, *words]} if words else here


def judge(schema: dict[str, Any]) -> Any:
    """Judge as the harness does, formats included."""
    return jsonschema_rs.validator_for(schema, validate_formats=True)


@pytest.mark.parametrize("dialect", ["gemini", "vertex"])
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(part=PARTS, one=st.one_of(PLAIN, st.just(OBJECT)), two=st.just(OBJECT))
def test_what_is_sent_and_told_is_what_was_asked(dialect: str, part: Any, one: Any, two: Any) -> None:
    schema = {**part, "$defs": {"one": one, "two": two}}
    sent, rules = fit("task", schema, dialect)
    if sent is None:
        return
    assert sent.strict != any("not enforced" in rule.note for rule in rules)
    original, form = judge(schema), judge(read(dict(sent.schema), by_model=False))
    model = judge(read(dict(sent.schema), by_model=True))
    for answer in ANSWERS:
        if model.is_valid(answer):
            assert original.is_valid(answer), (sent.schema, answer)
        if original.is_valid(answer):
            assert form.is_valid(answer), (sent.schema, answer)
