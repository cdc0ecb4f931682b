"""The Responses API: what it refuses, what it answers, and batches of it, through the official client."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import openai
import pytest
from openai import OpenAI
from openai.types import Batch
from openai.types.responses import Response

from harness.emulator import Running, models
from harness.emulator.responses_rules import check

from .conftest import CHAT, Start, content, request, submit, upload

RESPONSES: Final = "/v1/responses"
MODELS = models.load(extra=["my-own-model"])
SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["yes", "no"]}},
    "required": ["label"],
    "additionalProperties": False,
}
STRICT = {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": True}
LOOSE = {"type": "json_schema", "name": "x", "schema": {"type": "object"}}
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
SYSTEM = [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "input_text", "text": "u"}]}]
LOGPROBS = "message.output_text.logprobs"
UNSUPPORTED = "Unsupported parameter: '{}' is not supported with this model."
MOVED = "Unsupported parameter: '{}'. In the Responses API, this parameter has moved to '{}'. "


def body(said: Any = "hello", /, model: str = "gpt-4o-mini", **more: Any) -> dict[str, Any]:
    return {"model": model, "input": said, **more}


def line(custom_id: str, **more: Any) -> dict[str, Any]:
    return request(custom_id, url=RESPONSES, body=body(f"hello {custom_id}", **more))


def order(client: OpenAI, rows: list[Any], **more: Any) -> Batch:
    file_id = upload(client, rows)
    return client.batches.create(input_file_id=file_id, endpoint=RESPONSES, completion_window="24h", **more)


def finished(emulator: Running, client: OpenAI, rows: list[Any], **more: Any) -> Batch:
    batch = order(client, rows, **more)
    emulator.advance(100)
    return client.batches.retrieve(batch.id)


def parsed(row: dict[str, Any]) -> Response:
    """Read the body of an output line as the client's own type does, strictly."""
    return Response.model_validate(row["response"]["body"])


FINE = [
    ("gpt-4o-mini", {"temperature": 0, "top_p": 0.5, "top_logprobs": 3, "include": [LOGPROBS]}),
    ("gpt-4o-mini", {"input": SYSTEM, "instructions": "Be brief.", "max_output_tokens": 16}),
    ("gpt-4o-mini", {"text": {"format": STRICT, "verbosity": "medium"}, "temperature": None, "reasoning": None}),
    ("gpt-4o-mini", {"text": {"format": None}, "reasoning": {"effort": None, "summary": None}}),
    ("gpt-4o-mini", {"store": False, "user": "u", "safety_identifier": "s", "prompt_cache_key": "k"}),
    ("gpt-4o-mini", {"truncation": "auto", "metadata": {"a": "b"}, "service_tier": "auto", "background": False}),
    ("gpt-4o-mini", {"tools": [TOOL, {"type": "web_search"}], "tool_choice": "auto", "parallel_tool_calls": True}),
    ("gpt-4o-mini", {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}, *SYSTEM]}),
    ("gpt-4o-mini", {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, *SYSTEM]}),
    ("gpt-3.5-turbo", {"text": {"format": {"type": "json_object"}}, "input": "JSON, please"}),
    ("o3-mini", {"temperature": 1, "reasoning": {"effort": "high", "summary": "auto"}}),
    ("gpt-5.1", {"temperature": 0}),
    ("gpt-5.5", {"temperature": 0, "reasoning": {"effort": "none"}}),
    ("gpt-5.6-terra", {"tools": [TOOL], "reasoning": {"effort": "medium"}}),
    ("gpt-6-luna", {"reasoning": {"effort": "max"}, "text": {"verbosity": "low"}}),
    ("gpt-6-astra", {"reasoning": {"effort": "max"}}),
    ("gpt-5-pro", {"reasoning": {"effort": "high"}}),
    ("gpt-5.4-pro", {"reasoning": {"effort": "xhigh"}, "text": {"verbosity": "high"}}),
    ("o3-pro", {"reasoning": {"effort": "low"}}),
    ("gpt-5.1-codex-max", {"reasoning": {"effort": "xhigh"}}),
    ("gpt-5.3-codex", {"temperature": 0}),
    ("my-own-model", {"temperature": 0.5, "anything": 1, "reasoning": {"effort": "max"}, "text": {"verbosity": "low"}}),
]

