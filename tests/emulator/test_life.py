"""From upload to result: the life of a batch as a client sees it, and every other call of the service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from openai import OpenAI

from harness.emulator import Running

from .conftest import CHAT, Start, body, content, jsonl, request, requests, submit, upload


def test_a_batch_lives_from_validating_to_completed(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, requests(20), metadata={"run": "a1"})
    assert (batch.status, batch.metadata, batch.endpoint) == ("validating", {"run": "a1"}, CHAT)
    assert batch.expires_at == batch.created_at + 86_400
    seen: dict[str, int] = {}
    for _ in range(80):
        emulator.advance(1)
        look = client.batches.retrieve(batch.id)
        assert look.request_counts is not None
        assert look.request_counts.completed >= seen.get(look.status, 0)
        seen[look.status] = look.request_counts.completed
    assert list(seen) == ["validating", "in_progress", "finalizing", "completed"]
    assert 0 < seen["in_progress"] <= 20
    done = client.batches.retrieve(batch.id)
    stamps = [done.created_at, done.in_progress_at, done.finalizing_at, done.completed_at]
    assert stamps == sorted(stamps, key=lambda stamp: stamp or 0)
    assert (done.failed_at, done.expired_at, done.cancelled_at, done.errors, done.error_file_id) == (None,) * 5
    assert done.model == "gpt-4o-mini-2024-07-18"
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0


def test_every_line_is_in_one_of_the_two_files_in_no_order(emulator: Running, client: OpenAI) -> None:
    rows = requests(50)
    rows[7]["body"]["n"] = 0
    batch = submit(client, rows)
    emulator.advance(100)
    batch = client.batches.retrieve(batch.id)
    output, errors = content(client, batch.output_file_id), content(client, batch.error_file_id)
    assert {row["custom_id"] for row in output} == {f"q-{i}" for i in range(50) if i != 7}
    assert [row["custom_id"] for row in output] != sorted(
        (row["custom_id"] for row in output), key=lambda x: int(x[2:])
    )
    (error,) = errors
    assert (error["custom_id"], error["error"], error["response"]["status_code"]) == ("q-7", None, 400)
    assert error["response"]["body"]["error"]["code"] == "integer_below_min_value"
    (first, *_) = output
    assert first["id"].startswith("batch_req_")
    assert first["response"]["status_code"] == 200
    assert first["response"]["body"]["choices"][0]["finish_reason"] == "stop"
    files = {file.id: file for file in client.files.list(purpose="batch_output")}
    assert batch.output_file_id is not None
    made = files[batch.output_file_id]
    assert made.filename == f"{batch.id}_output.jsonl"
    assert made.expires_at == made.created_at + 2_592_000
    raw = client.files.content(batch.output_file_id)
    assert raw.response.headers["content-type"] == "application/octet-stream"
    assert f'filename="{batch.id}_output.jsonl"' in raw.response.headers["content-disposition"]
    assert b'"custom_id": "' in raw.content


def test_a_batch_of_refused_lines_completes_without_an_output_file(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, [request(f"q-{i}", body=body(model="o3-mini", temperature=0.5)) for i in range(3)])
    emulator.advance(100)
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (0, 3)
    assert {row["response"]["body"]["error"]["code"] for row in content(client, batch.error_file_id)} == {
        "unsupported_value"
    }
    assert emulator.audit()["executed"] == 0


def test_the_three_models_of_the_mission_behave_as_they_do(emulator: Running, client: OpenAI) -> None:
    system = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    cases = {
        "o3-mini": body(model="o3-mini", temperature=0.5),
        "o1-mini": {"model": "o1-mini", "messages": system},
        "gpt-4o-mini": {"model": "gpt-4o-mini", "messages": system, "temperature": 0.5, "max_tokens": 50},
    }
    ids = {name: submit(client, [request(name, body=case)]).id for name, case in cases.items()}
    emulator.advance(100)
    done = {name: client.batches.retrieve(batch_id) for name, batch_id in ids.items()}
    codes = {
        name: [row["response"]["body"]["error"]["code"] for row in content(client, batch.error_file_id)]
        for name, batch in done.items()
    }
    assert codes == {"o3-mini": ["unsupported_value"], "o1-mini": ["unsupported_value"], "gpt-4o-mini": []}


def test_cancelling_half_way_keeps_what_is_finished(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, requests(100))
    emulator.advance(25)
    cancelled = client.batches.cancel(batch.id)
    assert cancelled.status == "cancelling"
    assert cancelled.cancelling_at is not None
    assert client.batches.cancel(batch.id).status == "cancelling"
    emulator.advance(20)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "cancelled"
    assert client.batches.cancel(batch.id).status == "cancelled"
    output, errors = content(client, batch.output_file_id), content(client, batch.error_file_id)
    assert output
    assert errors
    assert len(output) + len(errors) == 100
    assert {row["error"]["code"] for row in errors} == {"batch_cancelled"}
    assert all(row["response"] is None for row in errors)
    assert batch.request_counts is not None
    assert (batch.request_counts.total, batch.request_counts.completed) == (100, len(output))
    assert batch.request_counts.failed == 0
    assert emulator.audit()["executed"] == len(output)


def test_cancelling_before_the_start_runs_nothing(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, requests(4))
    assert client.batches.cancel(batch.id).in_progress_at is None
    emulator.advance(100)
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.output_file_id) == ("cancelled", None)
    assert {row["error"]["code"] for row in content(client, batch.error_file_id)} == {"batch_cancelled"}
    assert emulator.audit()["executed"] == 0


def test_lives_may_go_by_looks(start: Start, connect: Callable[..., OpenAI]) -> None:
    client = connect(start(looks=5))
    batch = submit(client, requests(3))
    looks = [client.batches.retrieve(batch.id).status for _ in range(6)]
    assert looks == ["validating", "in_progress", "in_progress", "finalizing", "completed", "completed"]


def test_batches_are_listed_newest_first_page_by_page(emulator: Running, client: OpenAI) -> None:
    file_id = upload(client, requests(1))
    made = [
        client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h", metadata={"n": str(i)}).id
        for i in range(7)
    ]
    assert [batch.id for batch in client.batches.list(limit=3)] == made[::-1]  # the pager goes on to the end
    page = client.batches.list(limit=3, after=made[4])
    assert [batch.id for batch in page.data] == made[1:4][::-1]
    assert page.has_more
    assert not client.batches.list(limit=100).has_more
    assert client.batches.list(after=made[0]).data == []


def test_files_are_listed_found_read_and_deleted(client: OpenAI) -> None:
    ids = [upload(client, requests(i + 1)) for i in range(5)]
    assert [file.id for file in client.files.list(limit=2)] == ids[::-1]
    assert [file.id for file in client.files.list(order="asc")] == ids
    assert client.files.list(purpose="vision").data == []
    file = client.files.retrieve(ids[1])
    assert (file.bytes, file.status, file.purpose) == (len(jsonl(requests(2))), "processed", "batch")
    assert file.expires_at == file.created_at + 2_592_000
    assert client.files.content(ids[1]).content == jsonl(requests(2))
    with client.files.with_streaming_response.content(ids[1]) as response:
        assert b"".join(response.iter_bytes()) == jsonl(requests(2))
    assert client.files.delete(ids[1]).deleted
    assert len(client.files.list().data) == 4


def test_files_expire(emulator: Running, client: OpenAI) -> None:
    file = client.files.create(
        file=("a.jsonl", jsonl(requests(1))), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    emulator.advance(3599)
    assert client.files.retrieve(file.id)
    emulator.advance(2)
    assert client.files.list().data == []


def test_results_expire_when_the_order_says_so(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, requests(1), output_expires_after={"anchor": "created_at", "seconds": 7200})
    emulator.advance(100)
    batch = client.batches.retrieve(batch.id)
    assert batch.output_file_id is not None
    file = client.files.retrieve(batch.output_file_id)
    assert file.expires_at == file.created_at + 7200


def test_deleting_the_input_does_not_stop_a_batch(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, requests(10))
    client.files.delete(batch.input_file_id)
    emulator.advance(100)
    assert client.batches.retrieve(batch.id).status == "completed"


def test_models_are_listed(client: OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {"o3-mini", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"} <= names
    assert client.models.retrieve("o3-mini").id == "o3-mini"


def test_a_direct_call_answers_like_a_line(emulator: Running, client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    response = client.chat.completions.with_raw_response.create(**body(response_format=wanted))
    completion = response.parse()
    assert completion.choices[0].message.content.startswith('{"a": ')
    assert completion.usage.prompt_tokens > 0
    assert response.headers["x-request-id"].startswith("req_")
    assert "x-ratelimit-remaining-tokens" in response.headers
    audit = emulator.audit()
    assert (audit["direct"], audit["executed"]) == (1, 0)


def test_a_direct_call_streams(client: OpenAI) -> None:
    stream = client.chat.completions.create(**body(stream=True, stream_options={"include_usage": True}))
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert len(text) > 5
    assert chunks[-1].usage.total_tokens > 0
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_tools_stops_choices_and_probabilities_come_as_asked(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    called = client.chat.completions.create(**body(tools=[tool], tool_choice="required")).choices[0]
    assert called.finish_reason == "tool_calls"
    assert called.message.tool_calls[0].function.name == "weather"
    assert "city" in called.message.tool_calls[0].function.arguments
    assert client.chat.completions.create(**body(tools=[tool])).choices[0].finish_reason == "stop"
    many = client.chat.completions.create(**body(n=3, stop=[" "], logprobs=True, top_logprobs=2))
    assert len({choice.index for choice in many.choices}) == 3
    assert all(" " not in choice.message.content for choice in many.choices)
    assert len(many.choices[0].logprobs.content[0].top_logprobs) == 2


def test_a_small_cap_cuts_the_answer_and_may_leave_none(client: OpenAI) -> None:
    cut = client.chat.completions.create(**body(max_tokens=2))
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens == 2
    empty = client.chat.completions.create(**body(model="o3-mini", max_completion_tokens=10, reasoning_effort="high"))
    assert (empty.choices[0].message.content, empty.choices[0].finish_reason) == ("", "length")
    assert empty.usage.completion_tokens_details.reasoning_tokens == 10


def test_extra_models_have_no_rules(start: Start, connect: Callable[..., OpenAI]) -> None:
    emulator = start(extra_models=("llama-of-mine",))
    client = connect(emulator)
    batch = submit(client, [request("a", body=body(model="llama-of-mine", temperature=0.3, top_k=5))])
    emulator.advance(100)
    assert len(content(client, client.batches.retrieve(batch.id).output_file_id)) == 1


def test_the_same_seed_and_input_give_the_same_bytes(start: Start, connect: Callable[..., OpenAI]) -> None:
    def run(name: str, seed: int) -> bytes:
        emulator = start(name, seed=seed, now=4_000_000_000.0)
        client = connect(emulator)
        batch = submit(client, requests(30))
        emulator.advance(100)
        output = client.batches.retrieve(batch.id).output_file_id
        assert output is not None
        return client.files.content(output).content

    assert run("a", 1) == run("b", 1) != run("c", 2)


def test_a_repeated_question_gets_another_answer(emulator: Running, client: OpenAI) -> None:
    rows = [request(f"q-{i}", body=body("the same")) for i in range(20)]
    batch = submit(client, rows)
    emulator.advance(100)
    output = content(client, client.batches.retrieve(batch.id).output_file_id)
    answers = Counter(row["response"]["body"]["choices"][0]["message"]["content"] for row in output)
    assert len(answers) > 10
    audit = emulator.audit()
    assert (audit["bodies"], audit["executed_by_body_max"], audit["executed_by_custom_id_max"]) == (1, 20, 1)


@pytest.mark.parametrize("count", [1, 127, 128, 129, 300])
def test_every_line_runs_once_whatever_the_size(emulator: Running, client: OpenAI, count: int) -> None:
    batch = submit(client, requests(count))
    emulator.advance(100)
    batch = client.batches.retrieve(batch.id)
    assert len(content(client, batch.output_file_id)) == count
    audit = emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"]) == (count, 1)
    assert (audit["creates"], audit["uploads"], audit["batches"]) == (1, 1, {"completed": 1})
