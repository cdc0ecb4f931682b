"""Decisions as tables: state and time in, actions out; no disk, no clock, no network."""

from __future__ import annotations

from typing import Any

import pytest

from harness.run import decide
from harness.run.actions import (
    Abandon,
    Ask,
    Cancel,
    Clean,
    Collect,
    Create,
    Fetch,
    Find,
    Finish,
    Poll,
    Repack,
    Stop,
    Take,
    Upload,
)
from harness.run.decide import backoff, next_actions, should_resend, wake_at
from harness.run.fold import fold
from harness.run.state import State
from harness.settings import Settings
from harness.types import BatchFile
from tests.build import settings

DAY = 86_400.0
COUNTS = {"completed": 12, "failed": 0, "total": 12}


def batches(count: int, tokens: int = 100) -> list[BatchFile]:
    return [BatchFile(f"{n + 1:04d}", 12, 1000, tokens, n * 12) for n in range(count)]


def state(*events: dict[str, Any], count: int = 3) -> State:
    """Fold events; each is a second later than the one before unless it says when."""
    started = {"event": "started", "run_key": "kabc"}
    return fold(batches(count), [{"t": float(n), **event} for n, event in enumerate((started, *events))])


def uploaded(batch: str) -> dict[str, Any]:
    return {"event": "uploaded", "batch": batch, "file": f"file-{batch}"}


def intent(batch: str, submission: int = 1) -> dict[str, Any]:
    key = f"kabc-{batch}-{submission}"
    return {"event": "intent", "batch": batch, "file": f"file-{batch}", "submission": submission, "key": key}


def created(batch: str) -> dict[str, Any]:
    return {"event": "created", "batch": batch, "id": f"batch_{batch}", "adopted": False}


def ended(batch: str, **more: Any) -> dict[str, Any]:
    files = {"output": f"out-{batch}"}
    return {"event": "ended", "batch": batch, "status": "completed", **COUNTS, "files": files, "error": None, **more}


def collected(batch: str, **more: Any) -> dict[str, Any]:
    fields = {"outcomes": {"answered": 12}, "resend": 0, "cost": 0.1, "permanent": None, "fatal": None}
    return {"event": "collected", "batch": batch, **fields, **more}


def flown(batch: str) -> list[dict[str, Any]]:
    return [uploaded(batch), intent(batch), created(batch)]


def done(batch: str, **more: Any) -> list[dict[str, Any]]:
    return [
        *flown(batch),
        ended(batch),
        {"event": "fetched", "batch": batch, "bytes": 1},
        collected(batch, **more),
        {"event": "cleaned", "batch": batch, "files": [], "refused": None},
    ]


def rules(**overrides: Any) -> Settings:
    return settings("gpt-4o-mini", **overrides)


def test_planned_batches_are_uploaded_up_to_the_free_places() -> None:
    assert next_actions(state(), 5.0, rules(batch={"max_in_flight": 2})) == [Upload("0001"), Upload("0002")]


def test_an_uploaded_batch_is_created_with_a_key_of_its_own() -> None:
    actions = next_actions(state(uploaded("0001"), count=1), 5.0, rules())
    assert actions == [Create("0001", "file-0001", 1, "kabc-0001-1")]


def test_a_batch_in_flight_is_polled_when_the_look_is_due() -> None:
    now = state(*flown("0001"), {"event": "polled", "next": 10.0, "interval": 5.0}, count=1)
    assert next_actions(now, 9.9, rules()) == []
    assert wake_at(now, 9.9) == 10.0
    assert next_actions(now, 10.0, rules()) == [Poll(("0001",))]


def test_an_intent_without_an_answer_is_looked_for_and_never_blindly_repeated() -> None:
    assert next_actions(state(uploaded("0001"), intent("0001"), count=1), 5.0, rules()) == [
        Find("0001", "kabc-0001-1", "file-0001", 2.0 - decide.SLACK)
    ]


def test_a_lost_create_is_made_again_only_after_grace_and_several_looks() -> None:
    looks = [{"event": "not_found", "batch": "0001", "retry_at": 0.0}] * decide.FIND_LOOKS
    lost = state(uploaded("0001"), intent("0001"), *looks, count=1)
    assert isinstance(next_actions(lost, 100.0, rules())[0], Find)
    again = next_actions(lost, 2.0 + decide.FIND_GRACE, rules())
    assert again == [Create("0001", "file-0001", 2, "kabc-0001-2")]


