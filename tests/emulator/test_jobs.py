"""A batch's life as data."""

from __future__ import annotations

import pytest

from harness.emulator import jobs
from harness.emulator.jobs import Life, Step

LIFE = Life("time", (Step("in_progress", 2.0), Step("finalizing", 42.0), Step("completed", 44.0)))


def test_a_drawn_life_is_within_its_bounds_and_the_same_for_the_same_seed() -> None:
    for number in range(200):
        first, second, third = jobs.draw(7, number).steps
        assert 1 <= first.at <= 3
        assert 20 <= second.at - first.at <= 60
        assert 1 <= third.at - second.at <= 5
    assert jobs.draw(7, 1) == jobs.draw(7, 1) != jobs.draw(8, 1)


@pytest.mark.parametrize(("x", "share"), [(0, 0), (2, 0), (22, 0.5), (42, 1), (99, 1)])
def test_progress_grows_between_start_and_end(x: float, share: float) -> None:
    assert jobs.progress(LIFE, x) == share


@pytest.mark.parametrize(
    ("looks", "at"), [(1, (1, 1, 1)), (2, (1, 1, 2)), (3, (1, 2, 3)), (4, (2, 3, 4)), (9, (2, 8, 9))]
)
def test_a_life_by_looks_completes_at_that_look(looks: int, at: tuple[int, ...]) -> None:
    assert tuple(int(step.at) for step in jobs.by_looks(looks).steps) == at


def test_the_window_ends_what_would_be_longer() -> None:
    assert jobs.bounded(LIFE, 86_400) == LIFE
    assert jobs.bounded(LIFE, 10).steps == (Step("in_progress", 2.0), Step("expired", 10))


def test_a_stuck_life_has_no_further_step_and_half_of_the_work_done() -> None:
    stuck = jobs.stuck(LIFE, "in_progress")
    assert stuck.steps == (Step("in_progress", 2.0),)
    assert jobs.progress(stuck, 1e9) == 0.5
    assert jobs.stuck(LIFE, "validating").steps == ()


def test_a_cancelled_life_keeps_what_was_made() -> None:
    life = jobs.cancelled(LIFE, 1, 20.0, 0, 1)
    assert [step.status for step in life.steps] == ["in_progress", "cancelling", "cancelled"]
    assert 21 <= life.steps[-1].at <= 30


def test_a_life_survives_being_written_and_read() -> None:
    life = jobs.expiring(LIFE, 60, 3)
    assert jobs.decode(jobs.encode(life)) == life
