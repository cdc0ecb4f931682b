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


# A family of another provider: reasoning never blocks sampling, log probabilities are never given.
OTHER = {"efforts": ["low", "medium", "high"], "sampling": "always", "refused": ["logprobs", "top_logprobs"]}


def test_where_reasoning_blocks_nothing_sampling_is_sent() -> None:
    other = settings("o3-mini", model={"capabilities": OTHER}, generate={"temperature": 0, "reasoning_effort": "high"})
    assert capabilities.apply(other, None).parameters == {"temperature": 0, "reasoning_effort": "high"}
    with pytest.raises(ConfigError, match=r"accepts low, medium or high \(got 'none'\)"):
        capabilities.apply(
            settings("o3-mini", model={"capabilities": OTHER}, generate={"reasoning_effort": "none"}), None
        )


def test_alternatives_are_dropped_together_with_the_log_probabilities() -> None:
    asked = {"logprobs": True, "top_logprobs": 2}
    fixed = capabilities.apply(settings("o3-mini", model={"capabilities": OTHER}, generate=asked), None)
    assert dict(fixed.parameters) == {}
    assert [rule.subject for rule in fixed.rules] == ["logprobs", "top_logprobs"]


@pytest.mark.parametrize(
    ("facts", "changes", "line"),
    [
        ({"batchable": False}, {}, "model: gpt-5.1 is not served by the batch API; choose another model"),
        (
            {"apis": ["chat"]},
            {"model": {"api": "responses"}},
            "model.api: gpt-5.1 is known over chat (got 'responses')",
        ),
        ({"generate": {"temprature": 1}}, {}, "model.capabilities.generate.temprature: no such parameter"),
        (
            {"top_logprobs_max": 5},
            {"generate": {"logprobs": True, "top_logprobs": 6}},
            "generate.top_logprobs: gpt-5.1",
        ),
        ({"refused": ["max_tokens"]}, {"task": {"generate": {"max_tokens": 9}}}, "task.generate.max_tokens: gpt-5.1"),
        ({}, {"model": {"generate": {"reasoning_effort": "max"}}}, "model.generate.reasoning_effort: gpt-5.1 accepts"),
        ({}, {"task": {"structured_output": "require"}}, "task.structured_output: require needs task.schema"),
        (
            {},
            {"generate": {"extra": {"n": 2}}},
            "generate.extra.n: is set by the harness (got 2); set task.epochs.count",
        ),
        (
            {},
            {"generate": {"extra": {"top_p": 1}}},
            "generate.extra.top_p: is set by the harness (got 1); set generate.top_p",
        ),
    ],
)
def test_a_refusal_names_the_setting_that_asked(facts: dict[str, Any], changes: dict[str, Any], line: str) -> None:
    changes = changes | {"model": changes.get("model", {}) | {"capabilities": facts}}
    with pytest.raises(ConfigError) as caught:
        capabilities.apply(settings("gpt-5.1", **changes), None)
    (problem,) = caught.value.problems
    assert problem.startswith(line)


def test_an_effort_on_a_model_that_does_not_reason_is_refused_in_these_words() -> None:
    expected = "generate.reasoning_effort: gpt-4o-mini does not reason and refuses an effort (got 'low'); remove it"
    with pytest.raises(ConfigError) as caught:
        capabilities.apply(settings("gpt-4o-mini", generate={"reasoning_effort": "low"}), None)
    assert caught.value.problems == (expected,)


def test_a_dropped_stop_says_who_must_cut_and_dropped_sampling_says_what_allows_it() -> None:
    asked = {"stop": ["END"], "temperature": 0}
    notes = {rule.subject: rule.note for rule in capabilities.apply(settings("gpt-5.5", generate=asked), None).rules}
    assert "cut the answer yourself" in notes["stop"]
    assert "generate.reasoning_effort=none" in notes["temperature"]


def test_a_wish_of_the_model_s_own_yaml_that_does_not_fit_is_no_warning() -> None:
    fixed = capabilities.apply(settings("o3-mini", model={"generate": {"temperature": 0}}, strict=True), None)
    assert [(rule.name, rule.subject, rule.asked) for rule in fixed.rules] == [("drop", "temperature", False)]


def test_what_a_family_never_accepts_is_dropped_even_when_it_does_not_reason() -> None:
    asked = {"reasoning_effort": "none", "logit_bias": {"50": 1}, "logprobs": True, "top_logprobs": 5}
    fixed = capabilities.apply(settings("gpt-5.6-terra", generate=asked), None)
    assert dict(fixed.parameters) == {"reasoning_effort": "none", "logprobs": True, "top_logprobs": 5}


def test_system_text_becomes_developer_text_where_the_model_wants_it() -> None:
    facts = {"capabilities": {"system_role": "developer"}}
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    fixed = capabilities.apply(settings("o3-mini", model=facts, task={"messages": messages}), None)
    assert [rule.name for rule in fixed.rules] == ["rename"]
    assert capabilities.turns((SYSTEM, USER), fixed) == (Message("developer", "Be brief."), USER)


def test_several_system_messages_are_folded_together_and_an_empty_one_leaves_no_gap() -> None:
    fixed = capabilities.apply(settings("o1-mini"), None)
    several = (SYSTEM, Message("system", ""), USER, Message("system", "In French."))
    assert capabilities.turns(several, fixed) == (Message("user", "Be brief.\n\nIn French.\n\nWhy?"),)


def test_the_schema_goes_into_the_last_user_message() -> None:
    fixed = capabilities.apply(settings("gpt-4-turbo", task={"schema": "s.json"}), SCHEMA)
    placed = capabilities.turns((SYSTEM, USER, Message("assistant", "1"), Message("user", "And now?")), fixed)
    assert placed[:3] == (SYSTEM, USER, Message("assistant", "1"))
    assert placed[3].content == f"And now?\n\n{fixed.suffix}"


def test_require_is_refused_where_the_schema_cannot_be_enforced() -> None:
    task = {"schema": "s.json", "structured_output": "require"}
    with pytest.raises(ConfigError, match=r"require cannot hold: .*additionalProperties at /"):
        capabilities.apply(settings("gpt-4o-mini", task=task), SCHEMA | {"additionalProperties": True})


def test_parameters_come_in_one_order_whoever_asked_for_them() -> None:
    one = settings("gpt-4o-mini", task={"generate": {"seed": 1, "max_tokens": 5}}, generate={"top_p": 0.5})
    other = settings("gpt-4o-mini", model={"generate": {"top_p": 0.5}}, generate={"max_tokens": 5, "seed": 1})
    assert list(capabilities.apply(one, None).parameters.items()) == list(
        capabilities.apply(other, None).parameters.items()
    )
