"""Groq's accent: the official groq SDK and the openai SDK, both unmodified."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import groq
import openai
import pytest

from harness.emulator import Running
from tests.emulator.conftest import CHAT, Start, body, jsonl

SMALL, LARGE, LLAMA = "openai/gpt-oss-20b", "openai/gpt-oss-120b", "llama-3.3-70b-versatile"
SCOUT, QWEN, QWEN_NEW = "meta-llama/llama-4-scout-17b-16e-instruct", "qwen/qwen3-32b", "qwen/qwen3.8-27b"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}

FORM = {"name": "x", "schema": SCHEMA}


def root(emulator: Running) -> str:
    return emulator.url.removesuffix("/v1")


def connected(emulator: Running, key: str = "gsk_test") -> groq.Groq:
    return groq.Groq(base_url=root(emulator), api_key=key, max_retries=0)


def raw(emulator: Running, path: str) -> dict[str, Any]:
    """Ask without an SDK."""
    request = urllib.request.Request(root(emulator) + path, headers={"Authorization": "Bearer k"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return dict(json.load(response))


@pytest.fixture
def client(emulator: Running) -> Iterator[groq.Groq]:
    with connected(emulator) as one:
        yield one


@pytest.fixture
def as_openai(emulator: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{root(emulator)}/openai/v1", api_key="gsk_test", max_retries=0) as one:
        yield one


def row(custom_id: str, model: str = SMALL, **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body(custom_id, model), **more}


def submit(client: groq.Groq, rows: list[Any], window: str = "24h", **more: Any) -> Any:
    file = client.files.create(file=("in.jsonl", jsonl(rows)), purpose="batch")
    window_: Any = window
    return client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window=window_, **more)


def read(client: groq.Groq, file_id: str | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(file_id).text().splitlines()] if file_id else []


def test_a_batch_of_mixed_models_lives_as_groq_tells(emulator: Running, client: groq.Groq) -> None:
    batch = submit(client, [row("a"), row("b", LLAMA), row("c", LARGE)], metadata={"run": "a1"})
    assert batch.id.startswith("batch_01")
    assert (batch.status, batch.metadata) == ("validating", {"run": "a1"})
    emulator.advance(120)
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.errors, batch.error_file_id) == ("completed", None, None)
    lines = read(client, batch.output_file_id)
    served = {line["custom_id"]: line["response"]["body"]["model"] for line in lines}
    assert served == {"a": SMALL, "b": LLAMA, "c": LARGE}
    assert all(line["id"].startswith("batch_req_01") and line["error"] is None for line in lines)


def test_batches_and_files_have_the_keys_that_groq_has(client: groq.Groq) -> None:
    batch = submit(client, [row("a")])
    assert not {"model", "usage"} & set(batch.model_dump())
    file = client.files.info(batch.input_file_id)
    assert set(file.model_dump()) == {"id", "bytes", "created_at", "filename", "object", "purpose"}
    assert file.id is not None
    assert file.id.startswith("file_01")
    deleted = client.files.delete(file.id)
    assert (deleted.id, deleted.deleted) == (file.id, True)
    with pytest.raises(groq.NotFoundError):
        client.files.info(file.id)


def test_a_bad_line_fails_alone_and_is_told_in_a_bare_array(emulator: Running, client: groq.Groq) -> None:
    rows = [row("a"), row("b", method="GET"), row("c", "no-such-model"), row("a"), b"{nope\n", row("d")]
    batch = submit(client, rows)
    emulator.advance(120)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (6, 2, 4)
    errors = [(error.code, error.line) for error in batch.errors]
    expected = ["invalid_method", "model_not_found", "duplicate_custom_id", "invalid_json_line"]
    assert errors == list(zip(expected, (2, 3, 4, 5), strict=True))
    assert sorted(line["custom_id"] for line in read(client, batch.output_file_id)) == ["a", "d"]
    failed = read(client, batch.error_file_id)
    assert sorted(str(line["custom_id"]) for line in failed) == ["None", "a", "b", "c"]
    assert {line["response"]["status_code"] for line in failed} == {400}
    assert all("param" not in line["response"]["body"]["error"] for line in failed if line["custom_id"] is None)


def test_a_file_without_a_good_line_fails_the_batch(emulator: Running, client: groq.Groq) -> None:
    batch = submit(client, [row("a", "no-such-model"), row("b", method="PUT")])
    emulator.advance(120)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "failed"
    assert [error.code for error in batch.errors] == ["model_not_found", "invalid_method"]


def test_a_model_that_is_not_batched_fails_its_line_only(emulator: Running, client: groq.Groq) -> None:
    batch = submit(client, [row("a"), row("b", "moonshotai/kimi-k2-instruct")])
    emulator.advance(120)
    assert client.batches.retrieve(batch.id).request_counts.failed == 1


@pytest.mark.parametrize(("window", "hours"), [("24h", 24), ("36h", 36), ("48h", 48), ("2d", 48), ("7d", 168)])
def test_a_window_is_a_day_to_a_week(client: groq.Groq, window: str, hours: int) -> None:
    batch = submit(client, [row("a")], window)
    assert batch.completion_window == window
    assert batch.expires_at - batch.created_at == hours * 3600


@pytest.mark.parametrize("window", ["1h", "23h", "8d", "169h", "24", "1w", ""])
def test_any_other_window_is_refused(client: groq.Groq, window: str) -> None:
    with pytest.raises(groq.BadRequestError, match="Value must be '24h' to '7d'") as caught:
        submit(client, [row("a")], window)
    body: Any = caught.value.body
    assert body["error"]["param"] == "completion_window"


def test_what_runs_out_of_time_expires_at_the_end_of_its_own_window(start: Start) -> None:
    emulator = start(faults=[{"fault": "stuck"}])
    with connected(emulator) as client:
        batch = submit(client, [row("a")], "48h")
        emulator.advance(25 * 3600)
        assert client.batches.retrieve(batch.id).status == "in_progress"


def test_lists_go_on_by_cursor_and_pass_over_after(emulator: Running, client: groq.Groq) -> None:
    ids = [submit(client, [row(f"q{n}")]).id for n in range(25)][::-1]
    first: Any = client.batches.list()
    assert [batch.id for batch in first.data] == ids[:20]
    assert "has_more" not in first.model_dump()
    second: Any = client.batches.list(extra_query={"cursor": first.paging["next_cursor"]})
    assert [batch.id for batch in second.data] == ids[20:]
    assert second.paging == {}
    again: Any = client.batches.list(extra_query={"after": ids[19]})
    assert [batch.id for batch in again.data] == ids[:20]
    some = raw(emulator, f"/openai/v1/batches?id={ids[3]}&id={ids[22]}")
    assert [batch["id"] for batch in some["data"]] == [ids[3], ids[22]]


def test_providers_do_not_see_what_lies_at_another(emulator: Running, client: groq.Groq) -> None:
    batch = submit(client, [row("a")])
    with openai.OpenAI(base_url=emulator.url, api_key="k", max_retries=0) as other:
        assert other.batches.list().data == []
        assert other.files.list().data == []
        with pytest.raises(openai.NotFoundError):
            other.batches.retrieve(batch.id)
        with pytest.raises(openai.NotFoundError):
            other.files.content(batch.input_file_id)


def test_a_cancelled_batch_keeps_what_ran_and_marks_the_rest(emulator: Running, client: groq.Groq) -> None:
    batch = submit(client, [row(f"q{n}") for n in range(40)])
    emulator.advance(15)
    assert client.batches.cancel(batch.id).status == "cancelling"
    emulator.advance(15)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "cancelled"
    lines = read(client, batch.output_file_id) + read(client, batch.error_file_id)
    assert sorted(line["custom_id"] for line in lines) == sorted(f"q{n}" for n in range(40))
    assert {line["error"]["code"] for line in read(client, batch.error_file_id)} == {"batch_cancelled"}


def test_the_openai_sdk_goes_through_too(emulator: Running, as_openai: openai.OpenAI) -> None:
    file = as_openai.files.create(file=("in.jsonl", jsonl([row("a"), row("b", method="GET")])), purpose="batch")
    assert file.status is None
    window: Any = "7d"
    batch = as_openai.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window=window)
    emulator.advance(120)
    batch = as_openai.batches.retrieve(batch.id)
    assert isinstance(batch.errors, list)
    assert batch.output_file_id is not None
    assert json.loads(as_openai.files.content(batch.output_file_id).text)["custom_id"] == "a"


# ---- direct calls, and what the models refuse


def ask(client: groq.Groq, model: str, **more: Any) -> Any:
    messages: Any = more.pop("messages", [{"role": "user", "content": "say it in json"}])
    extra = {name: more.pop(name) for name in ("store", "foo", "reasoning_format") if name in more}
    return client.chat.completions.create(model=model, messages=messages, extra_body=extra, **more)


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        (SMALL, {"n": 2}, "'n' : number must be at most 1"),
        (SMALL, {"logprobs": True}, "`logprobs` is not supported with this model"),
        (LLAMA, {"logit_bias": {"1": 1}}, "`logit_bias` is not supported with this model"),
        (SMALL, {"store": True}, "property 'store' is unsupported"),
        (SMALL, {"foo": 1}, "property 'foo' is unsupported"),
        (SMALL, {"temperature": 3}, "temperature"),
        (SMALL, {"reasoning_effort": "none"}, "`reasoning_effort` must be one of `low`, `medium`, or `high`"),
        (QWEN, {"reasoning_effort": "high"}, "`reasoning_effort` must be one of `none` or `default`"),
        (LLAMA, {"reasoning_effort": "low"}, "`reasoning_effort` is not supported with this model"),
        (SMALL, {"reasoning_format": "raw"}, "`reasoning_format` is not supported with this model"),
        (QWEN, {"reasoning_format": "raw", "response_format": {"type": "json_object"}}, "excludes JSON mode"),
        (LLAMA, {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "json_schema"),
        (
            SCOUT,
            {"response_format": {"type": "json_schema", "json_schema": {**FORM, "strict": True}}},
            "`strict`",
        ),
        (SMALL, {"messages": [{"role": "user", "content": "x", "name": "n"}]}, "property 'name' is unsupported"),
        (
            LLAMA,
            {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"}},
            "must contain the word 'json'",
        ),
    ],
)
def test_what_a_model_does_not_take_is_refused(client: groq.Groq, model: str, more: Any, words: str) -> None:
    with pytest.raises(groq.BadRequestError) as caught:
        ask(client, model, **more)
    body: Any = caught.value.body
    assert words in body["error"]["message"]
    assert None not in body["error"].values()


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (
            SMALL,
            {"temperature": 0, "reasoning_effort": "high", "max_completion_tokens": 2000, "seed": 1},
        ),
        (QWEN_NEW, {"reasoning_effort": "high", "reasoning_format": "parsed"}),
        (LLAMA, {"max_tokens": 5, "frequency_penalty": 1, "response_format": {"type": "json_object"}}),
        (SMALL, {"response_format": {"type": "json_schema", "json_schema": FORM}}),
    ],
)
def test_what_a_model_takes_passes(client: groq.Groq, model: str, more: Any) -> None:
    answer = ask(client, model, **more)
    assert answer.model == model
    assert answer.usage.total_time > 0
    assert answer.x_groq.id.startswith("req_01")


def test_thoughts_stand_where_the_request_wants_them(client: groq.Groq) -> None:
    raw = ask(client, QWEN).choices[0].message
    assert raw.content.startswith("<think>")
    assert "</think>" in raw.content
    parsed = ask(client, QWEN, reasoning_format="parsed").choices[0].message
    assert "<think>" not in parsed.content
    assert parsed.reasoning
    hidden = ask(client, QWEN, reasoning_format="hidden").choices[0].message
    assert (hidden.reasoning, "<think>" in hidden.content) == (None, False)
    assert ask(client, SMALL).choices[0].message.reasoning
    silent = ask(client, QWEN, reasoning_effort="none").choices[0].message
    assert (silent.reasoning, "<think>" in silent.content) == (None, False)


def test_an_unknown_model_and_an_unknown_path_are_404(client: groq.Groq, emulator: Running) -> None:
    with pytest.raises(groq.NotFoundError, match="The model `nope` does not exist or you do not have access to it"):
        ask(client, "nope")
    with pytest.raises(groq.NotFoundError):
        client.embeddings.create(model=SMALL, input="x")
    assert client.models.retrieve(SMALL).id == SMALL
    assert LLAMA in {model.id for model in client.models.list().data}


def test_json_that_does_not_fit_is_a_client_error_with_the_text(start: Start, tmp_path: Any) -> None:
    from hashlib import sha256

    books = tmp_path / "books"
    books.mkdir()
    page = {"digest": sha256(b"json please").hexdigest(), "right": "no JSON", "wrong": "none either"}
    (books / "b.jsonl").write_text(json.dumps({"schema": SCHEMA}) + "\n" + json.dumps(page) + "\n")
    emulator = start(answers="key", books=books, rates={"right": 1.0})
    messages = [{"role": "user", "content": "json please"}]
    with connected(emulator) as client, pytest.raises(groq.BadRequestError) as caught:
        ask(client, LLAMA, messages=messages, response_format={"type": "json_object"})
    body: Any = caught.value.body
    assert body["error"]["code"] == "json_validate_failed"
    assert body["error"]["failed_generation"]


def test_a_wrong_key_is_said_in_few_words(start: Start) -> None:
    emulator = start(api_key="gsk_right")
    with connected(emulator, "gsk_wrong") as client, pytest.raises(groq.AuthenticationError) as caught:
        client.models.list()
    error = {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}
    assert caught.value.body == {"error": error}


def test_a_limit_is_a_429_with_the_seconds_to_wait(start: Start) -> None:
    emulator = start(faults=[{"fault": "rate_limited", "on": "create_batch", "retry_after": 7}])
    with connected(emulator) as client, pytest.raises(groq.RateLimitError) as caught:
        submit(client, [row("a")])
    assert caught.value.response.headers["retry-after"] == "7"
    assert not [name for name in caught.value.response.headers if name.startswith("openai-")]


def test_a_stream_is_cut_from_the_same_answer(client: groq.Groq) -> None:
    messages: Any = [{"role": "user", "content": "hello"}]
    parts = client.chat.completions.create(model=SMALL, messages=messages, stream=True)
    assert "".join(part.choices[0].delta.content or "" for part in parts)


def test_bad_lines_survive_a_restart(start: Start) -> None:
    emulator = start()
    with connected(emulator) as client:
        batch = submit(client, [row("a"), row("b", method="GET"), *(row(f"q{n}") for n in range(20))])
        emulator.advance(15)
    emulator.stop()
    again = start()
    with connected(again) as client:
        again.advance(120)
        done = client.batches.retrieve(batch.id)
        assert (done.request_counts.completed, done.request_counts.failed) == (21, 1)


def test_the_prefix_is_the_only_way_in(emulator: Running) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        raw(emulator, "/groq/v1/models")
    assert caught.value.code == 404
    caught.value.close()
