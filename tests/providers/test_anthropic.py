"""The anthropic protocol: the exact bytes of a request, and every shape of result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.providers import anthropic
from harness.types import Fixed, Message, Request, Sample, SentSchema, Usage

SAMPLE = Sample("s1", 0, {}, None, {})
ODD: list[Any] = [5, "x", [], ["x"], {"a": 1}, {}, True, -1, 1.5, None]


def fixed(**changes: Any) -> Fixed:
    values: dict[str, Any] = {"model": "m-1", "api": "messages", "parameters": {"max_tokens": 400}, "output": "text"}
    return Fixed(**(values | {"schema": None, "system_role": "system", "suffix": None, "rules": ()} | changes))


def request(*turns: tuple[str, str]) -> Request:
    return Request(0, 0, SAMPLE, tuple(Message(role, text) for role, text in turns))


def test_a_request_is_these_bytes() -> None:
    what = fixed(
        parameters={"max_tokens": 400, "output_config": {"effort": "low"}},
        output="json_schema",
        schema=SentSchema("task", {"type": "object"}, True),
    )
    turns = request(("system", "Be brief."), ("user", "hi"), ("assistant", "ho"), ("user", 'a "b"\n'))
    body = anthropic.encoder(what)(turns)
    assert anthropic.line("kabc-0-1", body, what).decode() == (
        '{"custom_id":"kabc-0-1","params":{"model":"m-1","system":"Be brief.","messages":'
        '[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"},{"role":"user","content":"a \\"b\\"\\n"}],'
        '"max_tokens":400,"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}}\n'
    )


def test_without_system_text_there_is_no_system() -> None:
    body = json.loads(anthropic.encoder(fixed())(request(("system", ""), ("user", "hi"))))
    assert body == {"model": "m-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 400}


def test_the_body_of_a_create_call_is_the_file_with_commas(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    rows = [{"custom_id": f"k-{n}-1", "params": {"text": "é\n" * n}} for n in range(5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    body = anthropic.Body(path)
    sent = b"".join(body)
    assert len(sent) == body.size
    assert json.loads(sent) == {"requests": rows}


def result(kind: str, **fields: Any) -> bytes:
    return json.dumps({"custom_id": "k-0-1", "result": {"type": kind, **fields}}).encode()


def message(*content: Any, **changes: Any) -> dict[str, Any]:
    values = {"id": "msg_1", "model": "m-1-2026", "content": list(content), "stop_reason": "end_turn"}
    return values | changes


def test_an_answer_is_decoded_with_its_usage_cached_tokens_included() -> None:
    usage = {
        "input_tokens": 9,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 2,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 3},
    }
    parts = ({"type": "thinking", "thinking": "…"}, {"type": "text", "text": "4"}, {"type": "text", "text": "2"})
    got = anthropic.decode(result("succeeded", message=message(*parts, usage=usage)))
    assert (got.text, got.finish_reason, got.truncated, got.refusal) == ("42", "end_turn", False, None)
    assert (got.model, got.request_id, got.error, got.usage) == ("m-1-2026", "msg_1", None, Usage(15, 4, 2, 5, 3))


@pytest.mark.parametrize(
    ("reason", "truncated", "refused"),
    [
        ("max_tokens", True, False),
        ("model_context_window_exceeded", True, False),
        ("refusal", False, True),
        ("stop_sequence", False, False),
    ],
)
def test_the_stop_reason_tells_whether_an_answer_is_whole(reason: str, truncated: bool, refused: bool) -> None:
    got = anthropic.decode(result("succeeded", message=message(stop_reason=reason)))
    assert (got.text, got.truncated, got.refusal is not None) == (None, truncated, refused)


@pytest.mark.parametrize(
    ("kind", "classed"),
    [
        ("invalid_request_error", "permanent"),
        ("not_found_error", "permanent"),
        ("api_error", "retryable"),
        ("overloaded_error", "retryable"),
        ("rate_limit_error", "retryable"),
        ("billing_error", "billing"),
        ("authentication_error", "auth"),
        ("new_error", "unknown"),
    ],
)
def test_an_error_is_classed_by_its_inner_type(kind: str, classed: str) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "no"}, "request_id": None}
    got = anthropic.decode(result("errored", error=error)).error
    assert got is not None
    assert (got.kind, got.message, got.code) == (classed, "no", kind)


def test_what_never_ran_says_why() -> None:
    kinds = [anthropic.decode(result(kind)).error for kind in ("expired", "canceled", "unheard_of")]
    assert [error and error.kind for error in kinds] == ["expired", "cancelled", "unknown"]


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"custom_id": 3}', b"no json"])
def test_a_line_that_is_none_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        anthropic.decode(line)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_no_odd_value_loses_an_answer(odd: Any) -> None:
    part = {"type": "text", "text": "4"}
    for one in (
        *(message(part, **{key: odd}) for key in ("usage", "model", "id", "stop_reason", "content")),
        message(odd, {"type": "text", "text": odd}, part),
        message(part, usage={"input_tokens": odd, "output_tokens_details": odd}),
    ):
        got = anthropic.decode(result("succeeded", message=one))
        for value in (got.text, got.refusal, got.finish_reason, got.model, got.request_id):
            assert value is None or isinstance(value, str)
    for broken in (
        result("succeeded", message=odd),
        result("errored", error=odd),
        result("errored", error={"error": odd}),
    ):
        assert anthropic.decode(broken).error is not None
