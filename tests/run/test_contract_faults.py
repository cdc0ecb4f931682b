"""What every lane owes a run when things go wrong, written once: the life of a batch, errors of lines, odd lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.run import folder, journal
from harness.run.driver import Ended
from harness.run.fold import fold
from harness.run.status import ways_on
from tests.conftest import Project, lines
from tests.run.lanes import DONE, MODERATION, REJECTED, Lane, attempts, came, those
from tests.run.test_faults import events


def notes(ended: Ended) -> list[str]:
    found: list[str] = json.loads((ended.folder / "metadata.json").read_text())["notes"]
    return found


@those(lambda lane: lane.has("batch_failed"))
def test_a_rejected_batch_stops_the_run_with_the_reason(lane: Project, facts: Lane) -> None:
    why = {"message": "not this file", **REJECTED.get(facts.protocol, {})}
    lane.emulator.set_faults([{"fault": "batch_failed", "times": None, **why}])
    ended = lane.run()
    assert (ended.code, ended.stopped) == (3, "refused")
    assert "not this file" in ended.reason
    assert lane.emulator.audit()["executed"] == 0


def test_an_expired_batch_keeps_what_it_answered_and_only_the_rest_is_sent_again(lane: Project, facts: Lane) -> None:
    lane.emulator.set_faults([{"fault": "expire_after_lines", "lines": 5, "batch": 1}])
    ended = lane.run("batch.size=10")
    assert came(ended) == DONE
    again = 5 if facts.keeps else 10
    assert (attempts(ended).count(1), attempts(ended).count(2)) == (30 - again, again)
    audit = lane.emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"]) == (30 if facts.keeps else 35, 1)
    salvage = json.loads((ended.folder / "metadata.json").read_text())["salvage"]
    assert (salvage["batches"], salvage["answers"]) == (1, 5 if facts.keeps else 0)


def test_a_run_that_is_cancelled_halfway_keeps_what_was_answered_and_ends(lane: Project, facts: Lane) -> None:
    lane.emulator.set_faults([{"fault": "stuck", "times": 3}])
    run = lane.run(until="submitted").folder
    lane.emulator.advance(600)
    executed = lane.emulator.audit()["executed"]
    assert 0 < executed < 30
    ended = lane.resume(run, cancel=True)
    assert ended.stopped is None
    kept = {"answered": executed} if facts.keeps else {}
    assert came(ended) == (4, {**kept, "cancelled": 30 - sum(kept.values())})
    audit = lane.emulator.audit()
    assert (audit["executed"], audit["creates"]) == (executed, 3)


def test_a_status_that_nobody_knows_is_said_and_waited_through(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "unknown_status", "status": "dreaming", "looks": 2, "times": 3}])
    assert came(lane.run()) == DONE
    assert "dreaming, a status that is not known here; still waiting" in lane.said.getvalue().lower()
    assert lane.emulator.audit()["creates"] == 3


def test_a_status_that_nobody_knows_is_not_waited_for_without_end(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "unknown_status", "status": "dreaming", "looks": None, "batch": 1}])
    quick = ["endpoint.speed=200000", "batch.poll.min=60s", "batch.poll.max=1h"]
    run = lane.run("batch.size=10", *quick, until="submitted").folder
    lane.emulator.advance(600)
    ended = lane.resume(run)
    assert (ended.stopped, came(ended)) == ("question", (3, {"answered": 20, "pending": 10}))
    assert "dreaming' past its window and grace" in ended.reason.lower()
    assert lane.emulator.audit()["creates"] == 3


def test_a_batch_that_vanished_is_asked_about_and_not_sent_again(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "vanished", "after": 0, "looks": None, "listed": False, "batch": 1}])
    ended = lane.run("batch.size=10")
    assert (ended.stopped, came(ended)) == ("question", (3, {"answered": 20, "pending": 10}))
    assert lane.emulator.audit()["creates"] == 3
    [asked] = events(ended, "question")
    state = fold(folder.read(ended.folder).batches, journal.of_run(ended.folder))
    [way] = ways_on(ended.folder, state)
    assert way.startswith(f"python -m harness resume {ended.folder} --resend {asked['batch']} ")
    assert came(lane.resume(ended.folder, resend=[asked["batch"]])) == DONE
    assert lane.emulator.audit()["creates"] == 4


# ---- lines; one batch of all, so that its lines are the rows of the dataset


def test_only_what_was_not_answered_is_sent_again(lane: Project) -> None:
    struck: list[dict[str, Any]] = [
        {"fault": "line_error", "rows": [0], "status": 429},
        {"fault": "line_error", "rows": [1], "status": 500},
        {"fault": "missing_lines", "rows": [2]},
        {"fault": "cut_line", "rows": [3]},
        {"fault": "not_json_line", "rows": [4]},
    ]
    lane.emulator.set_faults([{**fault, "batch": 1} for fault in struck])
    ended = lane.run("batch.size=30")
    assert came(ended) == DONE
    assert attempts(ended) == [2] * 5 + [1] * 25
    audit = lane.emulator.audit()
    assert (audit["creates"], audit["executed"], audit["executed_by_custom_id_max"]) == (2, 33, 1)
    assert "2 broken in the provider's files" in notes(ended)


def test_what_was_refused_for_good_is_not_sent_again(lane: Project, facts: Lane) -> None:
    struck = [{"status": 400, "message": "no"}, *MODERATION.get(facts.protocol, [])]
    lane.emulator.set_faults([{"fault": "line_error", "rows": [row], **fault} for row, fault in enumerate(struck)])
    ended = lane.run("batch.size=30", "batch.min_coverage=0.9")
    assert came(ended) == (0, {"answered": 30 - len(struck), "failed": len(struck)})
    errors = lines(ended.folder / "errors.jsonl")
    assert [error["class"] for error in errors] == ["permanent", "moderation"][: len(struck)]
    assert (errors[0]["id"], errors[0]["message"], errors[0]["attempts"]) == ("s00000", "no", 1)
    assert lane.emulator.audit()["creates"] == 1


def test_lines_beyond_the_answers_change_none_and_two_that_disagree_are_believed_neither(lane: Project) -> None:
    struck: list[dict[str, Any]] = [
        {"fault": "stranger_lines", "rows": [0]},
        {"fault": "duplicate_lines", "rows": [1]},
        {"fault": "duplicate_lines", "rows": [2], "differ": True},
    ]
    lane.emulator.set_faults(struck)
    ended = lane.run("batch.size=30")
    assert came(ended) == (0, {"answered": 29, "failed": 1})
    assert [line["id"] for line in lines(ended.folder / "errors.jsonl")] == ["s00002"]
    assert lane.emulator.audit()["creates"] == 1
    told = {"2 duplicates in the provider's files", "1 strangers in the provider's files"}
    assert told <= {*notes(ended)}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"fault": "insufficient_quota"}, "billing"),
        ({"fault": "insufficient_quota", "on": "lines", "rows": [0]}, "billing"),
        ({"fault": "echo_key", "on": "create_batch", "times": None}, "auth"),
        ({"fault": "line_error", "rows": [0], "status": 401}, "auth"),
    ],
    ids=["billing of a call", "billing of a line", "auth of a call", "auth of a line"],
)
def test_money_and_access_stop_the_run_and_resume_finishes_it(lane: Project, fault: dict[str, Any], kind: str) -> None:
    lane.emulator.set_faults([fault])
    ended = lane.run()
    assert (ended.code, ended.stopped) == (3, kind)
    lane.emulator.set_faults([])
    assert came(lane.resume(ended.folder)) == DONE
    audit = lane.emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"]) == (30, 1)
