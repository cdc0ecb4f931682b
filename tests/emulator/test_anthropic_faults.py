"""Each fault of the Anthropic surface does what it says, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic
from openai import OpenAI

from harness.emulator import Running
from harness.emulator.faults import KINDS
from harness.emulator.serve import main

from .claude import counts, finished, lines, order, params, results
from .conftest import Start, requests, submit


def test_a_lost_answer_leaves_a_batch_behind(emulator: Running, claude: Anthropic) -> None:
    emulator.set_faults(["create_answer_lost"])
    with pytest.raises(anthropic.APIConnectionError):
        order(claude, lines(2))
    (lost,) = claude.messages.batches.list().data
    assert counts(lost) == {"processing": 2}
    assert order(claude, lines(2)).id != lost.id


def test_a_client_that_retries_a_lost_create_has_two_batches(
    emulator: Running, claudes: Callable[..., Anthropic]
) -> None:
    emulator.set_faults(["create_answer_lost"])
    client = claudes(emulator.root, max_retries=2)
    kept = order(client, lines(2))
    emulator.advance(100)
    assert len(client.messages.batches.list().data) == 2
    assert len(results(client, kept)) == 2
    audit = emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"], audit["creates"]) == (4, 2, 2)


def test_a_500_may_or_may_not_have_created_a_batch(emulator: Running, claude: Anthropic) -> None:
    emulator.set_faults(["create_500_then_ok", {"fault": "create_500_but_accepted", "skip": 1}])
    for left in (0, 1):
        with pytest.raises(anthropic.InternalServerError, match="Internal server error"):
            order(claude, lines(1))
        assert len(claude.messages.batches.list().data) == left


@pytest.mark.parametrize(("after", "header"), [(7, "7"), (None, None)])
def test_a_rate_limit_says_when_to_come_back_or_not(
    emulator: Running, claude: Anthropic, after: int | None, header: str | None
) -> None:
    emulator.set_faults(
        [{"fault": "rate_limited", "on": ["create_batch", "messages"], "retry_after": after, "times": 2}]
    )
    for call in (lambda: order(claude, lines(1)), lambda: claude.messages.create(**params())):
        with pytest.raises(anthropic.RateLimitError) as caught:
            call()
        assert caught.value.response.headers.get("retry-after") == header
        assert caught.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[index]
    assert order(claude, lines(1)).id


@pytest.mark.parametrize(
    ("status", "kind"), [(500, "api_error"), (529, "overloaded_error"), (504, "timeout_error"), (503, "api_error")]
)
def test_a_server_error_has_the_type_of_its_status(
    emulator: Running, claude: Anthropic, status: int, kind: str
) -> None:
    emulator.set_faults([{"fault": "server_error", "on": "get_batch", "status": status}])
    batch = order(claude, lines(1))
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude.messages.batches.retrieve(batch.id)
    assert (caught.value.status_code, caught.value.body["error"]["type"]) == (status, kind)  # type: ignore[index]
    assert claude.messages.batches.retrieve(batch.id).id == batch.id


def test_an_empty_purse_is_a_billing_error_for_calls_and_for_lines(emulator: Running, claude: Anthropic) -> None:
    emulator.set_faults([{"fault": "insufficient_quota", "times": 2}])
    for _ in range(2):
        with pytest.raises(anthropic.APIStatusError, match="credit balance is too low") as caught:
            order(claude, lines(1))
        assert caught.value.status_code == 402
    batch = finished_under(emulator, claude, [{"fault": "insufficient_quota", "on": "lines", "rows": [1]}])
    assert results(claude, batch)["q-1"]["error"]["error"]["type"] == "billing_error"


def finished_under(emulator: Running, claude: Anthropic, plan: list[Any], count: int = 4) -> Any:
    """Run a batch under a plan."""
    emulator.set_faults(plan)
    return finished(emulator, claude, lines(count))


def test_an_error_may_echo_the_key(emulator: Running, claude: Anthropic) -> None:
    emulator.set_faults(["echo_key"])
    with pytest.raises(anthropic.AuthenticationError, match="sk-ant-test-1234567890"):
        order(claude, lines(1))


def test_results_break_off_loudly_or_silently(emulator: Running, claude: Anthropic) -> None:
    batch = finished_under(emulator, claude, [], count=40)
    plan = ["truncated_download", {"fault": "truncated_download", "silent": True, "bytes": 0, "skip": 1}]
    emulator.set_faults(plan)
    read: list[Any] = []
    with pytest.raises(httpx2.RemoteProtocolError):  # the transport's own: a cut is no status
        read.extend(claude.messages.batches.results(batch.id))
    assert 0 < len(read) < 40
    assert results(claude, batch) == {}
    assert len(results(claude, batch)) == 40


def test_lines_fail_with_any_status(emulator: Running, claude: Anthropic) -> None:
    plan = [
        {"fault": "line_error", "rows": [0]},
        {"fault": "line_error", "rows": [1], "status": 500, "message": "boom"},
        {"fault": "line_error", "rows": [2], "status": 529},
        {"fault": "line_error", "rows": [3], "error": {"odd": 1}},
        {"fault": "unfinished_lines", "rows": [4]},
        {"fault": "unfinished_lines", "rows": [5], "result": "canceled"},
    ]
    batch = finished_under(emulator, claude, plan, count=8)
    answers = results(claude, batch)
    assert [answers[f"q-{i}"]["type"] for i in range(8)] == [
        *["errored"] * 4,
        "expired",
        "canceled",
        *["succeeded"] * 2,
    ]
    assert answers["q-0"]["error"]["error"]["type"] == "rate_limit_error"
    assert answers["q-1"]["error"]["error"] == {"type": "api_error", "message": "boom"}
    assert answers["q-2"]["error"]["error"]["type"] == "overloaded_error"
    assert answers["q-3"]["error"] == {"odd": 1}
    assert counts(batch) == {"errored": 4, "expired": 1, "canceled": 1, "succeeded": 2}
    assert emulator.audit()["executed"] == 2


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
    emulator: Running, claude: Anthropic, fault: Any, there: dict[str, int]
) -> None:
    batch = finished_under(emulator, claude, [fault])
    rows = [(row.custom_id, row.result.to_json()) for row in claude.messages.batches.results(batch.id)]
    assert Counter(name for name, _ in rows) == there
    twins = {text for name, text in rows if name == "q-0"}
    assert len(twins) == (0 if "q-0" not in there else 2 if isinstance(fault, dict) and fault.get("differ") else 1)
    assert counts(batch) == {"succeeded": 4}


@pytest.mark.parametrize("fault", ["cut_line", "not_json_line"])
def test_a_line_is_broken(emulator: Running, claude: Anthropic, fault: str) -> None:
    batch = finished_under(emulator, claude, [fault])
    with pytest.raises(ValueError, match=r"."):
        list(claude.messages.batches.results(batch.id))


def test_what_a_look_shows_may_be_wrong_for_a_while(emulator: Running, claude: Anthropic) -> None:
    plan: list[Any] = [
        {"fault": "unknown_status", "status": "dreaming", "looks": 1, "batch": 1},
        {"fault": "vanished", "after": 1, "looks": 1, "batch": 2},
        {"fault": "lying_counters", "counts": {"succeeded": 9}, "batch": 3},
        {"fault": "files_late", "looks": 1, "batch": 4},
        {"fault": "stuck", "batch": 5},
    ]
    emulator.set_faults(plan)
    batches = [order(claude, lines(1)).id for _ in range(5)]
    look = claude.messages.batches.retrieve
    assert [look(batches[0]).processing_status for _ in range(2)] == ["dreaming", "in_progress"]
    look(batches[1])
    with pytest.raises(anthropic.NotFoundError):
        look(batches[1])
    assert look(batches[1]).id == batches[1]
    assert counts(look(batches[2])) == {"succeeded": 9}
    emulator.advance(200_000)
    late = [look(batches[3]) for _ in range(2)]
    assert [(one.processing_status, one.results_url is None) for one in late] == [("ended", True), ("ended", False)]
    assert look(batches[4]).processing_status == "in_progress"
    claude.messages.batches.cancel(batches[4])
    emulator.advance(20)
    assert look(batches[4]).processing_status == "ended"


def test_counts_may_move_while_a_batch_runs(emulator: Running, claude: Anthropic) -> None:
    emulator.set_faults(["progressive_counts"])
    batch = order(claude, lines(100))
    emulator.advance(25)
    seen = counts(claude.messages.batches.retrieve(batch.id))
    assert seen["processing"] + seen["succeeded"] == 100
    assert seen["succeeded"] > 0


def test_a_fault_of_one_surface_waits_for_its_own(emulator: Running, claude: Anthropic, client: OpenAI) -> None:
    emulator.set_faults(["batch_failed", "unfinished_lines"])
    mine, other = order(claude, lines(2)), submit(client, requests(1))
    emulator.advance(100)
    assert counts(claude.messages.batches.retrieve(mine.id)) == {"succeeded": 1, "expired": 1}
    assert client.batches.retrieve(other.id).status == "failed"


def test_every_fault_says_where_it_strikes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-faults"]) == 0
    listed = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "openai, anthropic" in listed["create_answer_lost"]
    assert "anthropic" not in listed["cannot_find_file"]
    assert {surface for kind in KINDS.values() for surface in kind.surfaces} == {
        "openai",
        "anthropic",
        "gemini",
        "vertex",
    }
    assert KINDS["cannot_find_file"].surfaces == ("openai",)
    assert KINDS["unfinished_lines"].surfaces == ("anthropic",)


def test_a_restart_goes_on_with_the_same_batches(
    start: Start, claudes: Callable[..., Anthropic], tmp_path: Path
) -> None:
    first = start()
    batch = order(claudes(first.root), lines(20))
    first.advance(25)
    first.stop()
    folder = tmp_path / "state" / "files"
    (folder / "msgbatch_01x_requests.jsonl").write_text("left by a kill between two steps")
    again = start()
    assert [path.name for path in folder.iterdir()] == [f"{batch.id}_requests.jsonl"]
    client = claudes(again.root)
    again.advance(100)
    assert len(results(client, client.messages.batches.retrieve(batch.id))) == 20
    assert again.audit()["executed_by_custom_id_max"] == 1
