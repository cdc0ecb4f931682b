"""Each fault of the Gemini surface does what it says, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from google.genai import Client
from google.genai.errors import APIError, ClientError, ServerError
from openai import OpenAI

from harness.emulator import Running
from harness.emulator.faults import KINDS
from tests.emulator.conftest import requests, submit
from tests.emulator.gemini import FLASH, KEY, finished, look, order, raw, results, rows, text, upload

Geminis = Callable[..., Client]


def finished_under(emulator: Running, client: Client, plan: list[Any], count: int = 4) -> Any:
    """Run a batch under a plan."""
    emulator.set_faults(plan)
    return finished(emulator, client, rows(count))


def details(error: APIError, name: str) -> dict[str, Any]:
    """Find the details of this type in an error."""
    found: list[dict[str, Any]] = error.details["error"].get("details", [])
    return next((one for one in found if one["@type"].endswith(f"google.rpc.{name}")), {})


def test_a_lost_answer_leaves_a_batch_behind(emulator: Running, gemini: Client) -> None:
    emulator.set_faults(["create_answer_lost"])
    with pytest.raises(httpx2.RemoteProtocolError):
        order(gemini, rows(2), name="lost")
    (lost,) = gemini.batches.list()
    assert lost.display_name == "lost"
    assert order(gemini, rows(2)) != lost.name
    emulator.advance(100)
    audit = emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"], audit["creates"]) == (4, 2, 2)


def test_a_500_may_or_may_not_have_created_a_batch(emulator: Running, gemini: Client) -> None:
    emulator.set_faults(["create_500_then_ok", {"fault": "create_500_but_accepted", "skip": 1}])
    for left in (0, 1):
        with pytest.raises(ServerError, match="internal error") as caught:
            order(gemini, rows(1))
        assert (caught.value.code, caught.value.status) == (500, "INTERNAL")
        assert len(list(gemini.batches.list())) == left


@pytest.mark.parametrize(("after", "delay"), [(17, "17s"), (0.5, "0.5s"), (None, None)])
def test_a_rate_limit_says_in_its_details_when_to_come_back_or_not(
    emulator: Running, gemini: Client, after: float | None, delay: str | None
) -> None:
    on = ["create_batch", "generate_content", "upload_file"]
    emulator.set_faults([{"fault": "rate_limited", "on": on, "retry_after": after, "times": 2}])
    for call in (lambda: upload(gemini, rows(1)), lambda: gemini.models.generate_content(model=FLASH, contents="hi")):
        with pytest.raises(ClientError) as caught:
            call()
        assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
        assert details(caught.value, "RetryInfo").get("retryDelay") == delay
        assert details(caught.value, "QuotaFailure")["violations"]
    assert order(gemini, rows(1))


@pytest.mark.parametrize(
    ("status", "kind"), [(500, "INTERNAL"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED"), (502, "INTERNAL")]
)
def test_a_server_error_has_the_name_of_its_status(emulator: Running, gemini: Client, status: int, kind: str) -> None:
    emulator.set_faults([{"fault": "server_error", "on": "get_batch", "status": status}])
    name = order(gemini, rows(1))
    with pytest.raises(ServerError) as caught:
        look(gemini, name)
    assert (caught.value.code, caught.value.status) == (status, kind)
    assert look(gemini, name).name == name


def test_a_gateway_may_answer_in_its_own_words(emulator: Running, gemini: Client) -> None:
    emulator.set_faults([{"fault": "server_error", "on": "list_batches", "html": True}])
    with pytest.raises(ServerError, match="Bad Gateway"):
        list(gemini.batches.list())


def test_an_empty_purse_is_a_billing_error_for_calls_and_for_lines(emulator: Running, gemini: Client) -> None:
    emulator.set_faults([{"fault": "insufficient_quota", "times": 2}])
    for _ in range(2):
        with pytest.raises(ClientError, match="billing to be enabled") as caught:
            order(gemini, rows(1))
        assert caught.value.code == 403
        assert details(caught.value, "ErrorInfo")["reason"] == "BILLING_DISABLED"
    job = finished_under(emulator, gemini, [{"fault": "insufficient_quota", "on": "lines", "rows": [1]}])
    error = results(gemini, job)[1]["error"]
    assert (error["code"], error["details"][0]["reason"]) == (7, "BILLING_DISABLED")


def test_an_error_may_echo_the_key(emulator: Running, gemini: Client) -> None:
    emulator.set_faults(["echo_key"])
    with pytest.raises(ClientError, match=KEY) as caught:
        order(gemini, rows(1))
    assert details(caught.value, "ErrorInfo")["reason"] == "API_KEY_INVALID"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_drops_before_or_after_the_effect(emulator: Running, gemini: Client, when: str) -> None:
    name = order(gemini, rows(1))
    emulator.set_faults([{"fault": "drop_connection", "on": "delete_batch", "when": when}])
    with pytest.raises(httpx2.RemoteProtocolError):
        gemini.batches.delete(name=name)
    assert len(list(gemini.batches.list())) == (when == "before")


def test_the_last_piece_of_an_upload_may_be_lost(emulator: Running, gemini: Client) -> None:
    emulator.set_faults([{"fault": "drop_connection", "on": "upload_file", "when": "after", "skip": 1}])
    with pytest.raises(httpx2.RemoteProtocolError):
        upload(gemini, rows(1))
    assert [file.display_name for file in gemini.files.list()] == ["in.jsonl"]


def test_a_slow_answer_comes(emulator: Running, gemini: Client) -> None:
    emulator.set_faults([{"fault": "slow", "on": "list_models", "seconds": 0.01}])
    assert raw(emulator, "/v1/models").status_code == 200


def test_results_break_off_loudly_or_silently(emulator: Running, gemini: Client) -> None:
    job = finished_under(emulator, gemini, [], count=40)
    emulator.set_faults(["truncated_download", {"fault": "truncated_download", "silent": True, "bytes": 0, "skip": 1}])
    with pytest.raises(httpx2.RemoteProtocolError):
        text(gemini, job)
    assert text(gemini, job) == ""
    assert len(results(gemini, job)) == 40


def test_rows_fail_with_any_status(emulator: Running, gemini: Client) -> None:
    blocked = {"response": {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}}
    plan = [
        {"fault": "line_error", "rows": [0]},
        {"fault": "line_error", "rows": [1], "status": 500, "message": "boom"},
        {"fault": "line_error", "rows": [2], "status": 503},
        {"fault": "line_error", "rows": [3], "status": 400, "code": 400},
        {"fault": "line_error", "custom_id": "q-4", "type": "CANCELLED", "status": 499},
        {"fault": "line_error", "rows": [5], "error": {"odd": 1}},
        {"fault": "line_error", "rows": [6], "body": blocked},
        {"fault": "line_error", "rows": [7], "no_response": True},
    ]
    job = finished_under(emulator, gemini, plan, count=9)
    found = results(gemini, job)
    assert [one["key"] for one in found] == [f"q-{i}" for i in range(9)]
    errors = [one.get("error") for one in found]
    assert [error["code"] for error in errors[:5]] == [8, 13, 14, 400, 1]
    assert errors[1] == {"code": 13, "message": "boom"}
    assert errors[5] == {"odd": 1}
    assert found[6] == {"key": "q-6", **blocked}
    assert found[7] == {"key": "q-7"}
    assert "response" in found[8]
    counts = raw(emulator, f"/v1/{job.name}").json()["metadata"]["batchStats"]
    assert (counts["successfulRequestCount"], counts["failedRequestCount"]) == ("1", "8")
    assert emulator.audit()["executed"] == 1


@pytest.mark.parametrize(
    ("fault", "there"),
    [
        ("missing_lines", {"q-1": 1, "q-2": 1, "q-3": 1}),
        ("duplicate_lines", {"q-0": 2, "q-1": 1, "q-2": 1, "q-3": 1}),
        ({"fault": "duplicate_lines", "differ": True}, {"q-0": 2, "q-1": 1, "q-2": 1, "q-3": 1}),
        ({"fault": "stranger_lines", "id": "who"}, {"who": 1, "q-0": 1, "q-1": 1, "q-2": 1, "q-3": 1}),
    ],
)
def test_lines_go_missing_or_come_with_company(
    emulator: Running, gemini: Client, fault: Any, there: dict[str, int]
) -> None:
    found = results(gemini, finished_under(emulator, gemini, [fault]))
    assert Counter(one["key"] for one in found) == there
    twins = {json.dumps(one, sort_keys=True) for one in found if one["key"] == "q-0"}
    assert len(twins) == (0 if "q-0" not in there else 2 if isinstance(fault, dict) and fault.get("differ") else 1)


@pytest.mark.parametrize("fault", ["cut_line", "not_json_line"])
def test_a_line_is_broken(emulator: Running, gemini: Client, fault: str) -> None:
    job = finished_under(emulator, gemini, [fault])
    first, *others = text(gemini, job).splitlines()
    with pytest.raises(ValueError, match=r"."):
        json.loads(first)
    assert [json.loads(line)["key"] for line in others] == ["q-1", "q-2", "q-3"]


def test_rows_of_an_inline_batch_go_missing_are_doubled_and_say_nothing(emulator: Running, gemini: Client) -> None:
    plan: list[Any] = [
        {"fault": "missing_lines", "custom_id": "b"},
        {"fault": "stranger_lines", "custom_id": "c", "id": "who"},
        {"fault": "duplicate_lines", "custom_id": "d", "differ": True},
        {"fault": "cut_line", "custom_id": "e"},
    ]
    emulator.set_faults(plan)
    source: Any = [{"contents": f"hi {key}", "metadata": {"key": key}} for key in "abcde"]
    job = gemini.batches.create(model=FLASH, src=source)
    emulator.advance(100)
    job = look(gemini, str(job.name))
    assert job.dest is not None
    answers = job.dest.inlined_responses or []
    *said, nothing = answers
    assert [(answer.metadata or {})["key"] for answer in said] == ["a", "c", "who", "d", "d"]
    assert said[-1].response is not None
    assert said[-1].response.text == "another answer"
    assert (nothing.metadata, nothing.response, nothing.error) == (None, None, None)


def test_what_a_look_shows_may_be_wrong_for_a_while(emulator: Running, gemini: Client) -> None:
    plan: list[Any] = [
        {"fault": "unknown_status", "status": "dreaming", "looks": 1, "batch": 1},
        {"fault": "vanished", "after": 1, "looks": 1, "batch": 2},
        {"fault": "lying_counters", "counts": {"successfulRequestCount": 9}, "batch": 3},
        {"fault": "files_late", "looks": 1, "batch": 4},
        {"fault": "stuck", "metadata": {"displayName": "st*"}},
    ]
    emulator.set_faults(plan)
    with pytest.warns(UserWarning, match="DREAMING"):  # the SDK's own words
        names = [order(gemini, rows(1), name=name) for name in ("a", "b", "c", "d", "stuck")]

    def seen(name: str) -> dict[str, Any]:
        answer = raw(emulator, f"/v1/{name}")
        return dict(answer.json()["metadata"]) if answer.status_code == 200 else {"state": answer.status_code}

    assert [seen(names[0])["state"] for _ in range(2)] == ["BATCH_STATE_DREAMING", "BATCH_STATE_PENDING"]
    assert [seen(names[1])["state"] for _ in range(3)] == ["BATCH_STATE_PENDING", 404, "BATCH_STATE_PENDING"]
    assert seen(names[2])["batchStats"]["successfulRequestCount"] == "9"
    emulator.advance(200_000)
    late = [seen(names[3]) for _ in range(2)]
    assert [("output" in one, one["state"]) for one in late] == [
        (False, "BATCH_STATE_SUCCEEDED"),
        (True, "BATCH_STATE_SUCCEEDED"),
    ]
    assert seen(names[4])["state"] == "BATCH_STATE_RUNNING"
    gemini.batches.cancel(name=names[4])
    emulator.advance(20)
    assert seen(names[4])["state"] == "BATCH_STATE_CANCELLED"


def test_a_batch_fails_as_a_whole(emulator: Running, gemini: Client) -> None:
    emulator.set_faults([{"fault": "batch_failed", "code": 9, "message": "no"}, {"fault": "batch_failed", "skip": 1}])
    for error in ({"code": 9, "message": "no"}, {"code": 13, "message": "The batch could not be processed."}):
        job = finished(emulator, gemini, rows(2))
        assert (str(job.state), job.done, job.dest) == ("JobState.JOB_STATE_FAILED", True, None)
        shown = raw(emulator, f"/v1/{job.name}").json()
        assert (shown["done"], shown["error"]) == (True, error)
    assert emulator.audit()["executed"] == 0


def test_a_fault_of_one_surface_waits_for_its_own(emulator: Running, gemini: Client, client: OpenAI) -> None:
    emulator.set_faults(["unfinished_lines", "cannot_find_file_async"])
    mine, other = order(gemini, rows(2)), submit(client, requests(1))
    emulator.advance(100)
    assert str(look(gemini, mine).state) == "JobState.JOB_STATE_SUCCEEDED"
    assert client.batches.retrieve(other.id).status == "failed"


def test_every_fault_that_needs_no_file_of_openai_strikes_here_too() -> None:
    elsewhere = {name for name, kind in KINDS.items() if "gemini" not in kind.surfaces}
    assert elsewhere == {
        *("cannot_find_file", "cannot_find_file_async", "token_limit_exceeded", "empty_string_ids"),
        *("progressive_counts", "unfinished_lines"),
        *("partially_succeeded", "shards_only", "missing_total"),  # of Vertex
    }
