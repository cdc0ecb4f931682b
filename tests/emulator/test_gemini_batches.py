"""Batches of the Gemini API from create to delete, as the official client and raw HTTP see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from google.genai import Client
from google.genai.errors import ClientError

from harness.emulator import Running
from tests.emulator.conftest import Start
from tests.emulator.gemini import (
    FLASH,
    OLD_FLASH,
    SCHEMA,
    finished,
    look,
    order,
    raw,
    request,
    results,
    row,
    rows,
    text,
    upload,
)

Geminis = Callable[..., Client]


def state(client: Client, name: str) -> str:
    return str(look(client, name).state).removeprefix("JobState.JOB_STATE_")


def operation(emulator: Running, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = raw(emulator, f"/v1beta/{name}").json()
    return shown


def stats(emulator: Running, name: str) -> dict[str, str]:
    """Read the counts without their long ends."""
    found = operation(emulator, name)["metadata"]["batchStats"]
    return {kind.removesuffix("Count").removesuffix("Request"): count for kind, count in found.items()}


def test_a_batch_lives_from_pending_to_succeeded(emulator: Running, gemini: Client) -> None:
    name = order(gemini, rows(20), name="mine")
    seen = [state(gemini, name)]
    for _ in range(80):
        emulator.advance(1)
        seen.append(state(gemini, name))
    assert list(dict.fromkeys(seen)) == ["PENDING", "RUNNING", "SUCCEEDED"]
    job = look(gemini, name)
    assert (job.display_name, job.model, job.done) == ("mine", f"models/{FLASH}", True)
    assert job.dest is not None
    assert job.dest.file_name == f"files/batch-{name.removeprefix('batches/')}"
    assert [found["key"] for found in results(gemini, job)] == [f"q-{i}" for i in range(20)]
    assert job.end_time is not None
    assert job.create_time is not None
    assert timedelta(seconds=20) < job.end_time - job.create_time < timedelta(seconds=70)
    audit = emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"], audit["creates"]) == (20, 1, 1)


def test_an_operation_counts_in_strings_and_repeats_its_output(emulator: Running, gemini: Client) -> None:
    name = order(gemini, [row("a"), row("b", thinkingConfig={"thinkingLevel": "minimal"})])
    fresh = operation(emulator, name)
    assert "done" not in fresh
    assert fresh["metadata"]["@type"].endswith("GenerateContentBatch")
    assert "output" not in fresh["metadata"]
    assert stats(emulator, name) == {"request": "2", "successful": "0", "failed": "0", "pending": "2"}
    emulator.advance(100)
    ended = operation(emulator, name)
    assert stats(emulator, name) == {"request": "2", "successful": "1", "failed": "1", "pending": "0"}
    assert ended["done"] is True
    assert ended["response"]["responsesFile"] == ended["metadata"]["output"]["responsesFile"]
    assert ended["metadata"]["inputConfig"]["fileName"].startswith("files/")
    assert ended["metadata"]["createTime"].endswith("000Z")


def test_keys_come_back_as_they_went_in_and_lines_in_their_order(emulator: Running, gemini: Client) -> None:
    keys = ["b", "A", "k\u00e9y \u2603", "0001", "x" * 300, "b"]
    job = finished(emulator, gemini, [row(key) for key in keys] + [{"request": request("no key")}, b"\n"])
    assert [found.get("key") for found in results(gemini, job)] == [*keys, None]
    assert emulator.audit()["executed_by_custom_id_max"] == 2


def test_an_answer_says_what_it_cost(emulator: Running, gemini: Client) -> None:
    lines = [row("think"), row("cut", maxOutputTokens=1), row("schema", **_schema(SCHEMA))]
    thought, cut, held = [found["response"] for found in results(gemini, finished(emulator, gemini, lines))]
    usage = thought["usageMetadata"]
    assert usage["totalTokenCount"] == sum(usage[f"{kind}TokenCount"] for kind in ("prompt", "candidates", "thoughts"))
    assert (thought["modelVersion"], len(thought["responseId"])) == (FLASH, 22)
    assert cut["candidates"] == [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}]
    jsonschema_rs.validate(SCHEMA, json.loads(held["candidates"][0]["content"]["parts"][0]["text"]))


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"responseMimeType": "application/json", "responseJsonSchema": schema}


def test_a_row_that_the_model_refuses_comes_back_with_an_error(emulator: Running, gemini: Client) -> None:
    system = {"key": "role", "request": {"contents": [{"role": "system", "parts": [{"text": "x"}]}]}}
    both = {"thinkingConfig": {"thinkingLevel": "low", "thinkingBudget": 5}}
    other = {"key": "other", "request": request() | {"model": "models/nobody"}}
    lines = [row("good"), system, row("both", **both), row("hot", temperature=3), {"key": "none", "request": {}}, other]
    found = {one["key"]: one.get("error") for one in results(gemini, finished(emulator, gemini, lines))}
    assert {key: error and error["code"] for key, error in found.items()} == {
        "good": None,
        "role": 3,
        "both": 3,
        "hot": 3,
        "none": 3,
        "other": 5,
    }
    assert found["role"]["message"] == "Please use a valid role: user, model."
    assert emulator.audit()["refused"] == 5


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"not json\n", "line 2"),
        (b"[]\n", "not an object"),
        ({"key": "a"}, "request"),
        ({"key": 7, "request": request()}, "key"),
        ({"custom_id": "a", "request": request()}, 'Unknown name "custom_id"'),
        (row("a", temprature=1), "Unknown name \"temprature\" at 'generation_config'"),
        (row("a", maxOutputTokens="many"), "generation_config.max_output_tokens"),
        ({"key": "a", "request": {"contents": "hi"}}, "contents"),
        (b'{"request": {"labels": ' + b'{"a":' * 300 + b"1" + b"}" * 302 + b"\n", "nested too deeply"),
    ],
)
def test_one_malformed_line_fails_the_whole_create(emulator: Running, gemini: Client, line: Any, words: str) -> None:
    with pytest.raises(ClientError) as caught:
        order(gemini, [row("good"), line])
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert words in str(caught.value.message)
    assert emulator.audit()["creates"] == 0


def test_a_create_that_names_nothing_is_refused(emulator: Running, gemini: Client) -> None:
    with pytest.raises(ClientError, match="models/nobody is not found for API version v1") as caught:
        order(gemini, rows(1), model="nobody")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    with pytest.raises(ClientError, match="may not exist"):
        gemini.batches.create(model=FLASH, src="files/nope")
    with pytest.raises(ClientError, match="no requests"):
        order(gemini, [])
    path = f"/v1/models/{FLASH}:batchGenerateContent"
    for body in ({}, {"batch": {"inputConfig": {}}}, {"batch": {"color": 1}}, {"batch": 3}, [1]):
        assert raw(emulator, path, "POST", json=body).status_code == 400
    assert raw(emulator, path, "POST", content=b"{").status_code == 400


def test_inline_requests_are_answered_in_place(emulator: Running, gemini: Client) -> None:
    source: Any = [
        {
            "contents": [{"role": "user", "parts": [{"text": f"hi {key}"}]}],
            "metadata": {"key": key, "lot": "7"},
            "config": {"temperature": 0.1, "system_instruction": "brief", "thinking_config": {"thinking_level": "LOW"}},
        }
        for key in "ab"
    ]
    job = gemini.batches.create(model=FLASH, src=source)
    emulator.advance(100)
    job = look(gemini, str(job.name))
    assert job.dest is not None
    answers = job.dest.inlined_responses or []
    assert [answer.metadata for answer in answers] == [{"key": "a", "lot": "7"}, {"key": "b", "lot": "7"}]
    assert all(answer.response is not None and answer.response.text for answer in answers)
    shown = operation(emulator, str(job.name))
    assert shown["response"]["inlinedResponses"] == shown["metadata"]["output"]["inlinedResponses"]
    gemini.batches.delete(name=str(job.name))
    assert list(gemini.files.list()) == []


def test_snake_case_is_as_good_as_camel_case(emulator: Running) -> None:
    asked = {"contents": [{"parts": [{"text": "hi"}]}], "generation_config": {"max_output_tokens": 9, "top_p": 1}}
    source = {"requests": {"requests": [{"request": asked, "metadata": {"my_key": "v"}}]}}
    body = {"batch": {"display_name": "snake", "input_config": source}}
    made = raw(emulator, f"/v1beta/models/{FLASH}:batchGenerateContent", "POST", json=body).json()
    assert made["metadata"]["displayName"] == "snake"
    emulator.advance(100)
    (answer,) = operation(emulator, made["name"])["response"]["inlinedResponses"]["inlinedResponses"]
    assert (answer["metadata"], list(answer)) == ({"my_key": "v"}, ["metadata", "response"])


def test_a_call_that_is_too_large_is_refused(start: Start, geminis: Geminis) -> None:
    emulator = start(max_contents=500)
    with pytest.raises(ClientError, match="exceeds the limit: 500 bytes"):
        geminis(emulator.root).batches.create(model=FLASH, src=[{"contents": "x" * 600}])
    with pytest.raises(ClientError, match="exceeds the limit: 500 bytes"):
        geminis(emulator.root).models.generate_content(model=FLASH, contents="x" * 600)


@pytest.mark.parametrize("wait", [0, 25])
def test_a_cancelled_batch_loses_all_it_did(emulator: Running, gemini: Client, wait: int) -> None:
    name = order(gemini, rows(40))
    emulator.advance(wait)
    gemini.batches.cancel(name=name)
    emulator.advance(20)
    job = look(gemini, name)
    assert (state(gemini, name), job.done, job.dest) == ("CANCELLED", True, None)
    shown = operation(emulator, name)
    assert (shown["done"], shown["error"]["code"]) == (True, 13)
    assert "response" not in shown
    with pytest.raises(ClientError) as caught:
        gemini.batches.cancel(name=name)
    assert (caught.value.code, caught.value.status) == (400, "FAILED_PRECONDITION")
    assert (emulator.audit()["executed"] > 0) == (wait > 0)


def test_an_expired_batch_loses_all_it_did(emulator: Running, gemini: Client) -> None:
    emulator.set_faults([{"fault": "expire_after_lines", "lines": 2, "after": 172_800}])
    name = order(gemini, rows(4))
    emulator.advance(172_700)
    assert state(gemini, name) == "RUNNING"
    emulator.advance(200)
    assert (state(gemini, name), look(gemini, name).dest) == ("EXPIRED", None)
    assert stats(emulator, name) == {"request": "4", "successful": "2", "failed": "0", "pending": "2"}


def test_a_deleted_batch_is_gone_with_its_output(emulator: Running, gemini: Client, tmp_path: Path) -> None:
    job = finished(emulator, gemini, rows(2))
    name = str(job.name)
    gemini.batches.delete(name=name)
    for call in (gemini.batches.get, gemini.batches.delete, gemini.batches.cancel):
        with pytest.raises(ClientError) as caught:
            call(name=name)
        assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    with pytest.raises(ClientError, match="may not exist"):
        text(gemini, job)
    assert list(gemini.batches.list()) == []
    for file in gemini.files.list():
        gemini.files.delete(name=str(file.name))
    assert list((tmp_path / "state" / "files").iterdir()) == []


def test_deleting_a_batch_does_not_stop_it(emulator: Running, gemini: Client, tmp_path: Path) -> None:
    name = order(gemini, rows(3))
    emulator.advance(5)
    gemini.batches.delete(name=name)
    emulator.advance(100)
    assert emulator.audit()["executed"] == 3
    assert [str(file.source) for file in gemini.files.list()] == ["FileSource.UPLOADED"]
    assert len(list((tmp_path / "state" / "files").iterdir())) == 1


def test_the_input_may_go_as_soon_as_the_batch_is_there(emulator: Running, gemini: Client) -> None:
    file = upload(gemini, rows(3))
    job = gemini.batches.create(model=FLASH, src=file)
    gemini.files.delete(name=file)
    emulator.advance(100)
    assert len(results(gemini, look(gemini, str(job.name)))) == 3


def test_batches_are_listed_newest_first_in_pages(emulator: Running, gemini: Client) -> None:
    names = [order(gemini, rows(1), name=f"n{i}") for i in range(5)]
    listed = list(gemini.batches.list(config={"page_size": 2}))
    assert [(job.name, job.display_name) for job in listed] == [(names[i], f"n{i}") for i in range(4, -1, -1)]
    for token in ("nonsense", "LTE=", "w6k="):  # the second is -1
        assert raw(emulator, f"/v1/batches?pageToken={token}").status_code == 400
    assert raw(emulator, "/v1/batches?pageSize=many").status_code == 400


def test_too_much_at_once_is_a_429(start: Start, geminis: Geminis) -> None:
    emulator = start(enqueued_tokens=30)
    client = geminis(emulator.root)
    order(client, rows(2))
    with pytest.raises(ClientError) as caught:
        order(client, rows(2))
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    order(client, rows(2), model=OLD_FLASH)
    emulator.advance(100)
    order(client, rows(2))


def test_a_restart_goes_on_with_the_same_batches(start: Start, geminis: Geminis) -> None:
    first = start()
    name = order(geminis(first.root), rows(40))
    first.advance(25)
    first.stop()
    again = start()
    client = geminis(again.root)
    again.advance(100)
    assert [found["key"] for found in results(client, look(client, name))] == [f"q-{i}" for i in range(40)]
    assert (again.audit()["executed"], again.audit()["executed_by_custom_id_max"]) == (40, 1)
    again.stop()
    third = start()
    assert len(results(geminis(third.root), look(geminis(third.root), name))) == 40


def test_an_answer_book_is_read_by_the_last_text_of_the_user(start: Start, geminis: Geminis, tmp_path: Path) -> None:
    from hashlib import sha256

    mark = sha256(b"hello q-1").hexdigest()
    (tmp_path / "books").mkdir()
    book = [{"schema": SCHEMA}, {"digest": mark, "right": {"label": "no"}, "wrong": {"label": "yes"}}]
    (tmp_path / "books" / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in book))
    emulator = start(answers="key", books=tmp_path / "books", rates={"right": 1})
    lines = [row("q-1", **_schema(SCHEMA)), row("q-1", responseMimeType="application/json", responseSchema=_OPEN)]
    for line in lines:
        line["request"]["systemInstruction"] = {"parts": [{"text": "be brief"}]}
    found = results(geminis(emulator.root), finished(emulator, geminis(emulator.root), lines))
    said = [one["response"]["candidates"][0]["content"]["parts"][0]["text"] for one in found]
    assert [json.loads(one) for one in said] == [{"label": "no"}] * 2


_OPEN = {"type": "OBJECT", "properties": {"label": {"type": "STRING", "enum": ["yes", "no"]}}, "required": ["label"]}
