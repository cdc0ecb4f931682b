"""The OpenAI protocol: the exact bytes of a request, and every shape of answer that was ever seen."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ProviderError
from harness.providers import openai, openai_errors, openai_objects
from harness.types import Error, Fixed, Message, Request, Sample, SentSchema, Usage

SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "number"}}, "required": ["b", "a"]}
SAMPLE = Sample("s1", 0, {}, None, {})


def fixed(**changes: Any) -> Fixed:
    values: dict[str, Any] = {
        "model": "m-1",
        "api": "chat",
        "parameters": {},
        "output": "text",
        "schema": None,
        "system_role": "system",
        "suffix": None,
        "rules": (),
    }
    return Fixed(**(values | changes))


def request(*turns: tuple[str, str]) -> Request:
    return Request(0, 0, SAMPLE, tuple(Message(role, text) for role, text in turns))


def test_a_request_is_these_bytes() -> None:
    what = fixed(
        parameters={"temperature": 0.5, "max_tokens": 400},
        output="json_schema",
        schema=SentSchema("task", SCHEMA, True),
    )
    body = openai.encoder(what)(request(("system", "Be “brief”."), ("user", 'a "b"\n'))).decode()
    assert openai.line("kabc-0-1", body.encode(), what).decode() == (
        '{"custom_id":"kabc-0-1","method":"POST","url":"/v1/chat/completions","body":{"model":"m-1","messages":'
        '[{"role":"system","content":"Be “brief”."},{"role":"user","content":"a \\"b\\"\\n"}],'
        '"temperature":0.5,"max_tokens":400,"response_format":{"type":"json_schema","json_schema":'
        '{"name":"task","schema":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"number"}},'
        '"required":["b","a"]},"strict":true}}}}\n'
    )


def test_a_request_without_parameters_is_valid_json() -> None:
    body = openai.encoder(fixed())(request(("user", "hi")))
    assert json.loads(body) == {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]}


def answer(**message: Any) -> dict[str, Any]:
    return {"model": "m-1-2026", "choices": [{"message": message, "finish_reason": "stop"}]}


def line(**changes: Any) -> bytes:
    values = {"id": "batch_req_1", "custom_id": "kabc-0-1", "response": None, "error": None}
    return json.dumps(values | changes).encode()


def responded(status: int, body: Any) -> bytes:
    return line(response={"status_code": status, "request_id": "r1", "body": body})


def test_an_answer_is_decoded_with_its_usage() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    got = openai.decode(responded(200, {**answer(content="4"), "usage": usage}))
    assert (got.text, got.model, got.request_id, got.error) == ("4", "m-1-2026", "r1", None)
    assert got.usage == Usage(9, 4, 0, 5, 3)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (responded(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}), "retryable"),
        (responded(500, {"error": {"message": "oops"}}), "retryable"),
        (responded(408, None), "retryable"),
        (responded(498, {"error": {"message": "no capacity", "code": "capacity_exceeded"}}), "retryable"),
        (responded(413, {"error": {"message": "too large", "code": "rate_limit_exceeded"}}), "permanent"),
        (responded(0, ""), "retryable"),
        (line(response={"status_code": None, "body": None}), "retryable"),
        (responded(400, {"error": {"message": "no", "code": "unsupported_value"}}), "permanent"),
        (responded(404, {"error": {"message": "no", "code": "model_not_found"}}), "permanent"),
        (responded(401, {"error": {"message": "key", "code": "invalid_api_key"}}), "auth"),
        (responded(403, {"error": {"message": "region"}}), "auth"),
        (responded(429, {"error": {"message": "quota", "code": "insufficient_quota"}}), "billing"),
        (responded(400, {"error": {"message": "policy", "code": "content_policy_violation"}}), "moderation"),
        (line(error={"code": "batch_expired", "message": "too late"}), "expired"),
        (line(error={"code": "batch_cancelled", "message": "cancelled"}), "cancelled"),
        (line(error={"code": "request_timeout", "message": "slow"}), "retryable"),
        (line(error={"code": "something_new", "message": "?"}), "unknown"),
        (line(error={}), "unknown"),
        (line(), "unknown"),
        (responded(200, {"choices": []}), "unknown"),
        (responded(200, "text"), "unknown"),
        (responded(200, {"choices": ["text"]}), "unknown"),
    ],
)
def test_what_is_no_answer_has_a_class(raw: bytes, kind: str) -> None:
    error = openai.decode(raw).error
    assert error is not None
    assert error.kind == kind
    assert error.message


@pytest.mark.parametrize(
    ("choice", "refusal", "truncated"),
    [
        ({"message": {"content": "x"}, "finish_reason": "length"}, None, True),
        ({"message": {"content": None, "refusal": "I will not"}, "finish_reason": "stop"}, "I will not", False),
        ({"message": {"content": ""}, "finish_reason": "content_filter"}, "content_filter", False),
    ],
)
def test_a_cut_or_refused_answer_is_told_apart(choice: Any, refusal: str | None, truncated: bool) -> None:
    got = openai.decode(responded(200, {"choices": [choice]}))
    assert (got.refusal, got.truncated, got.error) == (refusal, truncated, None)


def test_half_a_surrogate_loses_no_answer() -> None:
    raw = responded(200, answer(content="cut")).replace(b"cut", rb"cut \ud83d")
    assert openai.decode(raw).text == "cut \ud83d"


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"id": 1}', b'{"custom_id": 7}', b"\xff\xfe", b"null"])
def test_what_is_no_line_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        openai.decode(raw)


@pytest.mark.parametrize(
    ("batch", "phase", "late", "files"),
    [
        ({"status": "in_progress"}, "running", False, {}),
        ({"status": "cancelling"}, "running", False, {}),
        ({"status": "completed", "output_file_id": "f"}, "ended", False, {"output": "f"}),
        ({"status": "completed", "output_file_id": "", "error_file_id": "e"}, "ended", False, {"errors": "e"}),
        ({"status": "completed"}, "ended", True, {}),
        ({"status": "expired", "request_counts": {"completed": 1}}, "ended", True, {}),
        ({"status": "expired"}, "ended", True, {}),
        ({"status": "cancelled"}, "ended", False, {}),
        ({"status": "failed", "errors": None}, "ended", False, {}),
        ({"status": "paused"}, "unknown", False, {}),
        ({}, "unknown", False, {}),
    ],
)
def test_every_state_of_a_batch_has_a_meaning(batch: Any, phase: str, late: bool, files: Any) -> None:
    status = openai_objects.status_of({"id": "b", **batch})
    assert (status.phase, status.late, dict(status.files)) == (phase, late, files)


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ({"data": [{"code": "token_limit_exceeded", "message": "full"}]}, "queue_full"),
        ({"data": [{"code": "invalid_request", "message": "Cannot find file file-x, or …"}]}, "retryable"),
        ({"data": [{"code": "invalid_json_line", "message": "bad", "line": 3}]}, "permanent"),
        ([{"code": "insufficient_quota", "message": "money"}], "billing"),
        ([{"code": "invalid_method", "message": "Invalid value: 'GET'", "param": "method", "line": 4}], "permanent"),
        ([], "retryable"),
        (None, "retryable"),
    ],
)
def test_a_batch_that_failed_as_a_whole_is_classed(errors: Any, kind: str) -> None:
    error = openai_objects.batch_error(errors)
    assert error.kind == kind


@pytest.mark.parametrize("code", ["json_validate_failed", "tool_use_failed"])
@pytest.mark.parametrize(("written", "text"), [({"failed_generation": "I think so"}, "I think so"), ({}, "")])
def test_a_text_that_the_server_held_back_is_an_answer_and_no_error(code: str, written: Any, text: str) -> None:
    got = openai.decode(responded(400, {"error": {"message": "no JSON", "code": code, **written}}))
    assert (got.text, got.error, got.request_id) == (text, None, "r1")


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": {"message": "m", "code": "c"}}, "m", "c"),
        ({"error": {"message": "m"}}, "m", None),
        ({"object": "error", "message": "m", "type": "BadRequestError", "param": None, "code": 400}, "m", None),
        ([{"error": {"message": "m", "code": "c"}}], "m", "c"),
        ([{"message": "m", "code": "c"}], "m", "c"),
        ({"error": "m"}, "m", None),
        ({"detail": "m"}, "{'detail': 'm'}", None),
        ([], "status 400 and an empty body", None),
        ("m", "m", None),
        (None, "status 400 and an empty body", None),
    ],
)
def test_an_error_body_of_any_shape_says_what_it_says(body: Any, message: str, code: str | None) -> None:
    assert openai.decode(responded(400, body)).error == Error("permanent", message, 400, code)


BAD = {"code": "invalid_method", "message": "Supported values are: 'POST'", "param": "method", "line": 4}


@pytest.mark.parametrize(
    ("status", "errors", "message"),
    [
        ("completed", [BAD], "Supported values are: 'POST' (line 4)"),
        ("completed", {"object": "list", "data": [BAD, BAD]}, "Supported values are: 'POST' (line 4); 1 more"),
        ("completed", None, None),
        ("completed", [], None),
        ("completed", {"object": "list", "data": []}, None),
        ("completed", [{"code": "token_limit_exceeded", "message": "full"}], None),
        ("in_progress", [BAD], None),
        ("failed", [BAD], "Supported values are: 'POST' (line 4)"),
    ],
)
def test_a_batch_may_end_well_and_tell_of_bad_lines(status: str, errors: Any, message: str | None) -> None:
    error = openai_objects.status_of({"id": "b", "status": status, "errors": errors}).error
    assert (error and error.message) == message
    assert error is None or error.kind == "permanent"


def test_a_body_of_vllm_without_an_error_key_is_read_whole() -> None:
    message = {"role": "assistant", "content": "<think>\nhm\n</think>\n\n4", "tool_calls": []}
    body = {
        "model": "v",
        "choices": [{"message": message, "finish_reason": "stop", "stop_reason": None}],
        "usage": {"prompt_tokens": 9, "total_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": None},
        "prompt_logprobs": None,
    }
    raw = {"id": "batch-req-1", "custom_id": "k-0-1", "response": {"status_code": 200, "body": body}}
    got = openai.decode(json.dumps(raw).encode())
    assert (got.text, got.error, got.usage) == (message["content"], None, Usage(9, 0, 0, 1, 0))


@pytest.mark.parametrize(("stamp", "seconds"), [(5, 5.0), ("1750000000", 1.75e9), (None, None), ("soon", None)])
def test_a_time_may_be_text(stamp: Any, seconds: float | None) -> None:
    assert openai_objects.number_of(stamp) == seconds


class Listing:
    """A server's pages, and what it was asked for."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.asked: list[Any] = []

    def __call__(self, **position: Any) -> Any:
        self.asked.append(position)
        return SimpleNamespace(content=json.dumps(self.pages.pop(0)))