def test_several_candidates_are_a_question_and_other_batches_go_on() -> None:
    question = {"event": "question", "batch": "0001", "reason": "two", "candidates": ["a", "b"]}
    asked = state(uploaded("0001"), intent("0001"), question, count=2)
    assert next_actions(asked, 5.0, rules()) == [Upload("0002")]
    alone = state(uploaded("0001"), intent("0001"), question, count=1)
    assert next_actions(alone, 5.0, rules()) == [Stop("question", "0001: two")]


def test_an_ended_batch_is_fetched_then_judged_then_cleaned() -> None:
    steps = [*flown("0001"), ended("0001")]
    assert next_actions(state(*steps, count=1), 9.0, rules()) == [Fetch("0001")]
    steps.append({"event": "fetched", "batch": "0001", "bytes": 1})
    assert next_actions(state(*steps, count=1), 9.0, rules()) == [Collect("0001")]
    steps.append(collected("0001"))
    assert next_actions(state(*steps, count=1), 9.0, rules()) == [Clean("0001", ("file-0001",))]
    everything = rules(batch={"clean": "all"})
    assert next_actions(state(*steps, count=1), 9.0, everything) == [Clean("0001", ("file-0001", "out-0001"))]
    steps.append({"event": "cleaned", "batch": "0001", "files": [], "refused": None})
    assert next_actions(state(*steps, count=1), 9.0, rules()) == [Finish()]


def test_a_full_queue_holds_submissions_and_costs_no_attempt() -> None:
    full = {"kind": "queue_full", "message": "full", "status": None, "code": None}
    held = state(*flown("0001"), ended("0001", status="failed", error=full, hold_until=60.0), count=1)
    assert next_actions(held, 59.0, rules()) == []
    assert wake_at(held, 59.0) == 60.0
    assert next_actions(held, 60.0, rules()) == [Create("0001", "file-0001", 2, "kabc-0001-2")]


def test_queued_tokens_are_kept_within_the_limit() -> None:
    limits = rules(provider={"limits": {"enqueued_tokens": 250}})
    assert next_actions(state(count=4), 1.0, limits) == [Upload("0001"), Upload("0002")]


def test_unanswered_requests_are_packed_once_everything_planned_is_on_its_way() -> None:
    waiting = state(*done("0001", resend=3), count=2)
    assert not any(isinstance(action, Repack) for action in next_actions(waiting, 20.0, rules()))
    flying = state(*done("0001", resend=3), *flown("0002"), count=2)
    assert Repack(("0001",), 20.0 + 5.0) in next_actions(flying, 20.0, rules())


def test_a_repacked_batch_is_sent_and_its_parent_is_done() -> None:
    new = {"name": "0002", "count": 3, "bytes": 10, "tokens": 1, "first_row": 0, "attempt": 2}
    repacked = {"event": "repacked", "from": ["0001"], "batches": [new], "not_before": 30.0}
    now = state(*done("0001", resend=3), repacked, count=1)
    assert list(now.open) == ["0002"]
    assert next_actions(now, 29.0, rules()) == []
    assert next_actions(now, 30.0, rules()) == [Upload("0002")]


def looked(batch: str, at: float) -> dict[str, Any]:
    return {"t": at, "event": "looked", "batch": batch, "status": "in_progress", "completed": 0, "failed": 0}


def test_a_batch_past_window_and_grace_is_a_question_or_given_up() -> None:
    late = 3.0 + DAY + 3600.0 + 1
    stuck = state(*flown("0001"), looked("0001", late), {"event": "polled", "next": 1e9, "interval": 5.0}, count=1)
    assert isinstance(next_actions(stuck, late, rules())[0], Ask)
    assert isinstance(next_actions(stuck, late, rules(batch={"on_stuck": "resend"}))[0], Abandon)


