"""The Responses API: its names, what it lacks, and the models that speak nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import ConfigError
from harness.prepare import capabilities
from harness.settings import Settings
from harness.types import Fixed
from tests.build import settings

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def applied(model: str, schema: dict[str, Any] | None = None, **generate: Any) -> Fixed:
    task = {"schema": "s.json" if schema else None}
    return capabilities.apply(settings(model, model={"api": "responses"}, generate=generate, task=task), schema)


def refusals(model: str, **generate: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        applied(model, **generate)
    return list(caught.value.problems)


def test_parameters_stand_where_the_responses_api_has_them() -> None:
    asked = {"max_tokens": 400, "reasoning_effort": "high", "verbosity": "low"}
    assert applied("gpt-5.4", SCHEMA, **asked).parameters == {
        "max_output_tokens": 400,
        "store": False,
        "reasoning": {"effort": "high"},
        "text": {"verbosity": "low"},
    }


def test_without_reasoning_sampling_is_sent_and_log_probabilities_are_included() -> None:
    found = applied("gpt-5.4", temperature=0, top_p=0.5, logprobs=True, top_logprobs=2).parameters
    assert found == {
        "temperature": 0,
        "top_p": 0.5,
        "top_logprobs": 2,
        "store": False,
        "include": ["message.output_text.logprobs"],
    }
    assert applied("gpt-4o-mini", temperature=0, logprobs=False).parameters == {"temperature": 0, "store": False}


def test_what_the_api_lacks_is_dropped_with_a_warning_where_it_was_asked_for() -> None:
    found = applied("gpt-4o-mini", seed=1, stop=["x"], presence_penalty=1, logit_bias={"1": 1})
    dropped = {rule.subject: rule for rule in found.rules if rule.name == "drop"}
    assert dropped.keys() == {"seed", "stop", "presence_penalty", "logit_bias"}
    assert all(rule.asked and "the Responses API has no such parameter" in rule.note for rule in dropped.values())
    assert found.parameters.keys() == {"temperature", "store"}
    strict = settings("gpt-4o-mini", model={"api": "responses"}, generate={"seed": 1}, strict=True)
    with pytest.raises(ConfigError, match=r"generate\.seed: the Responses API has no such parameter \(got 1\)"):
        capabilities.apply(strict, None)


def test_a_cap_below_its_least_is_refused() -> None:
    assert refusals("gpt-5.4", max_tokens=15) == [
        "generate.max_tokens: the Responses API wants at least 16 (got 15); raise it"
    ]
    assert applied("gpt-5.4", max_tokens=16).parameters["max_output_tokens"] == 16


def test_an_effort_of_this_api_alone_is_refused_on_chat_with_the_way_out() -> None:
    assert applied("gpt-6-luna", reasoning_effort="max").parameters["reasoning"] == {"effort": "max"}
    with pytest.raises(ConfigError) as caught:
        capabilities.apply(settings("gpt-6-luna", generate={"reasoning_effort": "max"}), None)
    assert caught.value.problems == (
        "generate.reasoning_effort: gpt-6-luna accepts 'max' over the Responses API only; set model.api=responses",
    )
    assert refusals("gpt-6-luna", reasoning_effort="minimal") == [
        "generate.reasoning_effort: gpt-6-luna accepts none, low, medium, high, xhigh or max (got 'minimal'); "
        "set one of them"
    ]


@pytest.mark.parametrize(
    ("model", "effort"), [("gpt-5-pro", "medium"), ("gpt-5.4-pro", "low"), ("o3-pro", "xhigh"), ("o3-pro", "none")]
)
def test_a_pro_model_refuses_the_efforts_that_it_does_not_know(model: str, effort: str) -> None:
    assert "reasoning_effort: " + model in refusals(model, reasoning_effort=effort)[0]


@pytest.mark.parametrize("model", ["o3-pro", "gpt-5-pro", "gpt-5.4-pro"])
def test_a_pro_model_speaks_this_api_and_refuses_chat(model: str) -> None:
    found = capabilities.apply(settings(model, generate={"temperature": 0}), SCHEMA)
    assert (found.api, found.output) == ("responses", "json_schema")
    assert found.parameters == {"store": False}
    with pytest.raises(ConfigError, match=f"model.api: {model} is known over responses"):
        capabilities.apply(settings(model, model={"api": "chat"}), None)


def test_a_model_without_facts_gets_the_names_of_the_api() -> None:
    plain = settings("custom", model={"id": "mine", "api": "responses"}, generate={"max_tokens": 50, "seed": 1})
    assert capabilities.apply(plain, None).parameters == {"max_output_tokens": 50, "store": False}


def over_responses(extra: dict[str, Any]) -> Settings:
    asked: dict[str, Any] = {"reasoning_effort": "high", "extra": extra}
    return settings("gpt-5.4", model={"api": "responses"}, generate=asked, task={"schema": "s.json"})


@pytest.mark.parametrize("name", ["text", "instructions", "input"])
def test_what_the_harness_writes_is_not_free(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"generate\.extra\.{name}: is set by the harness"):
        capabilities.apply(over_responses({name: {}}), SCHEMA)


def test_an_object_is_filled_by_the_harness_and_the_user_each_with_names_of_its_own() -> None:
    found = capabilities.apply(over_responses({"reasoning": {"summary": "auto"}}), SCHEMA)
    assert found.parameters["reasoning"] == {"effort": "high", "summary": "auto"}
    with pytest.raises(ConfigError, match=r"generate\.extra\.reasoning\.effort: is set by the harness"):
        capabilities.apply(over_responses({"reasoning": {"effort": "low"}}), SCHEMA)