def page(*ids: str, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": one} for one in ids], **more}


@pytest.mark.parametrize(
    ("pages", "ids", "asked"),
    [
        ((page("a", has_more=True), page("b", has_more=False)), "ab", [{}, {"after": "a"}]),
        (
            (page("a", paging={"next_cursor": "x"}), page("b", paging={"next_cursor": None})),
            *("ab", [{}, {"extra_query": {"cursor": "x"}}]),
        ),
        ((page("a", "b"),), "ab", [{}]),  # neither: one page, or a client would ask for ever
        ((page("a", paging=None),), "a", [{}]),
        ((page(has_more=True),), "", [{}]),
        ((page("a", has_more=True), page("a", has_more=True)), "aa", [{}, {"after": "a"}]),  # passes over `after`
    ],
)
def test_a_listing_is_read_to_its_end_whichever_way_it_goes_on(pages: Any, ids: str, asked: Any) -> None:
    listing = Listing(*pages)
    assert "".join(item["id"] for found in openai._paged("list", listing) for item in found) == ids
    assert listing.asked == asked


def test_a_refused_connection_is_no_unclear_create() -> None:
    from harness.settings import Limits, Provider

    limits = Limits(batch_requests=1, batch_bytes=1, line_bytes=1, enqueued_tokens=None)
    nowhere = Provider(
        name="x",
        protocol="openai",
        base_url="http://127.0.0.1:9/v1",
        api_key_env=None,
        windows=("24h",),
        limits=limits,
        tokenizer=None,
        prices_id=None,
        price_factor=0.5,
        deletes_files=True,
        dialect="openai",
        emulator_path="/v1",
        evidence={},
    )
    client = openai.connect(nowhere, "none")
    with pytest.raises(ProviderError) as caught, openai_errors.errors("create", unclear=True):
        client.batches.create(input_file_id="f", endpoint="/v1/chat/completions", completion_window="24h")
    assert caught.value.kind == "retryable"
    client.close()


# ---- the Responses API


def test_a_request_of_the_responses_api_is_these_bytes() -> None:
    what = fixed(
        api="responses",
        parameters={"max_output_tokens": 400, "store": False, "text": {"verbosity": "low"}},
        output="json_schema",
        schema=SentSchema("task", {"type": "object"}, True),
    )
    body = openai.encoder(what)(request(("system", "Be brief."), ("user", "hi"))).decode()
    assert openai.line("kabc-0-1", body.encode(), what).decode() == (
        '{"custom_id":"kabc-0-1","method":"POST","url":"/v1/responses","body":{"model":"m-1","input":'
        '[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}],"max_output_tokens":400,'
        '"store":false,"text":{"verbosity":"low","format":{"type":"json_schema","name":"task",'
        '"schema":{"type":"object"},"strict":true}}}}\n'
    )


def test_free_text_and_json_mode_over_the_responses_api() -> None:
    free = json.loads(openai.encoder(fixed(api="responses"))(request(("user", "hi"))))
    assert free == {"model": "m-1", "input": [{"role": "user", "content": "hi"}]}
    mode = json.loads(openai.encoder(fixed(api="responses", output="json_object"))(request(("user", "hi"))))
    assert mode["text"] == {"format": {"type": "json_object"}}


def response(*content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    items = [{"type": "reasoning", "summary": []}, {"type": "message", "role": "assistant", "content": list(content)}]
    values = {"object": "response", "status": "completed", "model": "m-1-2026", "error": None, "output": items}
    return values | {"incomplete_details": None} | changes


def test_an_answer_of_the_responses_api_is_decoded_with_its_usage() -> None:
    usage = {
        "input_tokens": 9,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    parts = ({"type": "output_text", "text": "4"}, {"type": "output_text", "text": "2"})
    got = openai.decode(responded(200, response(*parts, usage=usage)))
    assert (got.text, got.refusal, got.finish_reason, got.truncated) == ("42", None, "completed", False)
    assert (got.model, got.request_id, got.error, got.usage) == ("m-1-2026", "r1", None, Usage(9, 4, 2, 5, 3))


@pytest.mark.parametrize(
    ("body", "text", "refusal", "truncated"),
    [
        (response({"type": "refusal", "refusal": "no"}), None, "no", False),
        (
            response(
                {"type": "output_text", "text": "4"},
                status="incomplete",
                incomplete_details={"reason": "max_output_tokens"},
            ),
            *("4", None, True),
        ),
        (
            response(status="incomplete", incomplete_details={"reason": "content_filter"}),
            *(None, "content_filter", False),
        ),
        (response(status="incomplete", output=[]), None, None, True),
        (response(output=[None, {"type": "message", "content": None}, {"type": "message"}]), None, None, False),
    ],
)
def test_an_answer_that_is_not_whole_says_why(
    body: dict[str, Any], text: str | None, refusal: str | None, truncated: bool
) -> None:
    got = openai.decode(responded(200, body))
    assert (got.text, got.refusal, got.truncated, got.error) == (text, refusal, truncated, None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "m"}, "retryable"),
        ({"code": "rate_limit_exceeded", "message": "m"}, "retryable"),
        ({"code": "invalid_prompt", "message": "m"}, "moderation"),
        ({"code": "invalid_image", "message": "m"}, "permanent"),
        (None, "unknown"),
    ],
)
def test_an_answer_that_failed_while_it_was_made_is_classed(error: Any, kind: str) -> None:
    got = openai.decode(responded(200, response(status="failed", error=error, output=[])))
    assert got.error is not None
    assert (got.error.kind, got.error.message) == (kind, "m" if error else "the answer has the status failed")


