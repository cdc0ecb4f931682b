"""Each fault does what it says, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Batch

from harness.emulator import Running
from harness.emulator.faults import KINDS, PlanError, check, strikes_line

from .conftest import Start, content, request, requests, submit, upload


def finished(emulator: Running, client: OpenAI, plan: list[Any], count: int = 4) -> Batch:
    """Run a batch under a plan."""
    emulator.set_faults(plan)
    batch = submit(client, requests(count))
    emulator.advance(100)
    return client.batches.retrieve(batch.id)


def codes(batch: Batch) -> list[str | None]:
    return [error.code for error in (batch.errors and batch.errors.data) or []]


def test_a_lost_answer_leaves_a_batch_behind(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults(["create_answer_lost"])
    with pytest.raises(openai.APIConnectionError):
        submit(client, requests(2), metadata={"key": "k1"})
    (lost,) = client.batches.list().data
    assert lost.metadata == {"key": "k1"}
    assert submit(client, requests(2)).id != lost.id


def test_a_500_may_or_may_not_have_created_a_batch(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults(["create_500_then_ok", {"fault": "create_500_but_accepted", "skip": 1}])
    with pytest.raises(openai.InternalServerError, match="The server had an error while processing"):
        submit(client, requests(1))
    assert client.batches.list().data == []
    with pytest.raises(openai.InternalServerError):
        submit(client, requests(1))
    assert len(client.batches.list().data) == 1
    submit(client, requests(1))
    assert len(client.batches.list().data) == 2


def test_a_fresh_file_may_not_be_found_for_some_calls(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults([{"fault": "cannot_find_file", "times": 2}])
    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as caught:
            submit(client, requests(1))
        assert caught.value.param == "file_id"
        assert "or project proj_emulator does not have access to it." in caught.value.message
    assert submit(client, requests(1)).status == "validating"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cannot_find_file_async", "invalid_request"),
        ("token_limit_exceeded", "token_limit_exceeded"),
        ({"fault": "batch_failed", "code": "custom", "message": "no", "param": "p", "line": 3}, "custom"),
    ],
)
def test_a_batch_may_fail_as_a_whole_and_the_next_one_not(
    emulator: Running, client: OpenAI, fault: Any, code: str
) -> None:
    failed = finished(emulator, client, [fault])
    assert (failed.status, codes(failed)) == ("failed", [code])
    assert emulator.audit()["executed"] == 0
    again = submit(client, requests(4))
    emulator.advance(100)
    assert client.batches.retrieve(again.id).status == "completed"


def test_a_rate_limit_says_when_to_come_back_or_not(emulator: Running, client: OpenAI) -> None:
    plan = [
        {"fault": "rate_limited", "on": ["get_batch", "upload_file"], "retry_after": 7},
        {"fault": "rate_limited", "on": "list_batches", "retry_after": None, "times": 2},
    ]
    emulator.set_faults(plan)
    with pytest.raises(openai.RateLimitError) as caught:
        upload(client, requests(1))
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.code == "rate_limit_exceeded"
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as caught:
            client.batches.list()
        assert "retry-after" not in caught.value.response.headers
    assert client.batches.list().data == []


def test_a_server_error_is_json_or_the_page_of_a_gateway(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults(
        [
            {"fault": "server_error", "on": "list_files", "status": 503},
            {"fault": "server_error", "on": "list_files", "html": True, "skip": 1},
        ]
    )
    with pytest.raises(openai.InternalServerError) as caught:
        client.files.list()
    assert (caught.value.status_code, caught.value.type) == (503, "server_error")
    with pytest.raises(openai.InternalServerError) as caught:
        client.files.list()
    assert caught.value.status_code == 502
    assert "<html>" in caught.value.response.text
    assert client.files.list().data == []


def test_an_empty_purse_never_heals(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults(["insufficient_quota"])
    for _ in range(3):
        with pytest.raises(openai.RateLimitError) as caught:
            submit(client, requests(1))
        assert (caught.value.code, caught.value.type) == ("insufficient_quota", "insufficient_quota")


def test_an_empty_purse_may_show_in_lines(emulator: Running, client: OpenAI) -> None:
    batch = finished(emulator, client, [{"fault": "insufficient_quota", "on": "lines", "rows": [1, 2]}])
    errors = content(client, batch.error_file_id)
    assert {row["custom_id"] for row in errors} == {"q-1", "q-2"}
    assert {row["response"]["body"]["error"]["code"] for row in errors} == {"insufficient_quota"}


@pytest.mark.parametrize(("when", "left"), [("before", 0), ("after", 1)])
def test_a_connection_drops_before_or_after_the_effect(emulator: Running, client: OpenAI, when: str, left: int) -> None:
    emulator.set_faults([{"fault": "drop_connection", "on": "upload_file", "when": when}])
    with pytest.raises(openai.APIConnectionError):
        upload(client, requests(1))
    assert len(client.files.list().data) == left


def test_a_slow_answer_takes_its_time(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults([{"fault": "slow", "on": "list_files", "seconds": 0.05, "times": 1}])
    began = time.monotonic()
    client.files.list()
    assert time.monotonic() - began >= 0.05


def test_a_download_breaks_off_loudly_or_silently(emulator: Running, client: OpenAI) -> None:
    file_id = upload(client, requests(50))
    whole = client.files.content(file_id).content
    emulator.set_faults(
        ["truncated_download", {"fault": "truncated_download", "silent": True, "bytes": 100, "skip": 1}]
    )
    with pytest.raises(openai.APIConnectionError):
        client.files.content(file_id)
    assert client.files.content(file_id).content == whole[:100]
    assert client.files.content(file_id).content == whole


def test_an_error_may_echo_the_key(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults(["echo_key"])
    with pytest.raises(openai.AuthenticationError, match="sk-test-1234567890"):
        submit(client, requests(1))


def test_a_batch_expires_with_some_lines_done(emulator: Running, client: OpenAI) -> None:
    batch = finished(emulator, client, [{"fault": "expire_after_lines", "lines": 3}], count=10)
    assert batch.status == "expired"
    assert batch.expired_at == batch.created_at + 60
    output, errors = content(client, batch.output_file_id), content(client, batch.error_file_id)
    assert (len(output), len(errors)) == (3, 7)
    assert {row["error"]["code"] for row in errors} == {"batch_expired"}
    assert batch.request_counts is not None
    assert batch.request_counts.model_dump() == {"total": 10, "completed": 3, "failed": 0}


@pytest.mark.parametrize("status", ["validating", "in_progress", "finalizing"])
def test_a_batch_is_stuck_past_its_window(emulator: Running, client: OpenAI, status: str) -> None:
    batch = finished(emulator, client, [{"fault": "stuck", "status": status}])
    emulator.advance(200_000)
    assert client.batches.retrieve(batch.id).status == status
    client.batches.cancel(batch.id)
    emulator.advance(20)
    assert client.batches.retrieve(batch.id).status == "cancelled"


def test_an_unknown_status_shows_for_some_looks(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults([{"fault": "unknown_status", "status": "dreaming", "looks": 2}])
    batch = submit(client, requests(1))
    looks = [client.batches.retrieve(batch.id).status for _ in range(3)]
    assert looks == ["dreaming", "dreaming", "validating"]


@pytest.mark.parametrize("listed", [True, False])
def test_a_batch_vanishes_and_comes_back(emulator: Running, client: OpenAI, listed: bool) -> None:
    emulator.set_faults([{"fault": "vanished", "after": 1, "looks": 2, "listed": listed}])
    batch = submit(client, requests(1))
    client.batches.retrieve(batch.id)
    for _ in range(2):
        with pytest.raises(openai.NotFoundError):
            client.batches.retrieve(batch.id)
        assert len(client.batches.list().data) == listed
    assert client.batches.retrieve(batch.id).id == batch.id
    assert len(client.batches.list().data) == 1


def test_file_ids_may_come_late(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults([{"fault": "files_late", "looks": 2}])
    batch = submit(client, requests(1))
    emulator.advance(100)
    looks = [client.batches.retrieve(batch.id) for _ in range(3)]
    assert [look.status for look in looks] == ["completed"] * 3
    assert [look.output_file_id is not None for look in looks] == [False, False, True]


def test_missing_file_ids_may_be_empty_strings(emulator: Running, client: OpenAI) -> None:
    batch = finished(emulator, client, ["empty_string_ids"])
    assert batch.output_file_id
    assert batch.error_file_id == ""


def test_counters_may_lie(emulator: Running, client: OpenAI) -> None:
    batch = finished(emulator, client, [{"fault": "lying_counters", "counts": {"total": 9, "completed": 9}}])
    assert batch.request_counts is not None
    assert batch.request_counts.model_dump() == {"total": 9, "completed": 9, "failed": 0}
    assert len(content(client, batch.output_file_id)) == 4


def test_lines_fail_with_any_status(emulator: Running, client: OpenAI) -> None:
    plan = [
        {"fault": "line_error", "rows": [0]},
        {"fault": "line_error", "rows": [1], "status": 500, "message": "boom"},
        {"fault": "line_error", "rows": [2], "status": 0, "error": {}},
        {"fault": "line_error", "rows": [3], "no_response": True, "code": "request_timeout", "message": "late"},
        {"fault": "line_error", "custom_id": "q-4*", "status": 400, "body": {"odd": 1}},
    ]
    batch = finished(emulator, client, plan, count=6)
    rows = {row["custom_id"]: row for row in content(client, batch.error_file_id)}
    assert rows["q-0"]["response"]["body"]["error"]["code"] == "rate_limit_exceeded"
    assert (rows["q-1"]["response"]["status_code"], rows["q-1"]["error"]) == (500, None)
    assert rows["q-1"]["response"]["body"]["error"]["message"] == "boom"
    assert (rows["q-2"]["response"]["status_code"], rows["q-2"]["response"]["body"], rows["q-2"]["error"]) == (
        0,
        "",
        {},
    )
    assert (rows["q-3"]["response"], rows["q-3"]["error"]["code"]) == (None, "request_timeout")
    assert rows["q-4"]["response"]["body"] == {"odd": 1}
    assert [row["custom_id"] for row in content(client, batch.output_file_id)] == ["q-5"]
    audit = emulator.audit()
    assert (audit["executed"], audit["refused"]) == (1, 5)


def test_lines_go_missing_though_they_ran(emulator: Running, client: OpenAI) -> None:
    batch = finished(emulator, client, [{"fault": "missing_lines", "rows": [0, 2]}])
    assert {row["custom_id"] for row in content(client, batch.output_file_id)} == {"q-1", "q-3"}
    assert batch.error_file_id is None
    assert emulator.audit()["executed"] == 4


@pytest.mark.parametrize("differ", [True, False])
def test_lines_come_twice_and_may_disagree(emulator: Running, client: OpenAI, differ: bool) -> None:
    batch = finished(emulator, client, [{"fault": "duplicate_lines", "differ": differ}])
    twins = [row for row in content(client, batch.output_file_id) if row["custom_id"] == "q-0"]
    assert len(twins) == 2
    assert (twins[0] != twins[1]) == differ


def test_strangers_stand_among_the_lines(emulator: Running, client: OpenAI) -> None:
    batch = finished(emulator, client, [{"fault": "stranger_lines", "rows": [1], "id": "who"}])
    ids = sorted(row["custom_id"] for row in content(client, batch.output_file_id))
    assert ids == ["q-0", "q-1", "q-2", "q-3", "who"]


@pytest.mark.parametrize("fault", ["cut_line", "not_json_line"])
def test_a_line_is_broken(emulator: Running, client: OpenAI, fault: str) -> None:
    batch = finished(emulator, client, [fault])
    assert batch.output_file_id is not None
    broken = 0
    for line in client.files.content(batch.output_file_id).text.splitlines():
        try:
            json.loads(line)
        except ValueError:
            broken += 1
    assert broken == 1


def test_a_fault_may_be_bound_to_batches_and_metadata(emulator: Running, client: OpenAI) -> None:
    emulator.set_faults(
        [
            {"fault": "batch_failed", "batch": [2, 3]},
            {"fault": "server_error", "on": "get_batch", "metadata": {"key": "k-*"}, "times": None},
        ]
    )
    batches = [submit(client, requests(1)) for _ in range(4)]
    keyed = submit(client, requests(1), metadata={"key": "k-1"})
    emulator.advance(100)
    assert [client.batches.retrieve(batch.id).status for batch in batches] == [
        "completed",
        "failed",
        "failed",
        "completed",
    ]
    with pytest.raises(openai.InternalServerError):
        client.batches.retrieve(keyed.id)


def test_a_restart_neither_forgets_nor_repeats_a_fault(start: Start, connect: Callable[..., OpenAI]) -> None:
    plan = [{"fault": "create_500_then_ok", "times": 2}]
    first = start(faults=plan)
    with pytest.raises(openai.InternalServerError):
        submit(connect(first), requests(1))
    first.stop()
    client = connect(start(faults=plan))
    with pytest.raises(openai.InternalServerError):
        submit(client, requests(1))
    assert submit(client, requests(1)).status == "validating"


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"fault": "slow"}, "a list"),
        (["nonsense"], "unknown fault"),
        ([{"fault": "stuck", "colour": 1}], "unknown key 'colour'"),
        ([{"fault": "slow", "on": "nowhere"}], "`on` is one or more of"),
        (["rate_limited"], "`on` is one or more of"),
    ],
)
def test_a_bad_plan_is_refused_in_one_line(plan: Any, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        check(plan)


def test_a_share_of_lines_is_drawn_the_same_every_time() -> None:
    fault = check([{"fault": "line_error", "share": 0.3}])[0]
    struck = [strikes_line(fault, row, request(f"q-{row}")["custom_id"]) for row in range(2000)]
    assert 500 < sum(struck) < 700
    assert struck == [strikes_line(fault, row, f"q-{row}") for row in range(2000)]


def test_every_fault_is_described() -> None:
    assert all(kind.text and kind.strikes in {"call", "batch", "lines"} for kind in KINDS.values())


def test_faults_of_one_line_come_together(emulator: Running, client: OpenAI) -> None:
    plan = ["cut_line", "stranger_lines", {"fault": "duplicate_lines", "differ": True}]
    batch = finished(emulator, client, plan)
    assert batch.output_file_id is not None
    assert len(client.files.content(batch.output_file_id).text.splitlines()) > 4