REFUSED: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("o3-mini", {"temperature": 0.5}, UNSUPPORTED.format("temperature"), "temperature", None),
    ("o3-mini", {"top_p": 1}, UNSUPPORTED.format("top_p"), "top_p", None),
    ("o3-mini", {"top_logprobs": 2}, UNSUPPORTED.format("top_logprobs"), "top_logprobs", None),
    ("o3-mini", {"include": [LOGPROBS]}, "logprobs are not supported with reasoning models.", "include", None),
    ("gpt-5.1", {"temperature": 0, "reasoning": {"effort": "low"}}, "'temperature' is not", "temperature", None),
    ("gpt-5.5", {"temperature": 0}, "'temperature' is not", "temperature", None),
    ("gpt-5.4-pro", {"temperature": 0}, "'temperature' is not", "temperature", None),
    (
        "gpt-5.6-terra",
        {"reasoning": {"effort": "minimal"}},
        "Unsupported value: 'minimal' is not supported with the 'gpt-5.6-terra' model. "
        "Supported values are: 'none', 'low', 'medium', 'high', 'xhigh', and 'max'.",
        "reasoning.effort",
        "unsupported_value",
    ),
    ("gpt-5.5", {"reasoning": {"effort": "max"}}, "'high', and 'xhigh'.", "reasoning.effort", "unsupported_value"),
    ("gpt-6-astra", {"reasoning": {"effort": "none"}}, "'none' is not", "reasoning.effort", "unsupported_value"),
    ("gpt-5-pro", {"reasoning": {"effort": "low"}}, "are: 'high'.", "reasoning.effort", "unsupported_value"),
    (
        "gpt-5.4-pro",
        {"reasoning": {"effort": "low"}},
        "are: 'medium', 'high', and 'xhigh'.",
        "reasoning.effort",
        "unsupported_value",
    ),
    ("o3-pro", {"reasoning": {"effort": "xhigh"}}, "are: 'low',", "reasoning.effort", "unsupported_value"),
    (
        "gpt-4o",
        {"reasoning": {"effort": "low"}},
        UNSUPPORTED.format("reasoning.effort"),
        "reasoning.effort",
        "unsupported_parameter",
    ),
    ("gpt-6-luna", {"reasoning": {"effort": "bogus"}}, "Invalid value: 'bogus'.", "reasoning.effort", "invalid_value"),
    ("gpt-6-luna", {"reasoning": {"x": 1}}, "Unknown parameter: 'reasoning.x'.", "reasoning.x", "unknown_parameter"),
    ("gpt-6-luna", {"reasoning": "low"}, "expected an object, but got a string", "reasoning", "invalid_type"),
    (
        "gpt-4o",
        {"text": {"verbosity": "low"}},
        "Unsupported value: 'low' is not supported with the 'gpt-4o' model. Supported values are: 'medium'.",
        "text.verbosity",
        "unsupported_value",
    ),
    (
        "gpt-5.6-terra",
        {"max_output_tokens": 8},
        "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 8 instead.",
        "max_output_tokens",
        "integer_below_min_value",
    ),
    (
        "gpt-5.6-luna",
        {"top_logprobs": 6, "reasoning": {"effort": "none"}},
        "Invalid value for 'top_logprobs': must be less than or equal to 5.",
        "top_logprobs",
        None,
    ),
    *(
        ("gpt-4o", {old: value}, MOVED.format(old, new), old, "unsupported_parameter")
        for old, value, new in (
            ("messages", SYSTEM, "input"),
            ("max_tokens", 20, "max_output_tokens"),
            ("max_completion_tokens", 20, "max_output_tokens"),
            ("response_format", {"type": "text"}, "text.format"),
            ("reasoning_effort", "low", "reasoning.effort"),
            ("verbosity", "low", "text.verbosity"),
        )
    ),
    *(
        ("gpt-4o", {name: 1}, f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        for name in ("n", "seed", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "foo")
    ),
    ("gpt-6-luna", {"temperatur": 1}, "Did you mean 'temperature'?", "temperatur", "unknown_parameter"),
    ("gpt-4o", {"input": None}, "Missing required parameter: 'input'.", "input", "missing_required_parameter"),
    ("gpt-4o", {"input": []}, 'One of "input" or "previous_response_id" or \'prompt\' or', None, None),
    ("gpt-4o", {"input": 7}, "Invalid type for 'input'", "input", "invalid_type"),
    ("gpt-4o", {"input": ["x"]}, "Invalid type for 'input[0]'", "input[0]", "invalid_type"),
    ("gpt-4o", {"input": [{"type": {}}]}, "Invalid type for 'input[0].type'", "input[0].type", "invalid_type"),
    (
        "gpt-4o",
        {"input": [{"role": "tool", "content": "x"}]},
        "Supported values are: 'assistant', 'system', 'developer', and 'user'.",
        "input[0].role",
        "invalid_value",
    ),
    ("gpt-4o", {"input": [{"role": "user"}]}, "'input[0].content'.", "input[0].content", "missing_required_parameter"),
    (
        "gpt-4o",
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "Invalid value: 'text'. Supported values are: 'input_text',",
        "input[0].content[0].type",
        "invalid_value",
    ),
    (
        "gpt-4o",
        {"input": [*SYSTEM, {"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
        "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        "input[2].content[0]",
        "invalid_value",
    ),
    (
        "gpt-4o",
        {"text": {"format": {"type": "xml"}}},
        "Supported values are: 'json_object', 'text', and 'json_schema'.",
        "text.format.type",
        "invalid_value",
    ),
    (
        "gpt-4o",
        {"text": {"format": {"type": "json_schema", "schema": {}}}},
        "Missing required parameter: 'text.format.name'.",
        "text.format.name",
        "missing_required_parameter",
    ),
    (
        "gpt-4o",
        {"text": {"format": {"type": "json_schema", "name": "x"}}},
        "Missing required parameter: 'text.format.schema'.",
        "text.format.schema",
        "missing_required_parameter",
    ),
    (
        "gpt-4o",
        {"text": {"format": LOOSE | {"strict": True}}},
        "Invalid schema for response_format 'x': In context=(), "
        "'additionalProperties' is required to be supplied and to be false.",
        "text.format.schema",
        "invalid_json_schema",
    ),
    ("gpt-4-turbo", {"text": {"format": LOOSE}}, "'text.format' of type 'json_schema' is not", "text.format", None),
    (
        "gpt-4o",
        {"text": {"format": {"type": "json_object"}}, "instructions": "JSON"},
        "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
        "input",
        None,
    ),
    ("gpt-4o", {"tools": [{"type": "function"}]}, "'tools[0].name'", "tools[0].name", "missing_required_parameter"),
    (
        "gpt-4o",
        {"tools": [TOOL | {"strict": True}]},
        "Invalid schema for function 'f': In context=()",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    ("gpt-4o", {"include": ["x"]}, "Invalid value: 'x'.", "include[0]", "invalid_value"),
    ("gpt-4o", {"truncation": "off"}, "Supported values are: 'auto' and 'disabled'.", "truncation", "invalid_value"),
    ("gpt-4o", {"metadata": {"k": "v" * 600}}, "string with length 600", "metadata.k", "string_above_max_length"),
    ("gpt-4o", {"service_tier": "flex"}, "Invalid value: 'flex'.", "service_tier", "invalid_value"),
    ("gpt-4o", {"store": 1}, "expected a boolean, but got an integer instead.", "store", "invalid_type"),
    (
        "gpt-4o",
        {"previous_response_id": "resp_1", "input": None},
        "Previous response with id 'resp_1' not found.",
        "previous_response_id",
        "previous_response_not_found",
    ),
    ("gpt-4", {"input": "x" * 40_000}, "exceeds the context window", "input", "context_length_exceeded"),
    ("gpt-audio-mini", {}, "'gpt-audio-mini' cannot be used with the Responses API.", "model", None),
    ("", {}, "The requested model '' does not exist.", "model", "model_not_found"),
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


def test_a_model_has_to_be_named() -> None:
    absent, null = check({"input": "x"}, MODELS), check({"input": "x", "model": None}, MODELS)
    assert absent is not None
    assert (absent.message, absent.code) == ("Missing required parameter: 'model'.", "missing_required_parameter")
    assert null is not None  # null counts as absent for everything else
    assert (null.param, null.code) == ("model", "invalid_type")


def test_what_chat_calls_otherwise_is_said_before_what_is_missing() -> None:
    problem = check({"model": "gpt-4o", "messages": SYSTEM}, MODELS)
    assert problem is not None
    assert problem.param == "messages"


def test_a_long_input_may_be_truncated_instead() -> None:
    assert check(body("x" * 40_000, model="gpt-4", truncation="auto"), MODELS) is None


def test_the_service_refuses_with_a_status_and_the_same_words(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.responses.create(**body(model="o3-mini", temperature=0.5))
    assert (bad.value.code, bad.value.param, bad.value.type) == (None, "temperature", "invalid_request_error")
    with pytest.raises(openai.NotFoundError) as unknown:
        client.responses.create(**body(model="gpt-99"))
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError, match="Conversation with id 'conv_1' not found"):
        client.responses.create(**body(conversation="conv_1"))


def test_a_response_is_what_the_official_client_reads(emulator: Running, client: OpenAI) -> None:
    raw = client.responses.with_raw_response.create(**body(instructions="Be brief.", temperature=0.5))
    response = raw.parse()
    Response.model_validate(json.loads(raw.content))
    assert response.id.startswith("resp_")
    assert (response.object, response.status, response.error) == ("response", "completed", None)
    assert response.model == "gpt-4o-mini-2024-07-18"
    (message,) = response.output
    assert message.type == "message"
    assert (message.role, message.status, message.content[0].type) == ("assistant", "completed", "output_text")
    assert len(response.output_text) > 5
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.usage.input_tokens_details.model_dump(exclude_none=True) == {
        "cached_tokens": 0,
        "cache_write_tokens": 0,
    }
    assert response.usage.output_tokens_details.reasoning_tokens == 0
    assert "x-ratelimit-remaining-tokens" in raw.headers
    audit = emulator.audit()
    assert (audit["direct"], audit["executed"]) == (1, 0)


def test_a_response_repeats_its_request_and_fills_in_defaults(client: OpenAI) -> None:
    wanted = {"format": STRICT, "verbosity": "low"}
    asked = client.responses.create(
        **body(model="gpt-6-luna", text=wanted, reasoning={"effort": "low"}, metadata={"a": "b"}, service_tier="fast")
    )
    assert asked.text is not None
    assert asked.text.model_dump(by_alias=True, exclude_none=True) == wanted
    assert asked.reasoning is not None
    assert (asked.reasoning.effort, asked.metadata, asked.service_tier) == ("low", {"a": "b"}, "priority")
    plain = client.responses.create(**body())
    assert plain.reasoning is not None
    assert plain.text is not None
    assert plain.text.format is not None
    assert (plain.reasoning.effort, plain.text.format.type, plain.text.verbosity) == (None, "text", "medium")
    assert (plain.store, plain.temperature, plain.tools, plain.truncation) == (True, 1.0, [], "disabled")


def test_a_model_that_reasons_says_so_and_may_sum_it_up(client: OpenAI) -> None:
    wanted = {"effort": "high", "summary": "auto"}
    response = client.responses.create(
        **body(model="gpt-5-pro", reasoning=wanted, include=["reasoning.encrypted_content"])
    )
    reasoning, message = response.output
    assert reasoning.type == "reasoning"
    assert message.type == "message"
    assert reasoning.summary[0].text
    assert reasoning.encrypted_content
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens >= 256
    quiet = client.responses.create(**body(model="gpt-5.1"))
    assert [item.type for item in quiet.output] == ["message"]


def test_a_strict_schema_is_kept_to(client: OpenAI) -> None:
    response = client.responses.create(**body(text={"format": STRICT}))
    jsonschema_rs.validate(SCHEMA, json.loads(response.output_text))


def test_a_schema_that_is_none_is_blamed_on_its_place(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**body(text={"format": LOOSE | {"schema": {"properties": 7}}}))
    assert (caught.value.param, caught.value.code) == ("text.format.schema", "invalid_json_schema")


def test_a_small_cap_cuts_the_answer_and_may_leave_none(client: OpenAI) -> None:
    long = LOOSE | {"schema": {"type": "object", "properties": {"a": {"type": "string", "minLength": 200}}}}
    cut = client.responses.create(**body(text={"format": long}, max_output_tokens=16))
    assert cut.incomplete_details is not None
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert len(cut.output_text) == 64
    assert cut.output[0].status == "incomplete"  # type: ignore[union-attr]
    empty = client.responses.create(**body(model="o3-pro", max_output_tokens=16, reasoning={"effort": "high"}))
    assert ([item.type for item in empty.output], empty.status, empty.output_text) == (["reasoning"], "incomplete", "")
    assert empty.usage is not None
    assert (empty.usage.output_tokens, empty.usage.output_tokens_details.reasoning_tokens) == (16, 16)


def test_functions_are_called_and_probabilities_come_as_asked(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "name": "weather", "parameters": schema}
    (call,) = client.responses.create(**body(tools=[tool], tool_choice={"type": "function", "name": "weather"})).output
    assert call.type == "function_call"
    assert (call.name, call.call_id[:5], list(json.loads(call.arguments))) == ("weather", "call_", ["city"])
    assert client.responses.create(**body(tools=[tool])).output[0].type == "message"
    (message,) = client.responses.create(**body(top_logprobs=2, include=[LOGPROBS])).output
    assert message.type == "message"
    part = message.content[0]
    assert part.type == "output_text"
    assert part.logprobs
    assert len(part.logprobs[0].top_logprobs) == 2


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"reasoning": {"effort": "medium"}},
        {"tools": [TOOL], "tool_choice": "required"},
        {"max_output_tokens": 16, "reasoning": {"effort": "xhigh"}},
    ],
)
def test_a_direct_call_streams(client: OpenAI, more: dict[str, Any]) -> None:
    events = list(client.responses.create(**body(model="gpt-6-luna", stream=True, **more)))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    last = events[-1]
    assert last.type in {"response.completed", "response.incomplete"}
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == (
        last.response.output_text
    )
    with client.responses.stream(**body(model="gpt-6-luna", **more)) as stream:  # the client puts it together again
        types = [event.type for event in stream]
    assert types[-1] in {"response.completed", "response.incomplete"}


def book(folder: Path, rows: list[tuple[str, Any, Any]]) -> None:
    folder.mkdir()
    digests = [hashlib.sha256(question.encode()).hexdigest() for question, _, _ in rows]
    answers = [{"digest": d, "right": r, "wrong": w} for d, (_, r, w) in zip(digests, rows, strict=True)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [{"schema": SCHEMA}, *answers]))


@pytest.fixture
def read(tmp_path: Path, start: Start, connect: Callable[..., OpenAI]) -> Callable[..., OpenAI]:
    """Connect to an emulator that knows the answer to "u", at the given rates."""
    book(tmp_path / "books", [("u", {"label": "yes"}, {"label": "no"})])

    def reader(**rates: float) -> OpenAI:
        return connect(start(next(iter(rates)), answers="key", books=tmp_path / "books", rates=rates))

    return reader


@pytest.mark.parametrize("asked", ["u", SYSTEM, [*SYSTEM, {"role": "assistant", "content": "and"}]])
def test_books_know_the_last_user_text(read: Callable[..., OpenAI], asked: Any) -> None:
    response = read(right=1.0).responses.create(**body(asked, text={"format": STRICT}))
    assert json.loads(response.output_text) == {"label": "yes"}


def test_each_outcome_has_its_shape(read: Callable[..., OpenAI]) -> None:
    wrong = read(wrong=1.0).responses.create(**body("u", text={"format": STRICT}))
    assert json.loads(wrong.output_text) == {"label": "no"}
    refused = read(refused=1.0).responses.create(**body("u"))
    assert (refused.status, refused.output_text) == ("completed", "")
    part = refused.output[0].content[0]  # type: ignore[union-attr, index]
    assert part.type == "refusal"
    assert part.refusal.startswith("I'm sorry")  # type: ignore[union-attr]
    cut = read(truncated=1.0).responses.create(**body("u"))
    assert cut.incomplete_details is not None
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert cut.output_text


def test_both_endpoints_answer_from_the_same_book(read: Callable[..., OpenAI]) -> None:
    client = read(right=1.0)
    chat = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "u"}],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}},
    )
    response = client.responses.create(**body("u", text={"format": STRICT}))
    assert chat.choices[0].message.content == response.output_text


