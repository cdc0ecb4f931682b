"""Capability rules: what each model is sent of what was asked for, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import ConfigError
from harness.prepare import capabilities
from harness.types import Message
from tests.build import settings

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
SYSTEM, USER = Message("system", "Be brief."), Message("user", "Why?")

# What the API says of the unmodified request, and therefore what we do: send it, drop the parameter with a warning
# (refuse it under strict), or refuse always.
VECTORS = [
    ("gpt-4o-mini", {"temperature": 0}, "send"),
    ("gpt-4o-mini", {"reasoning_effort": "low"}, "refuse"),
    ("gpt-5-mini", {"temperature": 0}, "drop"),
    ("gpt-5-mini", {"reasoning_effort": "none"}, "refuse"),
    ("gpt-5.1", {"temperature": 0}, "send"),
    ("gpt-5.1", {"temperature": 0, "reasoning_effort": "low"}, "drop"),
    ("gpt-5.5", {"temperature": 0}, "drop"),
    ("gpt-5.5", {"temperature": 0, "reasoning_effort": "none"}, "send"),
    ("gpt-6-luna", {"reasoning_effort": "minimal"}, "refuse"),
    ("gpt-6-luna", {"reasoning_effort": "max"}, "refuse"),
    ("gpt-6-astra", {"reasoning_effort": "none"}, "refuse"),
    ("gpt-4o-mini", {"stream": True}, "refuse"),
    ("gpt-6-luna", {"stream": True}, "refuse"),
    # further rows of the families
    ("o3-mini", {"temperature": 0.5}, "drop"),
    ("o3-mini", {"temperature": 1}, "leave out"),
    ("o3-mini", {"reasoning_effort": "high"}, "send"),
    ("o3-mini", {"reasoning_effort": "xhigh"}, "refuse"),
    ("o4-mini", {"stop": ["x"]}, "drop"),
    ("gpt-4o-mini", {"stop": ["x"]}, "send"),
    ("gpt-5.1", {"reasoning_effort": "none", "top_p": 0.5}, "send"),
    ("gpt-5.6-terra", {"verbosity": "low"}, "send"),
    ("gpt-4o-mini", {"verbosity": "low"}, "drop"),
    ("gpt-6-astra", {"presence_penalty": 1}, "drop"),
    ("o1-mini", {"reasoning_effort": "low"}, "refuse"),
    ("gpt-4o-mini", {"top_logprobs": 3}, "refuse"),
    ("gpt-4o-mini", {"logprobs": True, "top_logprobs": 3}, "send"),
]


def name_of(asked: dict[str, Any]) -> str:
    return next(iter(asked))


@pytest.mark.parametrize(("model", "asked", "verdict"), VECTORS)
def test_what_is_asked_of_a_model_is_sent_dropped_or_refused(model: str, asked: dict[str, Any], verdict: str) -> None:
    if verdict == "refuse":
        with pytest.raises(ConfigError, match=r"generate\."):
            capabilities.apply(settings(model, generate=asked), None)
        return
    fixed = capabilities.apply(settings(model, generate=asked), None)
    sent = {key: value for key, value in asked.items() if key in fixed.parameters}
    if verdict == "send":
        assert sent == asked
        return
    assert name_of(asked) not in sent
    warnings = [rule for rule in fixed.rules if rule.name == "drop" and rule.asked]
    assert [rule.subject for rule in warnings] == ([name_of(asked)] if verdict == "drop" else [])


@pytest.mark.parametrize(("model", "asked", "verdict"), [vector for vector in VECTORS if vector[2] == "drop"])
def test_strict_refuses_what_would_be_dropped(model: str, asked: dict[str, Any], verdict: str) -> None:
    with pytest.raises(ConfigError, match=rf"generate\.{name_of(asked)}: .*strict=false"):
        capabilities.apply(settings(model, generate=asked, strict=True), None)


@pytest.mark.parametrize("model", ["o3-mini", "o1-mini", "gpt-5-mini", "gpt-6-astra"])
def test_a_family_default_that_does_not_fit_is_no_warning_and_passes_strict(model: str) -> None:
    facts = {"capabilities": {"generate": {"temperature": 0.5}}}
    fixed = capabilities.apply(settings(model, model=facts, strict=True), None)
    assert "temperature" not in fixed.parameters
    assert not any(rule.asked for rule in fixed.rules)


def test_a_standard_model_gets_its_family_default_and_the_later_wish_wins() -> None:
    assert capabilities.apply(settings("gpt-4o-mini"), None).parameters == {"temperature": 0.5}
    wishes = {"task": {"generate": {"temperature": 0.1}}, "model": {"generate": {"temperature": 0.2}}}
    assert capabilities.apply(settings("gpt-4o-mini", **wishes), None).parameters == {"temperature": 0.2}
    top = capabilities.apply(settings("gpt-4o-mini", **wishes, generate={"temperature": 0.3}), None)
    assert top.parameters == {"temperature": 0.3}


@pytest.mark.parametrize(
    ("model", "key"),
    [("gpt-4o-mini", "max_tokens"), ("o3-mini", "max_completion_tokens"), ("gpt-5.1", "max_completion_tokens")],
)
def test_the_cap_has_the_name_that_the_model_wants(model: str, key: str) -> None:
    fixed = capabilities.apply(settings(model, generate={"max_tokens": 9}), None)
    assert fixed.parameters[key] == 9
    assert {"max_tokens", "max_completion_tokens"} & set(fixed.parameters) == {key}


def test_o1_mini_gets_one_user_message_and_the_schema_in_it() -> None:
    fixed = capabilities.apply(settings("o1-mini", task={"schema": "s.json"}), SCHEMA)
    (turn,) = capabilities.turns((SYSTEM, USER), fixed)
    assert turn.role == "user"
    assert turn.content.startswith("Be brief.\n\nWhy?\n\n")
    assert '"required": ["a"]' in turn.content
    assert (fixed.output, fixed.schema) == ("text", None)


def test_o1_mini_without_a_schema_gets_exactly_system_and_user() -> None:
    fixed = capabilities.apply(settings("o1-mini"), None)
    assert capabilities.turns((SYSTEM, USER), fixed) == (Message("user", "Be brief.\n\nWhy?"),)


def test_few_shot_turns_keep_their_order_when_system_text_is_folded() -> None:
    fixed = capabilities.apply(settings("o1-mini"), None)
    shots = (SYSTEM, Message("user", "one"), Message("assistant", "1"), Message("user", "two"))
    folded = capabilities.turns(shots, fixed)
    assert [(turn.role, turn.content) for turn in folded] == [
        ("user", "Be brief.\n\none"),
        ("assistant", "1"),
        ("user", "two"),
    ]


def test_messages_of_a_model_that_takes_all_are_untouched() -> None:
    fixed = capabilities.apply(settings("gpt-4o-mini", task={"schema": "s.json"}), SCHEMA)
    assert capabilities.turns((SYSTEM, USER), fixed) == (SYSTEM, USER)
    assert fixed.schema is not None
    assert fixed.schema.strict


def test_json_mode_has_the_schema_and_the_word_json_in_the_prompt() -> None:
    fixed = capabilities.apply(settings("gpt-4-turbo", task={"schema": "s.json"}), SCHEMA)
    assert fixed.output == "json_object"
    assert "JSON" in capabilities.turns((USER,), fixed)[0].content


def test_structured_output_can_be_required_or_left_to_the_judge() -> None:
    never = {"schema": "s.json", "structured_output": "never"}
    assert capabilities.apply(settings("gpt-4o-mini", task=never), SCHEMA).output == "text"
    require = {"schema": "s.json", "structured_output": "require"}
    with pytest.raises(ConfigError, match=r"task\.structured_output: o1-mini"):
        capabilities.apply(settings("o1-mini", task=require), SCHEMA)


def test_a_model_without_facts_is_sent_everything_with_a_warning() -> None:
    asked = {"temperature": 0, "max_tokens": 5, "reasoning_effort": "low", "extra": {"top_k": 3}}
    fixed = capabilities.apply(settings("custom", model={"id": "x"}, generate=asked), None)
    assert fixed.parameters == {"temperature": 0, "max_tokens": 5, "reasoning_effort": "low", "top_k": 3}
    assert [(rule.name, rule.asked) for rule in fixed.rules] == [("no_facts", True)]


def test_extra_may_not_replace_what_is_ours() -> None:
    with pytest.raises(ConfigError, match=r"generate\.extra\.model"):
        capabilities.apply(settings("gpt-4o-mini", generate={"extra": {"model": "y"}}), None)


def test_all_refusals_come_at_once() -> None:
    asked = {"reasoning_effort": "low", "stream": True, "top_logprobs": 3}
    with pytest.raises(ConfigError) as caught:
        capabilities.apply(settings("gpt-4o-mini", generate=asked), None)
    assert len(caught.value.problems) == 3
