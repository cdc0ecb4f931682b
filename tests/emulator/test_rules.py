"""What each family of models refuses, and in which words."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import OpenAI

from harness.emulator import models
from harness.emulator.rules import check

from .conftest import body

MODELS = models.load(extra=["my-own-model"])
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
SYSTEM = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]

FINE = [
    ("gpt-4o-mini", {"temperature": 0}),
    ("gpt-4o-mini", {"temperature": 0.5, "max_tokens": 5, "stop": ["a"], "logprobs": True, "top_logprobs": 20}),
    ("gpt-4o-mini", {"messages": SYSTEM}),
    ("gpt-4o-mini", {"temperature": None, "n": None}),
    ("o3-mini", {"temperature": 1, "top_p": 1, "reasoning_effort": "high", "messages": SYSTEM}),
    ("gpt-5.1", {"temperature": 0}),
    ("gpt-5.5", {"temperature": 0, "reasoning_effort": "none"}),
    ("gpt-5.5", {"tools": [TOOL]}),
    ("gpt-5.6-terra", {"tools": [TOOL], "reasoning_effort": "none"}),
    ("gpt-6-luna", {"verbosity": "low", "max_completion_tokens": 1}),
    ("ft:gpt-4o-mini-2024-07-18:me::abc", {"temperature": 0.5}),
    ("my-own-model", {"temperature": 0.5, "anything": 1, "reasoning_effort": "low", "max_tokens": 5}),
    ("gpt-3.5-turbo", {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "JSON!"}]}),
]

REFUSED: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    (
        "o3-mini",
        {"temperature": 0.5},
        "Unsupported value: 'temperature' does not support 0.5 with this model. "
        "Only the default (1) value is supported.",
        "temperature",
        "unsupported_value",
    ),
    (
        "o1-mini",
        {"messages": SYSTEM},
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "messages[0].role",
        "unsupported_value",
    ),
    (
        "gpt-4o-mini",
        {"reasoning_effort": "low"},
        "Unrecognized request argument supplied: reasoning_effort",
        None,
        None,
    ),
    ("gpt-5-mini", {"temperature": 0}, "'temperature' does not support 0 with", "temperature", "unsupported_value"),
    (
        "gpt-5-mini",
        {"reasoning_effort": "none"},
        "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
        "Supported values are: 'minimal', 'low', 'medium', and 'high'.",
        "reasoning_effort",
        "unsupported_value",
    ),
    ("gpt-5.1", {"temperature": 0, "reasoning_effort": "low"}, "'temperature'", "temperature", "unsupported_value"),
    ("gpt-5.5", {"temperature": 0}, "'temperature'", "temperature", "unsupported_value"),
    (
        "gpt-6-luna",
        {"reasoning_effort": "minimal"},
        "does not support 'minimal'",
        "reasoning_effort",
        "unsupported_value",
    ),
    (
        "gpt-6-luna",
        {"reasoning_effort": "max"},
        "'medium', 'high', and 'xhigh'.",
        "reasoning_effort",
        "unsupported_value",
    ),
    ("gpt-6-astra", {"reasoning_effort": "none"}, "does not support 'none'", "reasoning_effort", "unsupported_value"),
    (
        "gpt-5.6-terra",
        {"tools": [TOOL], "reasoning_effort": "medium"},
        "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions.",
        "reasoning_effort",
        None,
    ),
    (
        "o3-mini",
        {"max_tokens": 5},
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
        "unsupported_parameter",
    ),
    ("o3-mini", {"top_p": 0.5}, "'top_p' is not supported with this model.", "top_p", "unsupported_parameter"),
    ("o3-mini", {"presence_penalty": 1}, "'presence_penalty' is not", "presence_penalty", "unsupported_parameter"),
    ("o3-mini", {"logprobs": True}, "'logprobs' is not supported", "logprobs", "unsupported_parameter"),
    ("o4-mini", {"stop": "x"}, "'stop' is not supported", "stop", "unsupported_parameter"),
    ("o1-mini", {"reasoning_effort": "low"}, "'reasoning_effort' is not", "reasoning_effort", "unsupported_parameter"),
    ("o1-mini", {"tools": [TOOL]}, "'tools' is not supported", "tools", "unsupported_parameter"),
    ("gpt-5.6-sol", {"n": 9}, "Expected a value <= 8, but got 9 instead.", "n", "integer_above_max_value"),
    ("gpt-4o", {"n": 0}, "Invalid 'n': integer below minimum value. Expected", "n", "integer_below_min_value"),
    ("gpt-4o", {"n": "2"}, "Invalid type for 'n': expected an integer, but got a string instead.", "n", "invalid_type"),
    ("gpt-4o", {"temperature": "hot"}, "expected a decimal number, but got a string", "temperature", "invalid_type"),
    ("gpt-4o", {"temperature": 2.5}, "decimal above maximum value.", "temperature", "decimal_above_max_value"),
    (
        "gpt-4o",
        {"temperature": -1},
        "below minimum value. Expected a value >= 0",
        "temperature",
        "decimal_below_min_value",
    ),
    ("gpt-4o", {"foo": 1}, "Unrecognized request argument supplied: foo", None, None),
    ("gpt-4o", {"verbosity": "low"}, "Unrecognized request argument supplied: verbosity", None, None),
    (
        "gpt-6-luna",
        {"temperatur": 1},
        "Unknown parameter: 'temperatur'. Did you mean 'temperature'?",
        "temperatur",
        "unknown_parameter",
    ),
    ("gpt-6-luna", {"quux": 1}, "Unknown parameter: 'quux'.", "quux", "unknown_parameter"),
    ("gpt-6-luna", {"modalities": ["text"]}, "Unknown parameter: 'modalities'.", "modalities", "unknown_parameter"),
    (
        "gpt-6-luna",
        {"verbosity": "loud"},
        "Invalid value: 'loud'. Supported values are: 'low', 'medium', and 'high'.",
        "verbosity",
        "invalid_value",
    ),
    ("gpt-6-luna", {"reasoning_effort": "bogus"}, "Invalid value: 'bogus'.", "reasoning_effort", "invalid_value"),
    (
        "gpt-4o",
        {"max_tokens": 1, "max_completion_tokens": 1},
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        "max_tokens",
        None,
    ),
    ("gpt-4o", {"top_logprobs": 2}, "only allowed when 'logprobs' is enabled.", "top_logprobs", None),
    (
        "gpt-5.6-luna",
        {"logprobs": True, "top_logprobs": 6, "reasoning_effort": "none"},
        "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        "top_logprobs",
        None,
    ),
    (
        "gpt-4o",
        {"stop": list("abcde")},
        "maximum length 4, but got an array with length 5",
        "stop",
        "array_above_max_length",
    ),
    ("gpt-4o", {"messages": None}, "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"),
    ("gpt-4o", {"messages": []}, "Invalid 'messages': empty array.", "messages", "empty_array"),
    ("gpt-4o", {"messages": "hi"}, "Invalid type for 'messages'", "messages", "invalid_type"),
    (
        "gpt-4o",
        {"messages": [{"role": "user", "content": None}]},
        "Invalid value for 'content': expected a string, got null.",
        "messages.[0].content",
        None,
    ),
    (
        "gpt-4o",
        {"messages": [{"role": "boss", "content": "x"}]},
        "'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
        "messages[0].role",
        "invalid_value",
    ),
    (
        "gpt-4o",
        {"response_format": {"type": "json_object"}},
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        "messages",
        None,
    ),
    (
        "gpt-4o",
        {"response_format": {"type": "xml"}},
        "Supported values are: 'json_object', 'json_schema', and 'text'.",
        "response_format.type",
        "invalid_value",
    ),
    (
        "gpt-4o",
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        "Missing required parameter: 'response_format.json_schema.name'.",
        "response_format.json_schema.name",
        "missing_required_parameter",
    ),
    (
        "gpt-4-turbo",
        {"response_format": SCHEMA},
        "'response_format' of type 'json_schema' is not",
        "response_format",
        None,
    ),
    ("gpt-4o-2024-05-13", {"response_format": SCHEMA}, "is not supported with this model.", "response_format", None),
    ("o1-mini", {"response_format": {"type": "json_object"}}, "of type 'json_object' is not", "response_format", None),
    (
        "gpt-4o",
        {"response_format": {"type": "json_schema", "json_schema": {**SCHEMA["json_schema"], "strict": True}}},  # type: ignore[dict-item]
        "Invalid schema for response_format 'x': In context=(), "
        "'additionalProperties' is required to be supplied and to be false.",
        "response_format",
        "invalid_json_schema",
    ),
    ("gpt-4o-search-preview", {"seed": 1}, "Model incompatible request argument supplied: seed", None, None),
    ("gpt-4", {"messages": [{"role": "user", "content": "x" * 40_000}]}, "8192", "messages", "context_length_exceeded"),
    ("gpt-4o", {"metadata": {"k": "v" * 600}}, "string with length 600", "metadata.k", "string_above_max_length"),
    ("gpt-4o", {"service_tier": "flex"}, "Invalid value: 'flex'.", "service_tier", "invalid_value"),
]


@pytest.mark.parametrize(("model", "more"), FINE)
def test_a_request_within_the_rules_passes(model: str, more: dict[str, Any]) -> None:
    assert check(body(model=model) | more, MODELS) is None


@pytest.mark.parametrize(("model", "more", "message", "param", "code"), REFUSED)
def test_a_request_against_the_rules_is_refused_in_the_words_of_the_api(
    model: str, more: dict[str, Any], message: str, param: str | None, code: str | None
) -> None:
    problem = check(body(model=model) | more, MODELS)
    assert problem is not None
    assert message in problem.message
    assert (problem.param, problem.code, problem.status) == (param, code, 400)


@pytest.mark.parametrize("name", MODELS.names())
def test_every_model_of_the_table_has_a_family(name: str) -> None:
    facts = MODELS.find(name)
    assert facts is not None
    assert sum(facts.rates) == pytest.approx(1)


@pytest.mark.parametrize("model", [None, ""])
def test_a_model_has_to_be_named(model: str | None) -> None:
    problem = check({"model": model, "messages": []}, MODELS)
    assert problem is not None
    assert (problem.message, problem.param, problem.code) == ("you must provide a model parameter", None, None)


def test_only_the_first_problem_is_reported() -> None:
    both = body(model="o3-mini", temperature=0.5, max_tokens=5, foo=1)
    unknown_first = check(both, MODELS)
    assert unknown_first is not None
    assert unknown_first.param == "foo"
    del both["foo"]
    field_before_value = check(both, MODELS)
    assert field_before_value is not None
    assert field_before_value.param == "max_tokens"


def test_the_service_answers_400_with_the_same_words(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**body(model="o3-mini", temperature=0.5))
    assert (caught.value.code, caught.value.param) == ("unsupported_value", "temperature")
    assert caught.value.type == "invalid_request_error"


def test_an_unknown_model_is_404_and_so_is_one_of_another_endpoint(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(**body(model="gpt-99"))
    assert caught.value.code == "model_not_found"
    assert "The model `gpt-99` does not exist or you do not have access to it." in caught.value.message
    with pytest.raises(openai.NotFoundError, match="This is not a chat model"):
        client.chat.completions.create(**body(model="o1-pro"))
