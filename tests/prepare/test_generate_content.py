"""The generateContent API: its names, what it lacks, and the schemas that Gemini and Vertex's importer take."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.prepare import capabilities, dialects
from harness.types import Fixed, SentSchema
from tests.build import settings, shipped

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["a", "b"]},
        "share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "description": "How sure."},
        "day": {"type": ["string", "null"], "format": "date"},
        "order": {"$ref": "#/$defs/order"},
        "stars": {"enum": [1, 2, 3]},
    },
    "required": ["label", "order"],
    "additionalProperties": False,
    "$defs": {"order": {"type": "object", "properties": {"id": {"type": "string", "pattern": "^[a-z]+$"}}}},
}


def applied(model: str, schema: dict[str, Any] | None = None, provider: str = "gemini", **generate: Any) -> Fixed:
    task = {"schema": "s.json" if schema else None}
    lane = shipped("provider", provider)
    return capabilities.apply(settings(model, generate=generate, task=task, provider=lane), schema)


def sent(schema: dict[str, Any], dialect: str) -> tuple[SentSchema, str]:
    found, rules = dialects.fit("t", schema, dialect)
    assert found is not None
    return found, rules[0].note if rules else ""


def test_parameters_stand_where_the_api_has_them() -> None:
    asked = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "stop": ["x"], "seed": 7, "presence_penalty": 0.1}
    assert applied("gemini-2.5-flash", **asked).parameters == {
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "stopSequences": ["x"],
            "seed": 7,
            "presencePenalty": 0.1,
            "maxOutputTokens": 50,
        }
    }
    assert applied("gemini-2.5-flash").parameters == {}


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "medium", {"thinkingBudget": 8192}),
        ("gemini-3.8-flash", "low", {"thinkingLevel": "low"}),
        ("gemini-3.1-flash-lite", "minimal", {"thinkingLevel": "minimal"}),
    ],
)
def test_an_effort_is_a_budget_or_a_level_as_the_model_takes_it(model: str, effort: str, thinking: Any) -> None:
    found = applied(model, reasoning_effort=effort)
    assert found.parameters == {"generationConfig": {"thinkingConfig": thinking}}


@pytest.mark.parametrize(("model", "effort"), [("gemini-2.5-pro", "none"), ("gemini-3.8-flash", "minimal")])
def test_an_effort_that_the_model_refuses_is_refused(model: str, effort: str) -> None:
    with pytest.raises(ConfigError, match=rf"generate\.reasoning_effort: {model} accepts"):
        applied(model, reasoning_effort=effort)


def test_what_the_api_lacks_or_the_model_ignores_is_dropped_with_a_warning() -> None:
    found = applied("gemini-4-argon", temperature=0, verbosity="low", logit_bias={"1": 1}, logprobs=True)
    assert found.parameters == {}
    assert {rule.subject for rule in found.rules if rule.asked} == {
        *("temperature", "verbosity", "logit_bias", "logprobs")
    }


def test_more_stops_than_the_api_takes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"generate\.stop: generateContent takes at most 5 \(got 6\)"):
        applied("gemini-2.5-flash", stop=list("abcdef"))


def test_what_only_this_api_knows_joins_what_the_harness_writes() -> None:
    found = applied("gemini-2.5-flash", temperature=0, extra={"generationConfig": {"topK": 5}, "safetySettings": []})
    assert found.parameters == {"generationConfig": {"temperature": 0, "topK": 5}, "safetySettings": []}
    for inner in ({"temperature": 1}, {"responseSchema": {}}):
        with pytest.raises(ConfigError, match=r"generate\.extra\.generationConfig\.\w+: is set by the harness"):
            applied("gemini-2.5-flash", SCHEMA, temperature=0, extra={"generationConfig": inner})
    for name in ("candidateCount", "candidate_count"):
        with pytest.raises(ConfigError, match=rf"generationConfig\.{name}: is set by .* set task\.epochs\.count"):
            applied("gemini-2.5-flash", extra={"generationConfig": {name: 3}})
    with pytest.raises(ConfigError, match=r"generate\.extra\.contents: is set by the harness"):
        applied("gemini-2.5-flash", extra={"contents": []})


@pytest.mark.parametrize(("name", "said"), [("topK", "no such field at the top"), ("generation_config", "spell it")])
def test_what_the_api_has_no_field_for_at_the_top_is_refused(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"generate\.extra\.{name}: .*{said}"):
        applied("gemini-2.5-flash", extra={name: {}})


def test_a_budget_of_thought_that_fills_the_cap_is_warned_of() -> None:
    tight = applied("gemini-2.5-flash", reasoning_effort="high", max_tokens=1000)
    [rule] = [rule for rule in tight.rules if rule.name == "cap"]
    assert rule.asked
    assert "'high' is up to 24,576 tokens of thought, which count against max_tokens (1,000)" in rule.note
    for roomy in ({"reasoning_effort": "low", "max_tokens": 5000}, {"reasoning_effort": "none", "max_tokens": 9}):
        assert not [rule for rule in applied("gemini-2.5-flash", **roomy).rules if rule.name == "cap"]


def test_gemini_gets_json_schema_with_its_references_written_out() -> None:
    found, note = sent(SCHEMA, "gemini")
    order = {"type": "object", "properties": {"id": {"type": "string", "description": '(pattern: "^[a-z]+$")'}}}
    assert found.schema == {
        "type": "object",
        "properties": {
            "label": {"type": "string", "enum": ["a", "b"]},
            "share": {"type": "number", "minimum": 0, "description": "How sure. (exclusiveMaximum: 1)"},
            "day": {"type": ["string", "null"], "format": "date"},
            "order": {**order, "propertyOrdering": ["id"]},
            "stars": {"type": "integer", "enum": [1, 2, 3]},
        },
        "required": ["label", "order"],
        "additionalProperties": False,
        "propertyOrdering": ["label", "share", "day", "order", "stars"],
    }
    assert not found.strict
    assert "told in the description and not enforced: exclusiveMaximum at /properties/share" in note


def test_vertex_gets_the_openapi_form() -> None:
    found, note = sent(SCHEMA, "vertex")
    order = {"type": "OBJECT", "properties": {"id": {"type": "STRING", "pattern": "^[a-z]+$"}}}
    assert found.schema == {
        "type": "OBJECT",
        "properties": {
            "label": {"type": "STRING", "enum": ["a", "b"]},
            "share": {"type": "NUMBER", "minimum": 0, "description": "How sure. (exclusiveMaximum: 1)"},
            "day": {"type": "STRING", "nullable": True, "description": '(format: "date")'},
            "order": {**order, "propertyOrdering": ["id"]},
            "stars": {"type": "INTEGER", "description": "(one of: [1, 2, 3])"},
        },
        "required": ["label", "order"],
        "propertyOrdering": ["label", "share", "day", "order", "stars"],
    }
    assert "format at /properties/day" in note


@pytest.mark.parametrize(
    ("dialect", "alternatives"),
    [
        ("gemini", {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
        ("vertex", {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": True}),
    ],
)
def test_alternatives_are_told_in_the_words_of_each(dialect: str, alternatives: Any) -> None:
    one = {"type": ["string", "integer", "null"]}
    other = {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}
    for node in (one, other):
        found, _ = sent({"type": "object", "properties": {"x": node}}, dialect)
        assert found.schema["properties"]["x"] == alternatives


def test_null_among_listed_values_is_an_alternative_of_its_own() -> None:
    schema = {"type": "object", "properties": {"x": {"type": ["string", "null"], "enum": ["a", None]}}}
    assert sent(schema, "gemini")[0].schema["properties"]["x"] == {
        "anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]
    }
    assert sent(schema, "vertex")[0].schema["properties"]["x"] == {"type": "STRING", "enum": ["a"], "nullable": True}


def fitted(part: dict[str, Any], dialect: str) -> tuple[SentSchema, Any]:
    found, _ = sent({"type": "object", "properties": {"x": part}}, dialect)
    return found, found.schema["properties"]["x"]


def test_an_alternative_without_a_value_is_left_out() -> None:
    assert fitted({"type": ["string", "null"], "const": None}, "gemini")[1] == {"type": "null"}
    assert fitted({"type": ["string", "null"], "enum": ["a"]}, "vertex")[1] == {"type": "STRING", "enum": ["a"]}
    assert fitted({"type": ["string", "integer"], "enum": [1]}, "gemini")[1] == {"type": "integer", "enum": [1]}


def test_a_constraint_goes_to_the_kind_that_it_constrains_and_nowhere_else() -> None:
    both = {"type": ["string", "integer"], "minimum": 1, "minItems": 2, "maxLength": 3}
    assert fitted(both, "vertex")[1] == {
        "anyOf": [{"type": "STRING", "maxLength": 3}, {"type": "INTEGER", "minimum": 1}]
    }
    _, part = fitted({"type": "string", "minimum": 1, "format": "int32", "properties": {}}, "gemini")
    assert part == {"type": "string", "description": '(format: "int32")'}
    assert fitted({"type": "integer", "format": "int32", "pattern": "x"}, "vertex")[1] == {"type": "INTEGER"}
    beside = {"anyOf": [{"type": "integer", "minimum": 5}], "minimum": 0, "description": "why"}
    assert fitted(beside, "gemini")[1] == {"type": "integer", "minimum": 5, "description": "why (minimum: 0)"}


@pytest.mark.parametrize("pattern", ["^(?=x)", "(?<!a)b", r"(a)\1"])
def test_a_pattern_that_no_linear_engine_runs_is_told(pattern: str) -> None:
    found, part = fitted({"type": "string", "pattern": pattern}, "vertex")
    assert not found.strict
    assert part["description"].startswith("(pattern: ")
    assert "pattern" not in part


def test_what_is_told_of_an_alternative_is_not_lost_to_the_description_of_the_whole() -> None:
    part = {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}], "description": "Of work."}
    assert fitted(part, "vertex")[1] == {
        "type": "STRING",
        "nullable": True,
        "description": 'Of work. (format: "email")',
    }


@pytest.mark.parametrize("dialect", ["gemini", "vertex", "anthropic"])
def test_what_only_describes_is_left_out_without_a_word(dialect: str) -> None:
    about = {"readOnly": True, "writeOnly": False, "deprecated": True, "example": 1, "examples": [1], "default": 1}
    about |= {"title": "T", "discriminator": {"propertyName": "a"}, "x-order": 1, "$comment": "c"}
    schema = {"type": "object", "properties": {"x": {"type": "integer", **about}}, "additionalProperties": False}
    found, rules = dialects.fit("t", schema | about, dialect)
    assert (found is not None and found.strict, rules) == (True, ())
    assert found.schema["properties"]["x"] == {"type": "INTEGER" if dialect == "vertex" else "integer"}


@pytest.mark.parametrize(("model", "provider"), [("gemini-2.5-flash", "gemini"), ("claude-haiku-4-5", "anthropic")])
def test_require_is_refused_where_a_constraint_is_only_told(model: str, provider: str) -> None:
    def apply(part: dict[str, Any]) -> Fixed:
        task = {"schema": "s.json", "structured_output": "require"}
        schema = {"type": "object", "properties": {"x": part}, "additionalProperties": False}
        return capabilities.apply(settings(model, task=task, provider=shipped("provider", provider)), schema)

    assert apply({"type": "string", "format": "date"}).output == "json_schema"
    with pytest.raises(ConfigError, match=r"require cannot hold: .*not enforced: maxLength at /properties/x; set auto"):
        apply({"type": "string", "maxLength": 3})


OPEN = {"type": "object", "properties": {"k": {"type": "string"}}}
NAMED = {"n": OPEN}
RECURSIVE = {
    "type": "object",
    "properties": {"next": {"$ref": "#/$defs/n"}},
    "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}},
}
DEEP: dict[str, Any] = {"type": "string"}
for _ in range(7):
    DEEP = {"type": "object", "properties": {"x": DEEP}}


@pytest.mark.parametrize(
    ("part", "dialects_that_cannot", "reason"),
    [
        (RECURSIVE, ("gemini", "vertex"), "recursion"),
        ({"type": "object"}, ("gemini", "vertex"), "free names"),
        ({"type": "array"}, ("gemini", "vertex"), "items of any kind"),
        ({}, ("gemini", "vertex"), "no type"),
        ({"type": "string", "not": {"const": "x"}}, ("gemini", "vertex"), "not at"),
        ({"type": "object", "properties": {"a b": {"type": "string"}}}, ("vertex",), "the name 'a b'"),
        ({"type": "object", "properties": {"a": {"type": "string"}, "A": {"type": "string"}}}, ("vertex",), "capitals"),
        ({"type": "null"}, ("vertex",), "nothing but null"),
        ({"type": ["string", "null"], "const": None}, ("vertex",), "nothing but null"),
        ({"$ref": "#/$defs/n", "required": ["k"], "$defs": NAMED}, ("gemini", "vertex"), "required beside $ref"),
        ({"$ref": "#/$defs/n", "properties": {}, "$defs": NAMED}, ("gemini", "vertex"), "properties beside $ref"),
        ({"allOf": [OPEN], "required": ["k"]}, ("gemini", "vertex"), "required beside allOf"),
        ({"allOf": [OPEN, OPEN]}, ("gemini", "vertex"), "allOf at"),
        ({**OPEN, "required": ["other"]}, ("gemini", "vertex"), "required other, which is no property, at"),
        ({"anyOf": [OPEN], "required": ["k"]}, ("gemini", "vertex"), "required beside anyOf"),
        ({"anyOf": [OPEN], "additionalProperties": False}, ("gemini", "vertex"), "additionalProperties beside anyOf"),
        ({"anyOf": [OPEN], "oneOf": [OPEN]}, ("gemini", "vertex"), "oneOf beside anyOf"),
        ({"anyOf": [OPEN, {"type": "null"}], "type": "object"}, ("gemini", "vertex"), "a type beside anyOf"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, ("gemini", "vertex"), "alternatives that overlap"),
        ({"type": "string", "enum": [1, 2]}, ("gemini", "vertex"), "no listed value of the stated type"),
        ({"type": "string", "const": None}, ("gemini", "vertex"), "no listed value of the stated type"),
        (DEEP, ("vertex",), "levels of nesting"),
    ],
)
def test_what_cannot_be_told_stands_in_the_prompt(part: Any, dialects_that_cannot: Any, reason: str) -> None:
    definitions = {"$defs": part["$defs"]} if "$defs" in part else {}
    schema = {"type": "object", "properties": {"part": part}, **definitions}
    for dialect in ("gemini", "vertex"):
        found, rules = dialects.fit("t", schema, dialect)
        assert (found is None) == (dialect in dialects_that_cannot)
        if found is None:
            assert rules[0].name == "schema_in_prompt"
            assert reason in rules[0].note


def test_a_small_schema_that_unfolds_without_end_is_not_sent() -> None:
    names = [f"d{n}" for n in range(30)]
    definitions: dict[str, Any] = {
        name: {"type": "object", "properties": {"l": {"$ref": f"#/$defs/{after}"}, "r": {"$ref": f"#/$defs/{after}"}}}
        for name, after in pairwise(names)
    }
    definitions["d29"] = {"type": "string"}
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": definitions}
    found, rules = dialects.fit("t", schema, "gemini")
    assert found is None
    assert "more than 2,000 parts" in rules[0].note
