"""kluster.ai's accent, over the openai SDK: the service had no SDK of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from harness.emulator import Running
from tests.emulator.conftest import CHAT, Start, body, content, jsonl

R1, GEMMA = "deepseek-ai/DeepSeek-R1-0528", "google/gemma-3-27b-it"


def connected(emulator: Running) -> openai.OpenAI:
    url = emulator.url.removesuffix("/v1") + "/kluster/v1"
    return openai.OpenAI(base_url=url, api_key="k", max_retries=0)


@pytest.fixture
def client(emulator: Running) -> Iterator[openai.OpenAI]:
    with connected(emulator) as one:
        yield one


def row(custom_id: str, model: str = GEMMA, **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body(custom_id, model), **more}


def submit(client: openai.OpenAI, rows: list[Any], window: str = "24h", **more: Any) -> Any:
    file = client.files.create(file=("in.jsonl", jsonl(rows)), purpose="batch")
    given: Any = window
    return client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window=given, **more)


def test_a_batch_lives_as_kluster_tells(emulator: Running, client: openai.OpenAI) -> None:
    batch = submit(client, [row("a"), row("b", R1)])
    assert (len(batch.id), batch.metadata) == (24, {})
    assert isinstance(batch.created_at, int)
    emulator.advance(120)
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.error_file_id) == ("completed", None)
    lines = {line["custom_id"]: line for line in content(client, batch.output_file_id)}
    assert {name: line["response"]["body"]["model"] for name, line in lines.items()} == {"a": GEMMA, "b": R1}
    assert not any("error" in line for line in lines.values())
    answer = lines["a"]["response"]["body"]
    assert answer["prompt_logprobs"] is None
    [choice] = answer["choices"]
    assert (choice["stop_reason"], choice["message"]["tool_calls"]) == (None, [])
    assert "refusal" not in choice["message"]


def test_times_are_strings_but_in_the_answer_to_a_creation(client: openai.OpenAI) -> None:
    batch = submit(client, [row("a")])
    for raw in (client.batches.with_raw_response.retrieve(batch.id), client.batches.with_raw_response.cancel(batch.id)):
        seen = json.loads(raw.content)
        assert seen["created_at"] == str(batch.created_at)
        assert seen["expires_at"] == str(batch.expires_at)
        assert seen["completed_at"] is None
        assert not {"model", "usage"} & set(seen)


def test_a_list_has_counts_that_nobody_asked_for(client: openai.OpenAI) -> None:
    ids = [submit(client, [row(f"q{n}")]).id for n in range(3)][::-1]
    page = json.loads(client.batches.with_raw_response.list(limit=2).content)
    assert [batch["id"] for batch in page["data"]] == ids[:2]
    assert (page["has_more"], page["count"], page["page_count"]) == (True, 2, -1)
    assert [batch.id for batch in client.batches.list(limit=2)] == ids


def test_files_can_be_sent_and_read_but_not_looked_at(client: openai.OpenAI) -> None:
    file = client.files.create(file=("in.jsonl", jsonl([row("a")])), purpose="batch")
    assert (file.status, file.expires_at) == (None, None)
    assert json.loads(client.files.content(file.id).text)["custom_id"] == "a"
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
    with pytest.raises(openai.NotFoundError):
        client.files.delete(file.id)
    with pytest.raises(openai.APIStatusError) as caught:
        client.files.list()
    assert caught.value.status_code == 405


@pytest.mark.parametrize(("window", "hours"), [("1h", 1), ("3h", 3), ("6h", 6), ("12h", 12), ("48h", 48), ("72h", 72)])
def test_every_window_that_was_ever_on_offer_is_taken(client: openai.OpenAI, window: str, hours: int) -> None:
    batch = submit(client, [row("a")], window)
    assert (batch.completion_window, batch.expires_at - batch.created_at) == (window, hours * 3600)


@pytest.mark.parametrize("window", ["2h", "7d", "1d", "", "24"])
def test_no_other_window_is_taken(client: openai.OpenAI, window: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        submit(client, [row("a")], window)
    assert (caught.value.code, caught.value.param) == ("invalid_value", "completion_window")


def test_a_short_window_ends_a_batch_that_is_not_done(start: Start) -> None:
    emulator = start(faults=[{"fault": "expire_after_lines", "lines": 1, "after": 60}])
    with connected(emulator) as client:
        batch = submit(client, [row("a"), row("b")], "1h")
        emulator.advance(120)
        batch = client.batches.retrieve(batch.id)
        assert batch.status == "expired"
        [late] = content(client, batch.error_file_id)
        assert late["error"]["code"] == "batch_expired"
        assert len(content(client, batch.output_file_id)) == 1


def test_a_bad_line_fails_the_batch_in_openais_shape(emulator: Running, client: openai.OpenAI) -> None:
    batch = submit(client, [row("a"), row("b", "no-such-model")])
    emulator.advance(120)
    batch = client.batches.retrieve(batch.id)
    assert batch.status == "failed"
    assert [(error.code, error.line) for error in batch.errors.data] == [("model_not_found", 2)]


def test_a_thinking_model_thinks_aloud_and_others_do_not(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model=R1, messages=[{"role": "user", "content": "x"}]).choices[0].message
    assert (said.content or "").startswith("<think>\n")
    thought, answer = (said.content or "").split("</think>")
    assert answer.strip()
    assert "{" in thought  # a trap for who looks for the first object
    said = client.chat.completions.create(model=GEMMA, messages=[{"role": "user", "content": "x"}]).choices[0].message
    assert "think" not in (said.content or "")


def test_a_thought_that_meets_the_cap_stays_open(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "x"}]
    [choice] = client.chat.completions.create(model=R1, messages=messages, max_completion_tokens=5).choices
    assert choice.finish_reason == "length"
    assert "</think>" not in (choice.message.content or "")


def test_what_is_not_supported_is_passed_over(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model=GEMMA,
        messages=[{"role": "user", "content": "x"}],
        response_format={"type": "json_object"},
        n=3,
        service_tier="auto",
        extra_body={"top_k": 5},
    )
    assert len(answer.choices) == 1


@pytest.mark.parametrize(("more", "status"), [({"temperature": 3}, 400), ({"model": "gpt-x"}, 404)])
def test_what_cannot_be_is_refused(client: openai.OpenAI, more: Any, status: int) -> None:
    order: Any = {"model": GEMMA, "messages": [{"role": "user", "content": "x"}], **more}
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**order)
    assert caught.value.status_code == status


def test_log_probabilities_come_with_the_tokens(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "x"}]
    answer = client.chat.completions.create(model=GEMMA, messages=messages, logprobs=True, top_logprobs=2)
    assert answer.choices[0].logprobs is not None