def test_a_pause_longer_than_the_window_gives_nothing_up_before_a_new_look() -> None:
    monday = 3 * DAY
    away = state(*flown("0001"), {"t": monday, "event": "resumed"}, count=1)
    assert next_actions(away, monday, rules(batch={"on_stuck": "resend"})) == [Poll(("0001",))]


def test_an_end_that_is_seen_answers_the_question() -> None:
    question = {"event": "question", "batch": "0001", "reason": "stuck", "candidates": []}
    assert next_actions(state(*flown("0001"), question, ended("0001"), count=1), 9.0, rules()) == [Fetch("0001")]


def test_a_question_that_holds_the_last_place_stops_the_run_instead_of_spinning() -> None:
    question = {"event": "question", "batch": "0001", "reason": "gone", "candidates": []}
    held = state(*flown("0001"), question, count=2)
    assert next_actions(held, 9.0, rules(batch={"max_in_flight": 1})) == [Stop("question", "0001: gone")]


def test_short_lived_processes_get_on_with_a_lost_create() -> None:
    missing = {"event": "not_found", "batch": "0001", "retry_at": 0.0}
    turns = [event for _ in range(decide.FIND_LOOKS) for event in ({"event": "resumed"}, missing)]
    lost = state(uploaded("0001"), intent("0001"), *turns, count=1)
    assert isinstance(next_actions(lost, 2.0 + decide.FIND_GRACE, rules())[0], Create)


def test_the_grace_of_a_lost_create_counts_from_the_moment_of_doubt() -> None:
    doubt = {"t": 600.0, "event": "unclear", "batch": "0001", "retry_at": 0.0}
    looks = [{"t": 610.0, "event": "not_found", "batch": "0001", "retry_at": 0.0}] * decide.FIND_LOOKS
    lost = state(uploaded("0001"), intent("0001"), doubt, *looks, count=1)
    assert isinstance(next_actions(lost, 700.0, rules())[0], Find)
    assert isinstance(next_actions(lost, 600.0 + decide.FIND_GRACE, rules())[0], Create)


def test_an_input_file_that_is_really_gone_is_uploaded_again() -> None:
    gone = {"event": "failed", "batch": "0001", "call": "create", "kind": "retryable", "message": "x"}
    gone |= {"code": "file_not_found", "retry_at": 0.0}
    tries = [event for n in range(4) for event in (intent("0001", n + 1), gone)]
    assert next_actions(state(uploaded("0001"), *tries, count=1), 20.0, rules()) == [Upload("0001")]


def test_a_batch_has_vanished_only_after_five_looks_and_a_search() -> None:
    gone = [{"event": "gone", "batch": "0001"}] * 5
    assert any(isinstance(action, Find) for action in next_actions(state(*flown("0001"), *gone, count=1), 9.0, rules()))
    missing = {"event": "not_found", "batch": "0001", "retry_at": 0.0}
    asked = next_actions(state(*flown("0001"), *gone, missing, count=1), 12.0, rules())
    assert isinstance(asked[0], Ask)
    back = {"event": "looked", "batch": "0001", "status": "in_progress", "completed": 0, "failed": 0}
    assert state(*flown("0001"), *gone, back, count=1).batches["0001"].gone == 0


def late(batch: str, at: float) -> dict[str, Any]:
    return {"t": at, "event": "late", "batch": batch, "status": "completed", **COUNTS, "files": {}, "error": None}


def test_results_that_are_announced_are_waited_for_and_then_taken_as_they_are() -> None:
    later = {"event": "polled", "next": 1e9, "interval": 5.0}
    waiting = state(*flown("0001"), late("0001", 4.0), later, count=1)
    assert next_actions(waiting, 9999.0, rules()) == []
    waited = state(*flown("0001"), late("0001", 4.0), late("0001", 3605.0), later, count=1)
    assert next_actions(waited, 3605.0, rules()) == [Take("0001")]


def test_results_that_came_while_nobody_looked_are_looked_for_again() -> None:
    away = state(*flown("0001"), late("0001", 4.0), {"t": 9000.0, "event": "resumed"}, count=1)
    assert next_actions(away, 9000.0, rules()) == [Poll(("0001",))]


