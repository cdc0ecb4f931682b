"""Intervals and reducers against values that were computed by hand."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.statistics import Sums, mean, mode, pass_at_k, reducer, wilson


def sums(*values: float) -> Sums:
    found = Sums()
    for value in values:
        found.add(value)
    return found


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # z² = 3.841459: centre (p + z²/2n) / (1 + z²/n), half z·√(p(1-p)/n + z²/4n²) / (1 + z²/n)
        (8, 10, 0.490162, 0.943318),
        (50, 100, 0.403832, 0.596168),
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (1, 1, 0.206549, 1.0),
    ],
)
def test_wilson_is_what_the_formula_gives(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=1e-6)


def test_zeros_and_ones_get_wilson_and_anything_else_the_normal_interval() -> None:
    assert sums(1, 1, 0, 1).interval() == wilson(3, 4)
    # mean 0.5, variance of 0, 0.5, 1 is 0.25, standard error √(0.25/3) = 0.288675; 1.96 of them reach beyond 0..1
    assert sums(0, 0.5, 1).interval() == (0.0, 1.0)
    half = 1.959964 * math.sqrt(0.01 / 3)
    assert sums(0.4, 0.5, 0.6).interval() == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_few_values_have_no_standard_error() -> None:
    assert (sums().mean(), sums().stderr(), sums().interval()) == (None, None, None)
    assert (sums(0.5).mean(), sums(0.5).stderr(), sums(0.5).interval()) == (0.5, None, None)
    assert sums(1, 0).stderr() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("values", "k", "chance"),
    [
        ([1, 0, 0, 0, 0], 1, 0.2),
        ([1, 1, 0, 0, 0], 2, 1 - 3 / 10),
        ([1, 0, 0], 3, 1.0),
        ([0, 0, 0], 2, 0.0),
        ([1, 1, 0], 2, 1.0),
        ([1, None, 0, None], 2, 1.0),
        ([1, None], 2, None),
        ([0.9, 0], 1, 0.0),
    ],
)
def test_pass_at_k_counts_the_draws_of_k_that_hold_a_right_answer(
    values: list[float | None], k: int, chance: float | None
) -> None:
    assert pass_at_k(values, k) == (None if chance is None else pytest.approx(chance))
    known = [value for value in values if value is not None]
    if draws := list(combinations(known, k)):
        assert pass_at_k(values, k) == pytest.approx(sum(max(draw) == 1 for draw in draws) / len(draws))


def test_reducers_leave_null_out() -> None:
    assert mean([1, None, 0.5]) == 0.75
    assert mode([0, 1, None, 1]) == 1
    assert mode([1, 0]) == 0  # of equally frequent values the lowest
    assert [reducer(name, 1)([None, None]) for name in ("mean", "mode", "pass_at_k")] == [None, None, None]


@given(st.lists(st.floats(0, 1), max_size=20), st.lists(st.floats(0, 1), max_size=20))
def test_merged_sums_are_the_sums_of_all(left: list[float], right: list[float]) -> None:
    merged = sums(*left)
    merged.merge(sums(*right))
    assert merged == sums(*right, *left)