def test_a_batch_of_responses_runs(emulator: Running, client: OpenAI) -> None:
    rows = [line(f"q-{i}") for i in range(150)]
    rows[7]["body"]["seed"] = 1
    batch = finished(emulator, client, rows)
    assert (batch.status, batch.endpoint) == ("completed", RESPONSES)
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (149, 1)
    output = {row["custom_id"]: parsed(row) for row in content(client, batch.output_file_id)}
    assert set(output) == {f"q-{i}" for i in range(150)} - {"q-7"}
    assert len({response.id for response in output.values()}) == 149
    (error,) = content(client, batch.error_file_id)
    assert (error["custom_id"], error["response"]["status_code"], error["error"]) == ("q-7", 400, None)
    assert error["response"]["body"]["error"]["code"] == "unknown_parameter"
    assert batch.usage is not None
    spent = [response.usage for response in output.values() if response.usage is not None]
    assert batch.usage.input_tokens == sum(usage.input_tokens for usage in spent)
    assert batch.usage.output_tokens == sum(usage.output_tokens for usage in spent)
    audit = emulator.audit()
    assert (audit["executed"], audit["refused"], audit["executed_by_body_max"]) == (149, 1, 1)


@pytest.mark.parametrize("model", ["o3-pro", "gpt-5-pro", "gpt-5.4-pro"])
def test_models_without_chat_are_served_in_batches_of_responses_only(
    emulator: Running, client: OpenAI, model: str
) -> None:
    batch = finished(emulator, client, [line("a", model=model)])
    (row,) = content(client, batch.output_file_id)
    assert [item.type for item in parsed(row).output] == ["reasoning", "message"]
    assert batch.usage is not None
    assert batch.usage.output_tokens_details.reasoning_tokens >= 0
    chat = submit(client, [request("a", body={"model": model, "messages": [{"role": "user", "content": "x"}]})])
    emulator.advance(100)
    assert client.batches.retrieve(chat.id).status == "failed"
    with pytest.raises(openai.NotFoundError, match="This is not a chat model"):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    ("row", "code", "message", "param"),
    [
        (line("x") | {"url": CHAT}, "invalid_url", "does not match the batch endpoint.", "url"),
        (line("x", stream=True), "streaming_unsupported", "Responses: Streaming is not supported", "body.stream"),
        (line("x") | {"body": {"model": "gpt-4o-mini"}}, "invalid_request", "Input parameter is", "body.input"),
        (line("x", model="gpt-audio-mini"), "model_not_found", "not supported by the Batch API.", "body.model"),
    ],
)
def test_a_bad_line_fails_the_batch(
    emulator: Running, client: OpenAI, row: dict[str, Any], code: str, message: str, param: str
) -> None:
    batch = finished(emulator, client, [line("a"), row])
    assert batch.status == "failed"
    assert batch.errors is not None
    assert batch.errors.data is not None
    (error,) = batch.errors.data
    assert (error.code, error.param, error.line) == (code, param, 2)
    assert message in (error.message or "")
    assert emulator.audit()["executed"] == 0


