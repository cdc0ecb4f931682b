"""The Messages API: its names, what it lacks, and the schemas that it enforces."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from harness.errors import ConfigError
from harness.prepare import capabilities, dialects
from harness.types import Fixed
from tests.build import settings

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["a", "b"]},
        "share": {"type": "number", "minimum": 0, "maximum": 1, "description": "How sure."},
        "day": {"type": ["string", "null"], "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    },
    "required": ["label"],
}


def applied(model: str, schema: dict[str, Any] | None = None, strict: bool = False, **generate: Any) -> Fixed:
    task = {"schema": "s.json" if schema else None}
    return capabilities.apply(settings(model, generate=generate, task=task, strict=strict), schema)


def refusals(model: str, **generate: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        applied(model, **generate)
    return list(caught.value.problems)


def test_parameters_stand_where_the_messages_api_has_them() -> None:
    found = applied("claude-opus-4-5", temperature=0.5, stop=["x"], reasoning_effort="low", max_tokens=50)
    assert found.parameters == {
        "temperature": 0.5,
        "max_tokens": 50,
        "stop_sequences": ["x"],
        "output_config": {"effort": "low"},
    }


def test_a_cap_is_always_sent() -> None:
    assert applied("claude-haiku-4-5").parameters == {"max_tokens": 4096}
    model = {"id": "mine", "api": "messages"}
    with pytest.raises(ConfigError, match="the Messages API wants a cap on the answer"):
        capabilities.apply(settings("custom", model=model), None)


def test_what_the_api_or_the_model_does_not_take_is_dropped_with_a_warning() -> None:
    found = applied("claude-opus-4-8", temperature=0, seed=1, verbosity="low", logprobs=True)
    assert found.parameters == {"max_tokens": 8000}
    assert {rule.subject for rule in found.rules if rule.asked} == {"temperature", "seed", "verbosity", "logprobs"}
    with pytest.raises(ConfigError, match=r"generate\.temperature: claude-opus-4-8 does not accept it"):
        applied("claude-opus-4-8", strict=True, temperature=0)


@pytest.mark.parametrize(
    ("model", "generate", "said"),
    [
        ("claude-haiku-4-5", {"temperature": 1.5}, "generate.temperature: the Messages API goes to 1 (got 1.5)"),
        ("claude-haiku-4-5", {"temperature": 0, "top_p": 0.5}, "generate.top_p: the Messages API takes temperature or"),
        (
            "claude-haiku-4-5",
            {"reasoning_effort": "xhigh"},
            "generate.reasoning_effort: claude-haiku-4-5 accepts none, low, medium or high (got 'xhigh')",
        ),
        ("claude-opus-5-5", {"reasoning_effort": "none"}, "generate.reasoning_effort: claude-opus-5-5 accepts low"),
    ],
)
def test_what_every_line_would_be_refused_for_is_refused_at_once(
    model: str, generate: dict[str, Any], said: str
) -> None:
    assert refusals(model, **generate)[0].startswith(said)


def test_a_schema_goes_out_in_the_subset_and_what_it_cannot_say_in_words() -> None:
    sent, rules = dialects.fit("t", SCHEMA, "anthropic")
    assert sent is not None
    properties = sent.schema["properties"]
    assert properties["label"] == {"type": "string", "enum": ["a", "b"]}
    assert properties["share"] == {"type": "number", "description": "How sure. (maximum: 1, minimum: 0)"}
    assert properties["day"] == {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
    assert properties["tags"] == {"type": "array", "items": {"type": "string"}, "description": "(maxItems: 3)"}
    assert sent.schema["additionalProperties"] is False
    assert sent.schema["required"] == ["label"]
    assert not sent.strict
    [rule] = rules
    assert "told in the description and not enforced: maximum at /properties/share" in rule.note
    assert "further properties excluded at /" in rule.note


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "object", "additionalProperties": {"type": "string"}}, "free names at /"),
        ({"type": "array", "items": {"type": "string"}}, "a root that is not an object"),
        ({"type": "object", "properties": {"a": {"not": {}}}}, "not at /properties/a"),
        ({"type": "object", "properties": {"a": True}}, "any value at /properties/a"),
        ({"type": "object", "properties": {"a": {"$ref": "http://x/y"}}}, "$ref http://x/y at /properties/a"),
        ({"type": "object", "properties": {}, "required": ["a"]}, "required a, which is no property, at /"),
        (
            {
                "type": "object",
                "properties": {"a": {"oneOf": [{"type": "number"}, {"type": "integer"}]}},
            },
            "oneOf of alternatives that overlap at /properties/a",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/n", "required": ["m"]}},
                "$defs": {"n": {"type": "object", "properties": {"m": {"type": "string"}}}},
            },
            "required beside $ref at /properties/a",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"allOf": [{"type": "string"}], "enum": ["x"]}},
            },
            "enum beside allOf at /properties/a",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/n"}},
                "$defs": {"n": {"properties": {"m": {"$ref": "#/$defs/n"}}}},
            },
            "recursion at /$defs/n",
        ),
    ],
)
def test_a_schema_that_cannot_be_enforced_stands_in_the_prompt(schema: dict[str, Any], why: str) -> None:
    found = applied("claude-haiku-4-5", schema)
    assert (found.output, found.schema) == ("text", None)
    assert found.suffix is not None
    assert "JSON Schema" in found.suffix
    assert any(why in rule.note for rule in found.rules)
    with pytest.raises(ConfigError, match="require cannot hold"):
        capabilities.apply(
            settings("claude-haiku-4-5", task={"schema": "s.json", "structured_output": "require"}), schema
        )


def test_definitions_are_kept_and_stay_a_valid_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/definitions/x"}, "b": {"oneOf": [{"type": "string"}, {"type": "integer"}]}},
        "required": ["a"],
        "additionalProperties": False,
        "definitions": {"x": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
    }
    sent, _ = dialects.fit("t", schema, "anthropic")
    assert sent is not None
    valid = jsonschema_rs.validator_for(dict(sent.schema))
    assert valid.is_valid({"a": {"n": 1}, "b": "x"})
    assert not valid.is_valid({"a": {"n": "1"}})
    assert not valid.is_valid({"a": {"n": 1}, "c": 1})


def test_an_effort_is_a_budget_of_thought_where_the_model_takes_no_effort() -> None:
    found = applied("claude-haiku-4-5", reasoning_effort="medium", max_tokens=10_000, temperature=0.5)
    assert found.parameters == {"max_tokens": 10_000, "thinking": {"type": "enabled", "budget_tokens": 8192}}
    assert [rule.subject for rule in found.rules if rule.asked] == ["temperature"]
    calm = applied("claude-haiku-4-5", reasoning_effort="none", temperature=0.5)
    assert calm.parameters == {"temperature": 0.5, "max_tokens": 4096}


def test_a_budget_that_leaves_no_room_for_the_answer_is_refused() -> None:
    assert refusals("claude-haiku-4-5", reasoning_effort="medium") == [
        "generate.reasoning_effort: 'medium' is up to 8,192 tokens of thought, which count against max_tokens "
        "(got 4,096); raise generate.max_tokens"
    ]
