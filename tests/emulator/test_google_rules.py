"""What Gemini models refuse, as tables: request, model, the words of the refusal."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator import google_models
from harness.emulator.google_contents import Contents, body_of
from harness.emulator.google_rules import effort
from harness.emulator.google_schema import JSON, OPEN, plain, violation
from tests.emulator.gemini import FLASH, OLD_FLASH, request

MODELS = google_models.load()
PRO, LITE, OLDER = "gemini-2.5-pro", "gemini-2.5-flash-lite", "gemini-3-flash-preview"


def found(asked: dict[str, Any], model: str = FLASH, version: str = "v1") -> str:
    """Find the words of the first problem; nothing when there is none."""
    problem = Contents(version).check(body_of(asked, model), MODELS)
    return "" if problem is None else problem.message


@pytest.mark.parametrize(
    ("model", "thinking", "words"),
    [
        (FLASH, {"thinkingLevel": "low"}, ""),
        (FLASH, {"thinking_level": "HIGH"}, ""),
        (FLASH, {"thinkingLevel": "MINIMAL"}, "Thinking level MINIMAL is not supported for this model."),
        (FLASH, {"thinkingLevel": "XHIGH"}, "Thinking level XHIGH is not supported"),
        (FLASH, {"thinkingLevel": "deep"}, "Invalid value at 'generation_config.thinking_config.thinking_level'"),
        (FLASH, {"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, ""),
        (FLASH, {"thinkingBudget": 0}, "Thinking budget is not supported for this model."),
        (FLASH, {"thinkingBudget": -1}, "Thinking budget is not supported for this model."),
        (OLDER, {"thinkingLevel": "minimal"}, ""),
        (OLDER, {"thinkingBudget": 0}, "Budget 0 is invalid."),
        (OLD_FLASH, {"thinkingBudget": 0}, ""),
        (OLD_FLASH, {"thinking_budget": -1}, ""),
        (OLD_FLASH, {"thinkingBudget": 24_577}, "Please choose a value between 1 and 24576."),
        (OLD_FLASH, {"thinkingLevel": "LOW"}, "Thinking level is not supported for this model."),
        (OLD_FLASH, {"thinkingLevel": "LOW", "thinkingBudget": 1}, "only one of thinking budget and thinking level"),
        (PRO, {"thinkingBudget": 0}, "This model only works in thinking mode."),
        (PRO, {"thinkingBudget": 127}, "The thinking budget 127 is invalid."),
        (PRO, {"thinkingBudget": 32_768}, ""),
        (LITE, {"thinkingBudget": 511}, "Please choose a value between 512 and 24576."),
        (LITE, {"thinkingBudget": 1.5}, "TYPE_INT32"),
        (LITE, {"thinkingBudgets": 1}, "Unknown name \"thinking_budgets\" at 'generation_config.thinking_config'"),
    ],
)
def test_thinking_is_asked_for_in_the_way_of_the_model(model: str, thinking: dict[str, Any], words: str) -> None:
    said = found(request(thinkingConfig=thinking), model)
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("model", "thinking", "depth"),
    [
        (FLASH, None, "medium"),
        (FLASH, {"thinkingLevel": "HIGH"}, "high"),
        (OLDER, None, "high"),
        (OLDER, {"thinkingBudget": 200}, "low"),
        (OLD_FLASH, None, "medium"),
        (OLD_FLASH, {"thinkingBudget": 0}, None),
        (OLD_FLASH, {"thinkingBudget": 8000}, "medium"),
        (OLD_FLASH, {"thinkingBudget": 20_000}, "high"),
        (LITE, None, None),
        (LITE, {"thinkingBudget": -1}, "medium"),
    ],
)
def test_a_model_thinks_as_much_as_asked(model: str, thinking: dict[str, Any] | None, depth: str | None) -> None:
    family = MODELS.find(model)
    assert family is not None
    assert effort(body_of(request(thinkingConfig=thinking) if thinking else request(), model), family) == depth


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"temperature": 0, "topP": 1, "topK": 3, "seed": 4, "stopSequences": ["a"] * 5}, ""),
        ({"temperature": 2.1}, "a temperature value of 2.1 but the supported range is from 0 (inclusive) to 2"),
        ({"top_p": -0.1}, "a topP value of -0.1"),
        ({"temperature": True}, "(TYPE_FLOAT), true"),
        ({"maxOutputTokens": 65_536}, ""),
        ({"maxOutputTokens": 65_537}, "a maxOutputTokens value of 65537 but the supported range is from 1 (inclusive)"),
        ({"maxOutputTokens": 0}, "a maxOutputTokens value of 0"),
        ({"max_output_tokens": 7.0}, ""),
        ({"candidateCount": 9}, "a candidateCount value of 9"),
        ({"stopSequences": ["a"] * 6}, "at most 5 stop sequences"),
        ({"stopSequences": "a"}, "expected a list"),
        ({"logprobs": 2}, "response_logprobs"),
        ({"logprobs": 2, "responseLogprobs": True}, ""),
        ({"temperature": None}, ""),
        ({"max_tokens": 5}, "Unknown name \"max_tokens\" at 'generation_config': Cannot find field."),
        ({"responseMimeType": "text/html"}, "allowed mimetypes are"),
        ({"responseMimeType": "application/json"}, ""),
        ({"responseSchema": {"type": "STRING"}}, "only allowed when the response mime type is"),
        ({"responseMimeType": "text/x.enum"}, "required for the response mime type"),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}, "responseJsonSchema": {}},
            "only one of response_schema and response_json_schema",
        ),
    ],
)
def test_a_config_is_checked_field_by_field(config: dict[str, Any], words: str) -> None:
    said = found(request(**config))
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "contents is not specified"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"parts": [{"text": "x"}]}]}, ""),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "Please use a valid role: user, model."),
        ({"contents": [{"role": "user", "parts": []}]}, "contents.parts must not be empty"),
        ({"contents": [{"role": "user", "parts": [{}]}]}, "contents[0].parts[0].data: required oneof field 'data'"),
        ({"contents": [{"role": "user", "content": "x"}]}, "Unknown name \"content\" at 'contents[0]'"),
        ({"messages": []}, 'Unknown name "messages": Cannot find field.'),
        ({"contents": [{"role": "model", "parts": [{"text": "x"}]}]}, ""),
        (request() | {"system_instruction": {"role": "any", "parts": [{"text": "x"}]}}, ""),
        (request() | {"systemInstruction": {"parts": [{}]}}, "system_instruction.parts[0].data"),
        (request() | {"tools": [{"functionDeclarations": [{}]}]}, "Invalid function name"),
        (request() | {"labels": {"Any_Name": "x"}, "safety_settings": []}, ""),
        (request("x" * 4_300_000), "exceeds the maximum number of tokens allowed (1048576)"),
    ],
)
def test_contents_are_checked(asked: dict[str, Any], words: str) -> None:
    said = found(asked)
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "property_ordering": ["a"]}, ""),
        ({"type": "object", "properties": {"a": {"type": "integer", "nullable": True}}, "required": ["a"]}, ""),
        ({"type": "OBJECT"}, "properties: should be non-empty for OBJECT type"),
        ({"type": "ARRAY"}, "items: missing field."),
        ({"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"}, ""),
        ({"type": ["string", "null"]}, "Proto field is not repeating, cannot start list."),
        ({"type": "TEXT"}, '"TEXT"'),
        ({}, "type: must be specified"),
        ({"anyOf": [{"type": "STRING"}, {"type": "NULL"}]}, ""),
        ({"anyOf": [{"type": "STRING"}, {}]}, "any_of[1].type: must be specified"),
        ({"type": "INTEGER", "enum": ["1"]}, "enum: only allowed for STRING type"),
        ({"type": "STRING", "enum": [1]}, "(TYPE_STRING), 1"),
        (
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["b"]},
            "required[0]: property is not",
        ),
        (
            {"type": "OBJECT", "properties": {"a": {"type": "STRING", "additionalProperties": False}}},
            "Unknown name \"additionalProperties\" at 'generation_config.response_schema.properties[a]'",
        ),
        ({"$ref": "#/$defs/a"}, 'Unknown name "$ref"'),
        ("STRING", "expected an object"),
    ],
)
def test_a_schema_in_the_words_of_openapi(schema: Any, words: str) -> None:
    problem = violation(schema, OPEN, "generation_config.response_schema")
    assert words in ("" if problem is None else problem.message)
    assert (problem is None) == (words == "")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": ["string", "null"], "const": 1, "additionalProperties": False, "unknown": 1}, ""),
        ({"$defs": {"a": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a"}}}, ""),
        ({"properties": {"x": {"$ref": "#"}}}, ""),
        ({"$defs": {"a": {}}, "items": {"$ref": "#/$defs/a", "title": "t"}}, "may only have other keys that begin"),
        ({"anyOf": [{"$ref": "#/$defs/b"}]}, "reference to unknown schema '#/$defs/b'"),
        ({"prefixItems": [{"$ref": "https://example.com/s"}]}, "reference to unknown schema"),
        ({"properties": {"x": 3}}, "a schema is an object or a boolean"),
        ({"properties": 3}, "it is not a schema"),
    ],
)
def test_a_schema_in_the_words_of_json_schema(schema: Any, words: str) -> None:
    problem = violation(schema, JSON, "generation_config.response_json_schema")
    assert words in ("" if problem is None else problem.message)
    assert (problem is None) == (words == "")


def test_openapi_becomes_json_schema() -> None:
    spelled = {
        "type": "OBJECT",
        "properties": {
            "b": {"type": "STRING", "enum": ["x"], "nullable": True},
            "max_items": {"type": "ARRAY", "items": {"anyOf": [{"type": "NUMBER"}]}, "max_items": "3"},
        },
        "propertyOrdering": ["max_items"],
        "required": ["b"],
    }
    made = plain(spelled)
    assert made == {
        "type": "object",
        "properties": {
            "b": {"type": ["string", "null"], "enum": ["x", None]},
            "max_items": {"type": "array", "items": {"anyOf": [{"type": "number"}]}, "maxItems": 3},
        },
        "required": ["b"],
    }
    assert list(made["properties"]) == ["max_items", "b"]


def test_every_model_answers_with_one_that_is_served() -> None:
    for name in MODELS.names():
        assert MODELS.find(name) is not None
        assert MODELS.snapshot(name) in MODELS.names()
        assert found(request(), name, "v1beta") == ""
    assert found(request(), "publishers/google/models/" + FLASH) == ""
    assert {name for name in MODELS.names() if found(request(), name)} == set(google_models.beta())