def test_text_parts_are_joined_and_an_error_in_a_200_is_an_error() -> None:
    parts = [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]
    assert openai.decode(responded(200, answer(content=parts))).text == "42"
    got = openai.decode(responded(200, {"error": {"message": "model not loaded"}}))
    assert got.error is not None
    assert (got.error.kind, got.error.message) == ("unknown", "model not loaded")


ODD: list[Any] = [5, "x", [], ["x"], {"a": 1}, {}, True, -1, 1.5, None]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_a_server_that_is_nearly_compatible_loses_no_answer(odd: Any) -> None:
    part = {"type": "output_text", "text": "4"}
    bodies = [
        *({"choices": [{"message": {"content": "4"}}]} | {key: odd} for key in ("usage", "model")),
        *({"choices": [{"message": {"content": "4"}, "finish_reason": odd}]}, {"choices": [{"message": odd}]}),
        {"choices": [{"message": {"content": odd, "refusal": odd}}], "usage": {"prompt_tokens": odd}},
        {"choices": [{"message": {"content": "4"}}], "usage": {"prompt_tokens_details": odd, "completion_tokens": odd}},
        *(response(part) | {key: odd} for key in ("usage", "model", "status", "incomplete_details", "error")),
        response(part, status="incomplete", incomplete_details={"reason": odd}),
        response(part, status="failed", error=odd),
        response(part, status="failed", error={"code": odd, "message": odd}),
        response(part, output=[odd, {"type": "message", "content": odd}, {"type": "message", "content": [odd, part]}]),
        response({"type": "refusal", "refusal": odd}, usage={"input_tokens": odd, "output_tokens_details": odd}),
    ]
    for body in bodies:
        got = openai.decode(responded(200, body))
        for value in (got.text, got.refusal, got.finish_reason, got.model, got.request_id):
            assert value is None or isinstance(value, str)
        counts = [getattr(got.usage, name) for name in Usage.__slots__] if got.usage else []
        assert all(type(count) is int and count >= 0 for count in counts)
    for error in ({"code": odd, "message": odd}, odd):
        for refused in (responded(400, {"error": error}), line(error=error or {"x": 1})):
            found = openai.decode(refused).error
            assert found is not None
            assert isinstance(found.message, str)
            assert found.code is None or isinstance(found.code, str)


def test_a_batch_is_ours_by_its_label_or_lacking_any_by_its_input_file() -> None:
    ours = {"f1": "kabcdefghijk2-0001"}
    labels: list[Any] = [{"harness_key": "k2bcdefghijkl-0001-1"}, {"team": "x"}, None, "x", {"harness_key": 5}]
    found = [
        openai_objects.batch_of({"id": "b", "input_file_id": file, "metadata": label, "created_at": "7"}, ours)
        for file in ("f1", "f2")
        for label in labels
    ]
    names = ["k2bcdefghijkl-0001-1", *["kabcdefghijk2-0001"] * 3, None, "k2bcdefghijkl-0001-1", *[None] * 4]
    assert [one and one.name for one in found] == names
    assert {one.created_at for one in found if one} == {7.0}
