"""What is found in the input file while a batch is validating."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai import OpenAI

from harness.emulator import Running, Settings, serve_in_thread

from .conftest import CHAT, Start, body, request, requests, submit

CASES: list[tuple[Any, str, str, str | None]] = [
    (b"not json\n", "invalid_json_line", "This line is not parseable as valid JSON.", None),
    (b"\n", "invalid_json_line", "This line is not parseable as valid JSON.", None),
    (b"[]\n", "invalid_json_line", "This line is not parseable as valid JSON.", None),
    *(
        (
            {key: value for key, value in request("x").items() if key != gone},
            "missing_required_parameter",
            f"Missing required parameter: '{gone}'.",
            gone,
        )
        for gone in ("custom_id", "method", "url", "body")
    ),
    (request("q-0"), "duplicate_custom_id", "The custom_id for this request is a duplicate of", "custom_id"),
    (request("x") | {"custom_id": 5}, "invalid_type", "Invalid type for 'custom_id'", "custom_id"),
    (request("x", url="/v1/responses"), "invalid_url", "does not match the batch endpoint.", "url"),
    (request("x", method="GET"), "invalid_method", "'POST'", "method"),
    (
        request("x", body=body(stream=True)),
        "streaming_unsupported",
        "Chat Completions: Streaming is not supported in the Batch API.",
        "body.stream",
    ),
    (request("x", body={"messages": []}), "invalid_request", "Model parameter is required.", "body.model"),
    (
        request("x", body={"model": "gpt-4o-mini"}),
        "invalid_request",
        "Messages parameter is required.",
        "body.messages",
    ),
    (
        request("x", body=body(model="gpt-99")),
        "model_not_found",
        "The provided model 'gpt-99' is not supported by the Batch API.",
        "body.model",
    ),
    (request("x", body=body(model="gpt-4o-search-preview")), "model_not_found", "is not supported by", "body.model"),
    (request("x", body=body(model="o1-pro")), "model_not_found", "is not supported by the Batch API.", "body.model"),
    (request("x", body=body(model="gpt-4o")), "mismatched_model", "same model", "body.model"),
    (request("x", body="text"), "invalid_type", "Invalid type for 'body'", "body"),
]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One emulator for all tests of this file: none of them leaves anything that another one sees."""
    with serve_in_thread(tmp_path_factory.mktemp("state"), Settings(speed=0)) as running:
        yield running


@pytest.mark.parametrize(("row", "code", "message", "param"), CASES)
def test_a_bad_line_fails_the_batch(
    emulator: Running, client: OpenAI, row: Any, code: str, message: str, param: str | None
) -> None:
    batch = submit(client, [*requests(2), row, request("last")])
    assert batch.status == "validating"
    emulator.advance(10)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert batch.errors.data is not None
    (error,) = batch.errors.data
    assert (error.code, error.param, error.line) == (code, param, 3)
    assert message in (error.message or "")
    assert batch.failed_at is not None
    assert batch.request_counts is not None
    assert (batch.request_counts.total, batch.output_file_id, batch.error_file_id) == (0, None, None)
    assert emulator.audit()["executed"] == 0


def test_a_file_that_is_not_there_fails_the_batch_later(emulator: Running, client: OpenAI) -> None:
    batch = client.batches.create(input_file_id="file-gone", endpoint=CHAT, completion_window="24h")
    emulator.advance(10)
    batch = client.batches.retrieve(batch.id)
    assert batch.errors is not None
    assert batch.errors.data is not None
    assert batch.errors.data[0].code == "invalid_request"
    assert (batch.errors.data[0].message or "").startswith("Cannot find file file-gone, or organization org-")


def test_at_most_a_hundred_errors_are_kept(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, [request("a"), *[b"broken\n"] * 300])
    emulator.advance(10)
    errors = client.batches.retrieve(batch.id).errors
    assert errors is not None
    assert errors.data is not None
    assert [error.line for error in errors.data] == list(range(2, 102))


def test_too_many_lines_fail_the_batch(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, [b"{}\n"] * 50_001)
    emulator.advance(10)
    errors = client.batches.retrieve(batch.id).errors
    assert errors is not None
    assert errors.data is not None
    assert [error.code for error in errors.data] == ["too_many_tasks"]


def test_a_full_queue_fails_the_second_batch(start: Start, connect: Callable[..., OpenAI]) -> None:
    emulator = start(enqueued_tokens=300)
    client = connect(emulator)
    first = submit(client, requests(5))
    emulator.advance(5)
    second = submit(client, requests(5))
    emulator.advance(5)
    assert client.batches.retrieve(first.id).status == "in_progress"
    errors = client.batches.retrieve(second.id).errors
    assert errors is not None
    assert errors.data is not None
    assert errors.data[0].code == "token_limit_exceeded"
    assert "Enqueued token limit reached for gpt-4o-mini in organization" in (errors.data[0].message or "")
    emulator.advance(100)
    third = submit(client, requests(5))
    emulator.advance(100)
    assert client.batches.retrieve(third.id).status == "completed"
