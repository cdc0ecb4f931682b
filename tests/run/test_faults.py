"""Faults on the wire: what was sent, what was paid, what came of it, and what was said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import ConfigError
from tests.conftest import Project, lines


def outcomes(ended: Any) -> dict[str, int]:
    return {name: count for name, count in ended.summary["outcomes"].items() if count}


def events(ended: Any, name: str) -> list[dict[str, Any]]:
    return [event for event in lines(ended.folder / "journal.jsonl") if event["event"] == name]


def test_a_run_without_faults_sends_every_request_once(project: Project) -> None:
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    audit = project.emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"], audit["creates"]) == (30, 1, 3)
    results = lines(ended.folder / "results.jsonl")
    assert [result["id"] for result in results] == [f"s{n:05d}" for n in range(30)]
    assert all(result["custom_id"].startswith("k") for result in results)


def test_a_batch_costs_at_most_six_durable_lines(project: Project) -> None:
    from harness.run.journal import SYNCED

    ended = project.run()
    durable = [event for event in lines(ended.folder / "journal.jsonl") if event["event"] in SYNCED]
    assert max(sum(event.get("batch") == name for event in durable) for name in ("0001", "0002", "0003")) <= 6


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": "rate_limited", "on": "create_batch", "retry_after": 30}, "Rate limit reached"),
        ({"fault": "server_error", "on": "get_batch", "status": 503, "times": 2}, "next try"),
        ({"fault": "server_error", "on": "upload_file", "html": True, "status": 502}, "next try"),
        ({"fault": "cannot_find_file", "times": 2}, "Cannot find file"),
        ({"fault": "drop_connection", "on": "get_batch"}, "next try"),
        ({"fault": "truncated_download"}, "next try"),
    ],
)
def test_a_call_that_may_heal_is_tried_again(project: Project, fault: dict[str, Any], said: str) -> None:
    project.emulator.set_faults([fault])
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert project.emulator.audit()["executed"] == 30
    assert said in project.said.getvalue()


def test_a_full_queue_is_waited_for_without_using_up_attempts(project: Project) -> None:
    project.emulator.set_faults([{"fault": "token_limit_exceeded", "times": 4}])
    ended = project.run("batch.retry.request_attempts=1")
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert project.emulator.audit()["executed_by_custom_id_max"] == 1
    assert {result["attempts"] for result in lines(ended.folder / "results.jsonl")} == {1}


def test_an_input_file_that_is_not_found_in_validation_costs_an_attempt_and_nothing_else(project: Project) -> None:
    project.emulator.set_faults([{"fault": "cannot_find_file_async", "times": 1}])
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert project.emulator.audit()["executed"] == 30
    assert sorted({result["attempts"] for result in lines(ended.folder / "results.jsonl")}) == [1, 2]


def test_an_expired_batch_keeps_what_it_answered_and_sends_only_the_rest(project: Project) -> None:
    project.emulator.set_faults([{"fault": "expire_after_lines", "lines": 5, "times": 1}])
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert project.emulator.audit()["executed"] == 30
    metadata = json.loads((ended.folder / "metadata.json").read_text())
    assert metadata["salvage"] == {"batches": 1, "answers": 5, "cost": pytest.approx(metadata["salvage"]["cost"])}


@pytest.mark.parametrize(
    ("fault", "again"),
    [
        ({"fault": "line_error", "rows": [0, 1], "status": 429, "times": 1}, 2),
        ({"fault": "line_error", "rows": [0], "status": 0, "body": "", "times": 1}, 1),
        ({"fault": "missing_lines", "rows": [3], "times": 1}, 1),
        ({"fault": "cut_line", "rows": [3], "times": 1}, 1),
        ({"fault": "not_json_line", "rows": [3], "times": 1}, 1),
    ],
)
def test_only_what_was_not_answered_is_sent_again(project: Project, fault: dict[str, Any], again: int) -> None:
    project.emulator.set_faults([fault])
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    attempts = [result["attempts"] for result in lines(ended.folder / "results.jsonl")]
    assert (attempts.count(1), attempts.count(2)) == (30 - again, again)


def test_attempts_of_a_request_are_bounded_and_coverage_judges(project: Project) -> None:
    project.emulator.set_faults([{"fault": "line_error", "rows": [0, 1], "status": 500, "times": None}])
    ended = project.run("batch.retry.request_attempts=3", "batch.size=30")
    assert (ended.code, outcomes(ended)) == (4, {"answered": 28, "failed": 2})
    failed = lines(ended.folder / "errors.jsonl")
    assert [(line["outcome"], line["class"], line["attempts"]) for line in failed] == [("failed", "retryable", 3)] * 2


def test_a_first_batch_wholly_refused_stops_the_run(project: Project) -> None:
    project.emulator.set_faults([{"fault": "line_error", "share": 1.0, "status": 400, "message": "no such parameter"}])
    ended = project.run("batch.max_in_flight=1")
    assert (ended.code, ended.stopped) == (3, "refused")
    assert "no such parameter" in ended.reason
    assert project.emulator.audit()["creates"] == 1
    assert outcomes(ended) == {"failed": 12, "pending": 18}


def test_a_batch_that_is_stuck_is_sent_again_only_where_settings_say_so(project: Project) -> None:
    project.emulator.set_faults([{"fault": "stuck", "times": 1}])
    words = [
        "batch.on_stuck=resend",
        "batch.grace=1m",
        "endpoint.speed=200000",
        "batch.poll.min=60s",
        "batch.poll.max=1h",
    ]
    ended = project.run(*words)
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert len(events(ended, "abandoned")) == 1
    assert "may be paid twice" in project.said.getvalue()


def test_files_that_come_late_are_waited_for(project: Project) -> None:
    project.emulator.set_faults([{"fault": "files_late", "looks": 3, "times": 1}])
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert "its results are not there yet" in project.said.getvalue()


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "empty_string_ids"},
        {"fault": "unknown_status", "looks": 2},
        {"fault": "stranger_lines", "rows": [2]},
        {"fault": "duplicate_lines", "rows": [2]},
        {"fault": "slow", "on": "get_batch", "seconds": 0.05},
    ],
)
def test_oddities_of_an_answer_change_no_result(project: Project, fault: dict[str, Any]) -> None:
    project.emulator.set_faults([{**fault, "times": 3}])
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert project.emulator.audit()["executed"] == 30


def test_counters_that_lie_are_not_believed(project: Project) -> None:
    project.emulator.set_faults([{"fault": "lying_counters", "times": 3}])
    ended = project.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})


def test_paid_outcomes_are_sent_again_only_when_listed_and_the_first_answer_keeps_the_headline(
    project: Project,
) -> None:
    words = ["generate.max_tokens=1", "batch.retry.paid_outcomes=[truncated]", "batch.retry.request_attempts=2"]
    ended = project.run(*words)
    results = lines(ended.folder / "results.jsonl")
    assert {(result["outcome"], result["attempts"], len(result["later"])) for result in results} == {
        ("truncated", 2, 1)
    }
    assert project.emulator.audit()["executed"] == 60


def test_detach_submits_and_once_looks(project: Project) -> None:
    ended = project.run(until="submitted")
    assert (ended.code, ended.stopped, outcomes(ended)) == (3, "detached", {"pending": 30})
    assert project.emulator.audit()["creates"] == 3
    again = project.resume(ended.folder, until="look")
    assert again.stopped in ("detached", None)
    project.emulator.advance(600)
    last = project.resume(ended.folder, until="look")
    if last.stopped:  # the look may have come before the batch's last step
        last = project.resume(ended.folder)
    assert (last.code, outcomes(last)) == (0, {"answered": 30})
    assert project.emulator.audit()["creates"] == 3


def test_cancel_collects_what_was_answered_and_sends_nothing_more(project: Project) -> None:
    from harness.run.driver import Answers, resume

    ended = project.run("batch.max_in_flight=1", until="submitted")
    last = resume(ended.folder, Answers({}, (), cancel=True), (), project.console(), "finished")
    assert last.stopped is None
    assert last.summary["outcomes"]["cancelled"] + last.summary["outcomes"]["answered"] == 30
    assert project.emulator.audit()["creates"] == 1


def test_a_resumed_run_keeps_what_was_planned(project: Project) -> None:
    ended = project.run(until="submitted")
    with pytest.raises(ConfigError, match="only output"):
        project.resume(ended.folder, "batch.size=3")
    with pytest.raises(ConfigError, match=r"batch\.pol: no such setting; did you mean 'poll'"):
        project.resume(ended.folder, "batch.pol=3s")
    assert project.resume(ended.folder, "output.txt_limit=0").code == 0