def test_the_same_seed_and_input_give_the_same_bytes(start: Start, connect: Callable[..., OpenAI]) -> None:
    def run(name: str, seed: int) -> bytes:
        emulator = start(name, seed=seed, now=4_000_000_000.0)
        client = connect(emulator)
        output = finished(emulator, client, [line(f"q-{i}", model="gpt-6-luna") for i in range(30)]).output_file_id
        assert output is not None
        return client.files.content(output).content

    assert run("a", 1) == run("b", 1) != run("c", 2)


def test_a_repeated_question_gets_another_answer_after_a_restart_too(
    start: Start, connect: Callable[..., OpenAI]
) -> None:
    def ask(emulator: Running) -> str:
        return connect(emulator).responses.create(**body("the same")).output_text

    first = start("a")
    said = [ask(first), ask(first)]
    first.stop()
    said.append(ask(start("a")))
    assert len(set(said)) == 3
    straight = start("b")
    assert said == [ask(straight) for _ in range(3)]


def test_cancelled_and_expired_batches_keep_what_ran(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults([{"fault": "expire_after_lines", "lines": 3}])
    expired = finished(emulator, client, [line(f"q-{i}") for i in range(10)])
    assert expired.status == "expired"
    assert [parsed(row).status for row in content(client, expired.output_file_id)] == ["completed"] * 3
    assert {row["error"]["code"] for row in content(client, expired.error_file_id)} == {"batch_expired"}
    emulator.set_faults(["stuck"])
    stuck = finished(emulator, client, [line(f"r-{i}") for i in range(10)])
    client.batches.cancel(stuck.id)
    emulator.advance(1000)
    stuck = client.batches.retrieve(stuck.id)
    assert stuck.status == "cancelled"
    rows = content(client, stuck.output_file_id) + content(client, stuck.error_file_id)
    assert {row["custom_id"] for row in rows} == {f"r-{i}" for i in range(10)}
    assert emulator.audit()["executed_by_custom_id_max"] == 1


def test_faults_of_lines_and_calls_strike(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults(
        [
            {"fault": "line_error", "rows": [0]},
            {"fault": "duplicate_lines", "rows": [1], "differ": True},
            {"fault": "missing_lines", "rows": [2]},
            {"fault": "rate_limited", "on": "responses"},
        ]
    )
    batch = finished(emulator, client, [line(f"q-{i}") for i in range(4)])
    rows = content(client, batch.output_file_id)
    assert sorted(row["custom_id"] for row in rows) == ["q-1", "q-1", "q-3"]
    assert "another answer" in [parsed(row).output_text for row in rows if row["custom_id"] == "q-1"]
    assert [row["response"]["status_code"] for row in content(client, batch.error_file_id)] == [429]
    with pytest.raises(openai.RateLimitError):
        client.responses.create(**body())
    assert client.responses.create(**body()).status == "completed"


def test_extra_models_have_no_rules(start: Start, connect: Callable[..., OpenAI]) -> None:
    emulator = start(extra_models=("llama-of-mine",))
    client = connect(emulator)
    batch = finished(emulator, client, [line("a", model="llama-of-mine", temperature=0.3, top_k=5)])
    assert len(content(client, batch.output_file_id)) == 1
