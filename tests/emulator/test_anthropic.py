"""Messages, direct: what they refuse, what they answer, and models, through the official client."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import anthropic
import httpx2
import jsonschema_rs
import pytest
from anthropic import Anthropic
from openai import OpenAI

from harness.emulator import Running, answers, anthropic_models
from harness.emulator.anthropic_fields import FIELDS
from harness.emulator.anthropic_messages import Messages
from harness.emulator.anthropic_rules import Call, check
from harness.emulator.anthropic_schema import violation
from harness.emulator.execution import execute

from .claude import FORMAT, HAIKU, NEW, OLD, OPUS, SCHEMA, params
from .conftest import Start

MODELS = anthropic_models.load(extra=["my-own-model"])
DEPRECATED = "`{}` is deprecated for this model."
EXTRA = "{}: Extra inputs are not permitted"
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}
PREFILL = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "{"}]
USER = {"role": "user", "content": "u"}


def refused(version: str, model: str, more: dict[str, Any], tier: str = "standard", *betas: str) -> str | None:
    """Say how a request is refused."""
    body = {name: value for name, value in {**params(model=model), **more}.items() if value != "absent"}
    found = check(body, MODELS, Call(version, tier, frozenset(betas)))
    return found.message if found else None


@pytest.mark.parametrize(
    ("version", "model", "more"),
    [
        (OLD, HAIKU, {"temperature": 0.5, "top_k": 3}),
        (OLD, HAIKU, {"top_p": 0.5}),
        (OLD, HAIKU, {"thinking": {"type": "enabled", "budget_tokens": 1024}, "temperature": 1}),
        (OLD, HAIKU, {"messages": PREFILL}),
        (OLD, HAIKU, {"output_format": FORMAT}),
        (OLD, "claude-sonnet-4-6", {"temperature": 0, "thinking": {"type": "disabled"}}),
        (OLD, "claude-sonnet-5", {"temperature": 1, "thinking": {"type": "disabled"}}),
        (OLD, HAIKU, {"messages": [USER, {"role": "assistant", "content": [{"type": "document"}]}, USER]}),
        (NEW, HAIKU, {"system": "s", "stop_sequences": ["x"], "metadata": {"user_id": "u"}}),
        (NEW, HAIKU, {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]}),
        (NEW, HAIKU, {"output_config": {"format": FORMAT, "effort": None}, "thinking": None}),
        (NEW, HAIKU, {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f"}}),
        (NEW, OPUS, {"output_config": {"format": FORMAT, "effort": "max"}, "thinking": {"type": "adaptive"}}),
        (NEW, "claude-opus-5", {"thinking": {"type": "disabled"}}),
        (NEW, "claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}),
        (NEW, "claude-opus-4-8", {"messages": [USER, {"role": "system", "content": "s"}, USER]}),
        (NEW, HAIKU, {"max_tokens": 0}),
        (NEW, "my-own-model", {"tool_choice": {"type": "any"}, "messages": PREFILL, "max_tokens": 10**7}),
    ],
)
def test_what_fits_the_model_and_the_version_is_taken(version: str, model: str, more: dict[str, Any]) -> None:
    assert refused(version, model, more) is None


@pytest.mark.parametrize(
    ("version", "model", "more", "words"),
    [
        (NEW, HAIKU, {"model": "absent"}, "model: Field required"),
        (NEW, HAIKU, {"messages": "absent"}, "messages: Field required"),
        (NEW, HAIKU, {"max_tokens": "absent"}, "max_tokens: Field required"),
        (NEW, "claude-nope", {}, "model: claude-nope"),
        (NEW, HAIKU, {"max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
        (
            NEW,
            HAIKU,
            {"max_tokens": 9_999_999},
            "max_tokens: 9999999 > 64000, which is the maximum allowed number of output tokens for "
            "claude-haiku-4-5-20251001",
        ),
        (NEW, HAIKU, {"reasoning_effort": "low"}, EXTRA.format("reasoning_effort")),
        (NEW, HAIKU, {"temperature": 1}, EXTRA.format("temperature")),
        (NEW, HAIKU, {"top_k": 1}, EXTRA.format("top_k")),
        (NEW, HAIKU, {"output_format": FORMAT}, EXTRA.format("output_format")),
        (OLD, HAIKU, {"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
        (OLD, HAIKU, {"temperature": 0, "top_p": 1}, "cannot both be specified for this model."),
        (OLD, "claude-opus-4-7", {"temperature": 1}, DEPRECATED.format("temperature")),
        (OLD, "claude-sonnet-5", {"temperature": 0}, DEPRECATED.format("temperature")),
        (OLD, OPUS, {"top_p": 0.9}, DEPRECATED.format("top_p")),
        (
            OLD,
            "claude-opus-4-6",
            {"temperature": 0, "thinking": {"type": "adaptive"}},
            "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode",
        ),
        (NEW, OPUS, {"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported for this model.'),
        (
            NEW,
            "claude-opus-4-7",
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
        ),
        (NEW, HAIKU, {"thinking": {"type": "enabled", "budget_tokens": 10}}, "greater than or equal to 1024"),
        (NEW, HAIKU, {"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (NEW, HAIKU, {"thinking": {"type": "enabled", "budget_tokens": 2000}}, "`max_tokens` must be greater than"),
        (NEW, HAIKU, {"thinking": {"type": "deep"}}, "does not match any of the expected tags: 'adaptive'"),
        (
            NEW,
            "claude-opus-5",
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            'only supported with an effort of "high" or lower',
        ),
        (NEW, HAIKU, {"output_config": {"effort": "low"}}, "This model does not support the effort parameter."),
        (NEW, "claude-opus-4-5", {"output_config": {"effort": "max"}}, "output_config.effort: 'max' is not supported"),
        (
            NEW,
            HAIKU,
            {"output_config": {"effort": "huge"}},
            "Input should be 'low', 'medium', 'high', 'xhigh' or 'max'",
        ),
        (NEW, OPUS, {"messages": PREFILL}, "This model does not support assistant message prefill."),
        (NEW, HAIKU, {"messages": PREFILL, "output_config": {"format": FORMAT}}, "Prefilling assistant messages"),
        (NEW, HAIKU, {"messages": []}, "messages: at least one message is required"),
        (NEW, HAIKU, {"messages": [{"role": "system", "content": "s"}]}, 'messages: Unexpected role "system".'),
        (NEW, HAIKU, {"messages": [{"role": "tool", "content": "s"}]}, "messages.0.role: Input should be 'user' or"),
        (NEW, HAIKU, {"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (NEW, HAIKU, {"messages": [{"role": "user", "content": ""}]}, "messages must have non-empty content"),
        (NEW, HAIKU, {"system": ""}, "system: text content blocks must be non-empty"),
        (NEW, HAIKU, {"messages": [USER, {"role": "assistant", "content": [{"type": "document"}]}, USER]}, "document"),
        (
            NEW,
            HAIKU,
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "t", "citations": [{}]}]}]},
            "citations: Extra inputs",
        ),
        (NEW, OPUS, {"tools": [TOOL], "tool_choice": {"type": "any"}}, '"tool_choice.type.any" is not supported'),
        (NEW, HAIKU, {"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
        (NEW, HAIKU, {"messages": [{"role": "user", "content": "x" * 900_000}]}, "prompt is too long: "),
        (NEW, HAIKU, {"stream": True}, "does not stream"),
    ],
)
def test_what_does_not_fit_is_refused(version: str, model: str, more: dict[str, Any], words: str) -> None:
    assert words in (refused(version, model, more) or "taken")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"stream": True}, '"stream=True" is not supported in the Message Batches API'),
        ({"max_tokens": 0}, "max_tokens: must be greater than or equal to 1"),
        ({"speed": "fast"}, '"speed=fast" is not supported'),
        ({"max_tokens": 200_000}, "200000 > 128000"),
    ],
)
def test_a_batch_takes_less(more: dict[str, Any], words: str) -> None:
    assert words in (refused(NEW, OPUS, more, "batch") or "taken")


def test_a_beta_raises_the_cap_inside_batches_only() -> None:
    beta = "output-300k-2026-03-24"
    assert refused(NEW, OPUS, {"max_tokens": 200_000}, "batch", beta) is None
    assert "200000 > 128000" in (refused(NEW, OPUS, {"max_tokens": 200_000}, "standard", beta) or "")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {}}, "'additionalProperties' must be explicitly set to false"),
        ({"type": "integer", "minimum": 1}, "For 'integer' type, properties minimum are not supported"),
        ({"type": "string", "pattern": "a", "maxLength": 3}, "properties maxLength, pattern are not supported"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, "'minItems' values other than 0 or 1"),
        ({"type": "string", "format": "color"}, "format 'color' is not supported"),
        ({"enum": [{"a": 1}]}, "Enum values"),
        ({"$ref": "http://x"}, "Only local references"),
        ({"oneOf": [{"type": "string"}]}, "'oneOf' is not supported"),
        ({"type": "whole"}, "'whole' is not a valid type"),
        ({"$defs": {"n": {"anyOf": [{"$ref": "#/$defs/n"}]}}, "$ref": "#/$defs/n"}, "Recursive schemas"),
        ({"anyOf": "x"}, "Schema must be an object"),
    ],
)
def test_a_schema_outside_of_the_subset_is_refused(schema: dict[str, Any], words: str) -> None:
    assert words in (violation(schema) or "taken")
    assert (
        refused(NEW, HAIKU, {"output_config": {"format": {"type": "json_schema", "schema": schema}}}) or ""
    ).startswith("output_config.format.schema: ")


ODD: list[Any] = [None, 0, -1, 1.5, True, "", "x", [], {}, [1], [[]], [{}], {"type": []}, {"type": "x"}, 10**18]
ODD += [{"type": "array", "items": 1}, {"properties": []}, {"enum": 3}, {"$ref": 3}, {"anyOf": [1]}]
BODIES = [
    params(
        model="my-own-model",
        system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        messages=[{"role": "user", "content": [{"type": "text", "text": "t"}]}, *PREFILL],
        tools=[TOOL],
        tool_choice={"type": "tool", "name": "f"},
    ),
    params(thinking={"type": "enabled", "budget_tokens": 1024}, output_config={"format": FORMAT}),
    params(model=OPUS, thinking={"type": "adaptive"}, output_config={"effort": "low"}, tools=[{"type": "w_1"}]),
]


def places(value: Any, *place: Any) -> Iterator[tuple[Any, ...]]:
    """Walk through all places inside a value."""
    for key in value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0):
        yield (*place, key)
        yield from places(value[key], *place, key)


@pytest.mark.parametrize("body", BODIES)
def test_no_value_anywhere_is_more_than_a_refusal(body: dict[str, Any]) -> None:
    source = answers.Answers(0, None)
    source.recall([])
    statuses = set()
    for place in [*places(body), *((name,) for name in FIELDS if name not in body)]:
        for odd, version in product(ODD, (OLD, NEW)):
            changed: Any = copy.deepcopy(body)
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = odd
            api = Messages(Call(version, "batch"))
            statuses.add(execute(changed, api, MODELS, source, seed=0, now=0, key="0" * 64).status)
    assert statuses == {200, 400, 404}


def test_a_message_is_answered_with_all_that_the_client_reads(claude: Anthropic) -> None:
    message = claude.messages.create(**params(system="Be brief."))
    assert (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn")
    assert message.model == "claude-haiku-4-5-20251001"
    assert message.id.startswith("msg_01")
    assert message._request_id is not None
    assert message._request_id.startswith("req_")
    (block,) = message.content
    assert block.type == "text"
    assert block.text
    usage = message.usage
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens, usage.service_tier) == (0, 0, "standard")


@pytest.mark.parametrize("thinking", ["adaptive", "disabled"])
def test_a_model_that_thinks_shows_a_block_and_counts_it(claude: Anthropic, thinking: str) -> None:
    more: dict[str, Any] = {"thinking": {"type": thinking}, "output_config": {"effort": "high"}}
    message = claude.messages.create(**params(model="claude-opus-5", **more))
    kinds = [block.type for block in message.content]
    assert kinds == (["thinking", "text"] if thinking == "adaptive" else ["text"])
    details = message.usage.output_tokens_details
    assert (details.thinking_tokens > 0 if details else 0) == (thinking == "adaptive")


def test_a_small_cap_is_used_up_by_thinking(claude: Anthropic) -> None:
    message = claude.messages.create(**params(model=OPUS, output_config={"effort": "max"}) | {"max_tokens": 5})
    assert message.stop_reason == "max_tokens"
    assert [block.type for block in message.content] == ["thinking"]
    assert message.usage.output_tokens == 5


@pytest.mark.parametrize(
    ("version", "more"),
    [(NEW, {"output_config": {"format": FORMAT}}), (OLD, {"output_config": {"format": FORMAT}})],
)
def test_structured_output_is_valid(
    emulator: Running, claudes: Callable[..., Anthropic], version: str, more: dict[str, Any]
) -> None:
    message = claudes(emulator.root, version).messages.create(**params(**more))
    (block,) = message.content
    assert block.type == "text"
    jsonschema_rs.validate(SCHEMA, json.loads(block.text))


def test_the_beta_client_asks_for_structured_output_too(claude: Anthropic) -> None:
    message = claude.beta.messages.create(**params(output_config={"format": FORMAT}), betas=["some-beta"])
    (block,) = message.content
    assert block.type == "text"
    jsonschema_rs.validate(SCHEMA, json.loads(block.text))


def test_the_old_version_takes_the_format_where_the_beta_had_it(
    emulator: Running, claudes: Callable[..., Anthropic]
) -> None:
    client = claudes(emulator.root, OLD)
    message = client.messages.create(**params(), extra_body={"output_format": FORMAT, "temperature": 0})
    assert json.loads(message.content[0].text)["label"] in {"yes", "no"}


def test_a_tool_is_called_when_it_must_be(claude: Anthropic) -> None:
    message = claude.messages.create(**params(tools=[TOOL], tool_choice={"type": "any"}))
    (block,) = message.content
    assert message.stop_reason == "tool_use"
    assert block.type == "tool_use"
    assert isinstance(block.input["a"], int)


def test_a_stop_sequence_ends_the_text(claude: Anthropic) -> None:
    whole = claude.messages.create(**params())
    text = whole.content[0].text
    assert " " in text
    message = claude.messages.create(**params(stop_sequences=[" "]))
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", " ")
    assert " " not in message.content[0].text


@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_a_marked_prefix_goes_through_the_cache(claude: Anthropic, ttl: str) -> None:
    system = [{"type": "text", "text": "x" * 40_000, "cache_control": {"type": "ephemeral", "ttl": ttl}}]
    usages = [claude.messages.create(**params(f"q{i}", system=system)).usage for i in range(30)]
    read = [usage.cache_read_input_tokens or 0 for usage in usages]
    written = [usage.cache_creation_input_tokens or 0 for usage in usages]
    assert all(a + b == 10_000 and not a * b for a, b in zip(read, written, strict=True))
    assert sum(map(bool, read)) > sum(map(bool, written)) > 0
    creation = next(usage for usage in usages if usage.cache_creation_input_tokens).cache_creation
    assert creation is not None
    assert (creation.ephemeral_1h_input_tokens > 0) == (ttl == "1h")
    assert max(usage.input_tokens for usage in usages) < 50


def test_an_error_has_type_message_and_the_id_of_its_request(claude: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        claude.messages.create(**params(model="claude-nope"))
    body: Any = caught.value.body
    assert body["error"] == {"type": "not_found_error", "message": "model: claude-nope"}
    assert body["request_id"] == caught.value.request_id == caught.value.response.headers["request-id"]
    assert caught.value.response.headers["anthropic-organization-id"]


def test_a_wrong_key_is_refused_in_either_header(start: Start, claudes: Callable[..., Anthropic]) -> None:
    emulator = start(api_key="right")
    with pytest.raises(anthropic.AuthenticationError, match=r"API key is invalid\."):
        claudes(emulator.root).models.list()
    assert claudes(emulator.root, api_key="right").models.list().data
    client = claudes(emulator.root, default_headers={"x-api-key": "right"})
    assert client.models.list().data


@pytest.mark.parametrize(
    ("version", "words"), [("", "is not a valid version"), ("2020-01-01", "is not a valid version")]
)
def test_the_version_of_the_api_has_to_be_one_there_is(
    emulator: Running, claudes: Callable[..., Anthropic], version: str, words: str
) -> None:
    client = claudes(emulator.root, default_headers={"anthropic-version": version})
    with pytest.raises(anthropic.BadRequestError, match=words):
        client.messages.create(**params())


def test_without_a_version_or_a_key_the_words_are_anthropics(emulator: Running) -> None:
    keyless = httpx2.post(emulator.root + "/v1/messages", json={})
    assert (keyless.status_code, keyless.json()["error"]["type"]) == (401, "authentication_error")
    bare = httpx2.post(emulator.root + "/v1/messages", json={}, headers={"x-api-key": "k"})
    assert bare.json()["error"]["message"] == "anthropic-version: header is required"
    broken = httpx2.post(
        emulator.root + "/v1/messages", content=b"{", headers={"x-api-key": "k", "anthropic-version": NEW}
    )
    assert broken.json()["error"]["message"].startswith("The request body is not valid JSON: ")
    nowhere = httpx2.get(emulator.root + "/v1/messages/nowhere/x/y", headers={"x-api-key": "k"})
    assert (nowhere.status_code, nowhere.json()["error"]["type"]) == (404, "not_found_error")


def test_both_surfaces_list_their_own_models(claude: Anthropic, client: OpenAI) -> None:
    mine = [model.id for model in claude.models.list(limit=5)]
    assert len(mine) == len(set(mine)) == 19
    assert all(name.startswith("claude-") for name in mine)
    assert not any(model.id.startswith("claude-") for model in client.models.list())
    model = claude.models.retrieve("claude-haiku-4-5")
    assert (model.id, model.display_name, model.max_tokens) == ("claude-haiku-4-5-20251001", "Claude Haiku 4.5", 64_000)
    assert model.capabilities is not None
    assert model.capabilities.batch.supported
    assert not model.capabilities.effort.supported
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("gpt-4o")


def test_tokens_of_a_prompt_are_counted_as_they_are_paid(emulator: Running, claude: Anthropic) -> None:
    asked = {name: value for name, value in params("hello", system="Be brief.").items() if name != "max_tokens"}
    count = claude.messages.count_tokens(**asked).input_tokens
    assert count == claude.messages.create(**params("hello", system="Be brief.")).usage.input_tokens
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.count_tokens(**{**asked, "model": "claude-nope"})
    assert emulator.audit()["direct"] == 1


def test_a_direct_call_is_counted(emulator: Running, claude: Anthropic) -> None:
    claude.messages.create(**params())
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(**params(), extra_body={"nonsense": 1})
    assert emulator.audit()["direct"] == 1