@pytest.mark.parametrize(
    ("event", "stop"),
    [
        (collected("0001", fatal=["billing", "no money"]), Stop("billing", "no money")),
        (
            collected("0001", outcomes={"failed": 12}, permanent="bad"),
            Stop("refused", "the first batch came back wholly refused: bad"),
        ),
    ],
)
def test_money_and_a_wholly_refused_first_batch_stop_the_run(event: dict[str, Any], stop: Stop) -> None:
    assert next_actions(state(*flown("0001"), ended("0001"), event, count=2), 9.0, rules()) == [stop]


def test_a_later_refused_batch_stops_nothing() -> None:
    refused = collected("0002", outcomes={"failed": 12}, permanent="bad")
    now = state(*done("0001"), *flown("0002"), ended("0002"), refused, count=2)
    assert now.refused is None


def test_attempts_of_a_call_are_bounded() -> None:
    failed = {
        "event": "failed",
        "batch": "0001",
        "call": "upload",
        "kind": "retryable",
        "message": "x",
        "retry_at": 0.0,
    }
    tired = state(*[failed] * 24, count=1)
    assert next_actions(tired, 99.0, rules())[0] == Stop("attempts", "batch 0001: 24 calls in a row failed: x")
    polls = {"event": "poll_failed", "kind": "retryable", "message": "x", "retry_at": 0.0}
    assert isinstance(next_actions(state(*[polls] * 24, count=1), 99.0, rules())[0], Stop)


def test_patience_ends_and_a_resume_gives_new_patience() -> None:
    assert next_actions(state(count=1), 4 * DAY, rules())[0].__class__ is Stop
    resumed = {"event": "resumed", "t": 4 * DAY}
    assert next_actions(state(resumed, count=1), 4 * DAY, rules()) == [Upload("0001")]


def test_a_resume_looks_again_at_what_stopped_the_run() -> None:
    question = {"event": "question", "batch": "0001", "reason": "gone", "candidates": []}
    stopped = {"event": "stopped", "kind": "question", "reason": "gone"}
    resumed = state(*flown("0001"), question, stopped, {"event": "resumed"}, count=1)
    assert next_actions(resumed, 9.0, rules()) == [Poll(("0001",))]


def test_a_cancelled_run_cancels_what_flies_and_judges_what_was_never_sent() -> None:
    cancelled = state(*flown("0001"), {"event": "cancel"}, count=2)
    assert next_actions(cancelled, 9.0, rules()) == [Cancel("0001"), Collect("0002", cancelled=True), Poll(("0001",))]


def test_a_look_that_was_under_way_cannot_bring_back_a_batch_that_was_given_up() -> None:
    abandoned = {"event": "abandoned", "batch": "0001", "reason": "stuck"}
    assert state(*flown("0001"), abandoned, ended("0001"), count=1).batches["0001"].phase == "fetched"


@pytest.mark.parametrize(
    ("outcome", "kind", "attempt", "paid", "again"),
    [
        ("failed", "retryable", 1, (), True),
        ("failed", "retryable", 24, (), False),
        ("failed", "permanent", 1, (), False),
        ("failed", "billing", 1, (), True),
        ("failed", "moderation", 1, (), False),
        ("failed", "unknown", 1, (), False),
        ("expired", "expired", 1, (), True),
        ("cancelled", "cancelled", 1, (), True),
        ("missing", None, 1, (), True),
        ("answered", None, 1, (), False),
        ("truncated", None, 1, (), False),
        ("truncated", None, 1, ("truncated",), True),
        ("invalid", None, 24, ("invalid",), False),
    ],
)
def test_what_is_sent_again(outcome: str, kind: str | None, attempt: int, paid: tuple[str, ...], again: bool) -> None:
    chosen = rules(batch={"retry": {"paid_outcomes": list(paid)}})
    assert should_resend(outcome, kind, attempt, settings=chosen) is again


def test_backoff_doubles_from_the_shortest_poll_is_bounded_and_obeys_the_server() -> None:
    waits = [backoff(failures, None, 0.5, rules()) for failures in (1, 2, 3, 10)]
    assert waits == [5.0, 10.0, 20.0, 300.0]
    assert backoff(1, 42.0, 0.5, rules()) == 42.0
    assert backoff(1, None, 0.0, rules()) == 3.75
