"""Message batches from create to delete, as the official client sees them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import jsonschema_rs
import pytest
from anthropic import Anthropic, AnthropicError
from openai import OpenAI

from harness.emulator import Running
from harness.emulator.anthropic_intake import Taken, split

from .claude import FORMAT, HAIKU, NEW, OLD, OPUS, SCHEMA, counts, finished, line, lines, order, params, results
from .conftest import CHAT, Start, requests, submit

Claudes = Callable[..., Anthropic]


def test_a_batch_lives_from_in_progress_to_ended(emulator: Running, claude: Anthropic) -> None:
    batch = order(claude, lines(20))
    assert batch.id.startswith("msgbatch_01")
    assert (batch.processing_status, counts(batch)) == ("in_progress", {"processing": 20})
    assert batch.expires_at - batch.created_at == timedelta(hours=24)
    assert (batch.ended_at, batch.cancel_initiated_at, batch.archived_at, batch.results_url) == (None,) * 4
    seen = []
    for _ in range(80):
        emulator.advance(1)
        look = claude.messages.batches.retrieve(batch.id)
        seen.append((look.processing_status, tuple(counts(look).items())))
    assert list(dict.fromkeys(seen)) == [("in_progress", (("processing", 20),)), ("ended", (("succeeded", 20),))]
    done = claude.messages.batches.retrieve(batch.id)
    assert done.ended_at is not None
    assert done.ended_at > done.created_at
    assert done.results_url == f"{emulator.root}/v1/messages/batches/{batch.id}/results"
    answers = results(claude, done)
    assert set(answers) == {f"q-{i}" for i in range(20)}
    assert {answer["type"] for answer in answers.values()} == {"succeeded"}
    message = answers["q-3"]["message"]
    assert (message["stop_reason"], message["usage"]["service_tier"]) == ("end_turn", "batch")
    assert emulator.audit()["executed"] == 20


def test_a_look_says_when_to_come_back_until_the_end(emulator: Running, claude: Anthropic) -> None:
    batch = order(claude, lines(1))
    look = claude.messages.batches.with_raw_response.retrieve(batch.id)
    assert (look.status_code, look.headers["retry-after"]) == (200, "10")
    emulator.advance(100)
    assert "retry-after" not in claude.messages.batches.with_raw_response.retrieve(batch.id).headers


def test_results_come_in_no_order_one_to_a_line(emulator: Running, claude: Anthropic) -> None:
    batch = finished(emulator, claude, lines(50))
    ids = [row.custom_id for row in claude.messages.batches.results(batch.id)]
    assert sorted(ids) == sorted(f"q-{i}" for i in range(50))
    assert ids != [f"q-{i}" for i in range(50)]
    assert ids == [row.custom_id for row in claude.messages.batches.results(batch.id)]
    assert batch.results_url is not None
    headers = {"x-api-key": "k", "anthropic-version": OLD}
    raw = httpx2.get(batch.results_url, headers=headers)
    assert raw.headers["content-type"] == "application/x-jsonl"
    assert len([json.loads(text) for text in raw.text.splitlines()]) == 50


def test_a_line_that_is_wrong_inside_comes_back_errored(emulator: Running, claude: Anthropic) -> None:
    rows = [
        line("good"),
        line("nobody", model="claude-nope"),
        line("stream", stream=True),
        line("cap", max_tokens=9_999_999),
        line("none", max_tokens=0),
        line("key", reasoning_effort="low"),
        {"custom_id": "empty", "params": {}},
        line("think", model=OPUS, thinking={"type": "disabled"}),
    ]
    batch = finished(emulator, claude, rows)
    assert counts(batch) == {"succeeded": 1, "errored": 7}
    answers = results(claude, batch)
    errors = {name: answer["error"]["error"] for name, answer in answers.items() if answer["type"] == "errored"}
    assert {name: error["type"] for name, error in errors.items() if error["type"] != "invalid_request_error"} == {
        "nobody": "not_found_error"
    }
    assert errors["nobody"]["message"] == "model: claude-nope"
    assert errors["nobody"]["details"] == {"error_visibility": "user_facing"}
    assert errors["empty"]["message"] == "model: Field required"
    assert errors["key"]["message"] == "reasoning_effort: Extra inputs are not permitted"
    assert answers["key"]["error"]["type"] == "error"
    assert answers["key"]["error"]["request_id"] is None
    audit = emulator.audit()
    assert (audit["executed"], audit["refused"]) == (1, 7)


@pytest.mark.parametrize(("version", "wrong"), [(OLD, "claude-sonnet-5"), (NEW, HAIKU)])
def test_sampling_is_judged_by_version_and_model(emulator: Running, claudes: Claudes, version: str, wrong: str) -> None:
    client = claudes(emulator.root, version)
    rows = [line("wrong", model=wrong, temperature=0.5), line("old", model=HAIKU, temperature=0.5)]
    answers = results(client, finished(emulator, client, rows))
    words = {OLD: "`temperature` is deprecated for this model.", NEW: "temperature: Extra inputs are not permitted"}
    assert answers["wrong"]["error"]["error"]["message"] == words[version]
    assert answers["old"]["type"] == ("succeeded" if version == OLD else "errored")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "requests: List should have at least 1 item after validation, not 0"),
        ([{"params": {}}], "requests.0.custom_id: Field required"),
        ([{"custom_id": "a"}], "requests.0.params: Field required"),
        ([{"custom_id": "a", "params": []}], "requests.0.params: Input should be an object"),
        ([{"custom_id": "a" * 65, "params": {}}], "requests.0.custom_id: String should have at most 64 characters"),
        ([{"custom_id": "", "params": {}}], "requests.0.custom_id: String should have at least 1 character"),
        ([{"custom_id": 7, "params": {}}], "requests.0.custom_id: Input should be a valid string"),
        ([line("a"), {"custom_id": "a.b", "params": {}}], "requests.1.custom_id: String should match pattern"),
        ([{"custom_id": "a", "params": {}, "url": 1}], "requests.0.url: Extra inputs are not permitted"),
        ([3], "requests.0: Input should be an object"),
        ({"a": 1}, "requests: Input should be a valid list"),
        (
            [line("a"), line("dup"), line("dup")],
            "requests: custom_id's must be unique within a batch. Duplicate custom_id found: dup",
        ),
    ],
)
def test_one_wrong_id_refuses_the_whole_batch(claude: Anthropic, rows: Any, words: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        order(claude, rows)
    assert words in caught.value.message
    assert claude.messages.batches.list().data == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ('{"requests": [', "not valid JSON"),
        ('{"requests": [{"custom_id": "a", "params": {}}', "not valid JSON"),
        ('{"requests": [{"custom_id": "a", "params": {}},]}', "not valid JSON"),
        ('{"requests": [{"custom_id": "a", "params": {"x": NaN}}]}', "not valid JSON"),
        ('{"requests": [{"custom_id": "a", "params": {}}]} x', "not valid JSON"),
        ('{"requests": [{"custom_id": "a", "params": {"s": "\\ud800"}}]}', "not valid JSON"),
        ('{"requests": [{"custom_id": "a", "params": ' + '{"a":' * 5000 + "1" + "}" * 5000 + "}]}", "not valid JSON"),
        ("{}", "requests: Field required"),
        ("[]", "Input should be an object"),
        ('{"other": 1}', "other: Extra inputs are not permitted"),
    ],
)
def test_a_body_that_is_no_batch_is_refused(tmp_path: Path, text: str, words: str) -> None:
    draft = tmp_path / "draft"
    draft.write_text(text)
    found = split(draft, tmp_path / "lines")
    assert not isinstance(found, Taken)
    assert words in found.message


def test_a_body_is_cut_into_lines_whatever_its_layout(tmp_path: Path) -> None:
    rows = [{"custom_id": f"q-{i}", "params": {"text": '\u2028é\n\\"}],' * i, "n": 10**30}} for i in range(300)]
    draft, cut = tmp_path / "draft", tmp_path / "lines"
    for layout in ({"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}):
        draft.write_text(json.dumps({"requests": rows}, **layout), encoding="utf-8")
        found = split(draft, cut)
        assert isinstance(found, Taken)
        assert found.total == 300
        assert [json.loads(text) for text in cut.read_bytes().split(b"\n")[:-1]] == rows


def test_more_than_100_000_requests_are_too_many(tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    rows = ",".join(f'{{"custom_id":"{i}","params":{{}}}}' for i in range(100_001))
    draft.write_text(f'{{"requests":[{rows}]}}')
    found = split(draft, tmp_path / "lines")
    assert not isinstance(found, Taken)
    assert found.message == "requests: List should have at most 100000 items after validation, not 100001"


def test_a_body_that_is_too_large_is_refused_with_413(start: Start, claudes: Claudes) -> None:
    client = claudes(start(max_inline=10_000).root)
    with pytest.raises(anthropic.APIStatusError) as caught:
        order(client, lines(100))
    assert caught.value.status_code == 413
    assert caught.value.body["error"]["type"] == "request_too_large"  # type: ignore[index]
    assert order(client, lines(3)).id


def test_cancelling_half_way_keeps_what_is_finished(emulator: Running, claude: Anthropic) -> None:
    batch = order(claude, lines(100))
    emulator.advance(25)
    cancelled = claude.messages.batches.cancel(batch.id)
    assert (cancelled.processing_status, counts(cancelled)) == ("canceling", {"processing": 100})
    assert cancelled.cancel_initiated_at is not None
    assert claude.messages.batches.cancel(batch.id).processing_status == "canceling"
    with pytest.raises(AnthropicError, match="No `results_url`"):
        claude.messages.batches.results(batch.id)
    emulator.advance(20)
    done = claude.messages.batches.retrieve(batch.id)
    assert done.processing_status == "ended"
    answers = results(claude, done)
    kinds = Counter(answer["type"] for answer in answers.values())
    assert len(answers) == 100
    assert set(kinds) == {"succeeded", "canceled"}
    assert counts(done) == kinds
    assert answers[next(name for name, one in answers.items() if one["type"] == "canceled")] == {"type": "canceled"}
    assert emulator.audit()["executed"] == kinds["succeeded"]
    with pytest.raises(anthropic.BadRequestError, match="has already ended"):
        claude.messages.batches.cancel(batch.id)


def test_cancelling_before_the_start_runs_nothing(emulator: Running, claude: Anthropic) -> None:
    batch = order(claude, lines(4))
    claude.messages.batches.cancel(batch.id)
    emulator.advance(100)
    done = claude.messages.batches.retrieve(batch.id)
    assert counts(done) == {"canceled": 4}
    assert {answer["type"] for answer in results(claude, done).values()} == {"canceled"}
    assert emulator.audit()["executed"] == 0


def test_a_batch_expires_after_24_hours_with_what_is_done(emulator: Running, claude: Anthropic) -> None:
    emulator.set_faults([{"fault": "expire_after_lines", "lines": 3, "after": 86_400}])
    batch = order(claude, lines(10))
    emulator.advance(86_000)
    assert claude.messages.batches.retrieve(batch.id).processing_status == "in_progress"
    emulator.advance(401)
    done = claude.messages.batches.retrieve(batch.id)
    assert (done.processing_status, counts(done)) == ("ended", {"succeeded": 3, "expired": 7})
    answers = results(claude, done)
    assert [answer for answer in answers.values() if answer["type"] == "expired"] == [{"type": "expired"}] * 7


def test_results_are_gone_after_29_days_and_the_batch_is_not(emulator: Running, claude: Anthropic) -> None:
    batch = finished(emulator, claude, lines(2))
    emulator.advance(29 * 86_400)
    look = claude.messages.batches.retrieve(batch.id)
    assert look.archived_at == look.created_at + timedelta(days=29)
    assert (look.processing_status, look.results_url) == ("ended", None)
    with pytest.raises(anthropic.NotFoundError, match="has no available results"):
        claude.get(f"/v1/messages/batches/{batch.id}/results", cast_to=object)
    assert [one.id for one in claude.messages.batches.list()] == [batch.id]


def test_only_a_batch_that_has_ended_can_be_deleted(emulator: Running, claude: Anthropic, tmp_path: Path) -> None:
    batch = order(claude, lines(3))
    with pytest.raises(anthropic.BadRequestError, match="In progress batches cannot be deleted"):
        claude.messages.batches.delete(batch.id)
    emulator.advance(100)
    gone = claude.messages.batches.delete(batch.id)
    assert (gone.id, gone.type) == (batch.id, "message_batch_deleted")
    for call in (claude.messages.batches.retrieve, claude.messages.batches.delete, claude.messages.batches.cancel):
        with pytest.raises(anthropic.NotFoundError, match=f"Message Batch {batch.id} not found"):
            call(batch.id)
    assert claude.messages.batches.list().data == []
    assert list((tmp_path / "state" / "files").iterdir()) == []
    assert emulator.audit()["executed"] == 3


def test_before_the_end_there_are_no_results(claude: Anthropic) -> None:
    batch = order(claude, lines(1))
    with pytest.raises(anthropic.NotFoundError, match=f"Message Batch {batch.id} has no available results"):
        claude.get(f"/v1/messages/batches/{batch.id}/results", cast_to=object)
    with pytest.raises(anthropic.NotFoundError, match="Message Batch msgbatch_x not found"):
        claude.messages.batches.retrieve("msgbatch_x")


def test_batches_are_listed_newest_first_page_by_page(emulator: Running, claude: Anthropic) -> None:
    made = [order(claude, lines(1)).id for _ in range(7)][::-1]
    listed = claude.messages.batches.list
    assert [batch.id for batch in listed(limit=2)] == made
    first = listed(limit=3)
    assert ([batch.id for batch in first.data], first.has_more) == (made[:3], True)
    assert (first.first_id, first.last_id) == (made[0], made[2])
    assert [batch.id for batch in listed(limit=3, after_id=made[4]).data] == made[5:]
    back = listed(limit=3, before_id=made[5])
    assert ([batch.id for batch in back.data], back.has_more) == (made[2:5], True)
    assert not listed(limit=3, before_id=made[2]).has_more
    emulator.advance(100)
    claude.messages.batches.delete(made[4])
    assert [batch.id for batch in listed(after_id=made[4]).data] == made[5:]
    for wrong in (0, 1001):
        with pytest.raises(anthropic.BadRequestError, match="limit: Input should be"):
            listed(limit=wrong)


def test_the_beta_client_runs_batches_too(emulator: Running, claude: Anthropic) -> None:
    rows: Any = [line("a", max_tokens=200_000, model=OPUS)]
    batch = claude.beta.messages.batches.create(requests=rows, betas=["output-300k-2026-03-24"])
    emulator.advance(100)
    assert claude.beta.messages.batches.retrieve(batch.id).request_counts.succeeded == 1
    (row,) = claude.beta.messages.batches.results(batch.id)
    assert row.result.type == "succeeded"


def test_each_surface_sees_its_own_batches(emulator: Running, claude: Anthropic, client: OpenAI) -> None:
    mine, other = order(claude, lines(1)), submit(client, requests(1))
    assert [batch.id for batch in claude.messages.batches.list()] == [mine.id]
    assert [batch.id for batch in client.batches.list()] == [other.id]
    assert [file.purpose for file in client.files.list()] == ["batch"]
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.batches.retrieve(other.id)
    emulator.advance(100)
    assert client.batches.retrieve(other.id).endpoint == CHAT
    audit = emulator.audit()
    assert (audit["creates"], audit["executed"], audit["uploads"]) == (2, 2, 1)


def test_lives_may_go_by_looks(start: Start, claudes: Claudes) -> None:
    client = claudes(start(looks=4).root)
    batch = order(client, lines(3))
    looks = [client.messages.batches.retrieve(batch.id).processing_status for _ in range(5)]
    assert looks == ["in_progress", "in_progress", "in_progress", "ended", "ended"]


def test_books_answer_by_the_last_user_text_at_the_rates_of_the_model(
    tmp_path: Path, start: Start, claudes: Claudes
) -> None:
    books = tmp_path / "books"
    books.mkdir()
    digests = {f"q{i}": hashlib.sha256(f"q{i}".encode()).hexdigest() for i in range(200)}
    rows = [{"digest": digest, "right": {"label": "yes"}, "wrong": {"label": "no"}} for digest in digests.values()]
    (books / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [{"schema": SCHEMA}, *rows]))
    rates = {"right": 0.5, "wrong": 0.3, "refused": 0.1, "truncated": 0.1}
    emulator = start(answers="key", books=books, rates=rates)
    client = claudes(emulator.root)
    asked = [
        {"custom_id": name, "params": params(name, system="s", output_config={"format": FORMAT})} for name in digests
    ]
    answers = results(client, finished(emulator, client, asked))
    reasons = Counter(answer["message"]["stop_reason"] for answer in answers.values())
    assert set(reasons) == {"end_turn", "refusal", "max_tokens"}
    refused = next(a["message"] for a in answers.values() if a["message"]["stop_reason"] == "refusal")
    assert refused["content"] == []
    assert refused["stop_details"]["type"] == "refusal"
    said = [a["message"]["content"][0]["text"] for a in answers.values() if a["message"]["stop_reason"] == "end_turn"]
    for text in said:
        jsonschema_rs.validate(SCHEMA, json.loads(text))
    labels = Counter(json.loads(text)["label"] for text in said)
    assert labels["yes"] > labels["no"] > 0


def test_the_same_seed_gives_the_same_answers(start: Start, claudes: Claudes) -> None:
    said = []
    for name in ("a", "b"):
        emulator = start(name, seed=5)
        client = claudes(emulator.root)
        answers = results(client, finished(emulator, client, [*lines(5), line("again") | {"params": params("same")}]))
        said.append({name: answer["message"]["content"] for name, answer in answers.items()})
    assert said[0] == said[1]
