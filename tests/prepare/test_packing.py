"""Packing as a table of cases, and what holds for every dataset."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.prepare.packing import Bounds, Place, batch_name, place, refuse_oversized

Line = tuple[int, int]  # bytes, tokens


def places(lines: list[Line], bounds: Bounds, first_row: int = 0) -> list[Place]:
    found: list[Place] = []
    for row, (size, tokens) in enumerate(lines, first_row):
        found.append(place(found[-1] if found else None, row, size, tokens, bounds))
    return found


def names(lines: list[Line], bounds: Bounds, first_row: int = 0) -> list[str]:
    return [at.name for at in places(lines, bounds, first_row)]


@pytest.mark.parametrize(
    ("lines", "bounds", "expected"),
    [
        ([], (2, 100, None), []),
        ([(1, 1)] * 2, (2, 100, None), ["0001", "0001"]),
        ([(1, 1)] * 5, (2, 100, None), ["0001", "0001", "0002", "0002", "0003"]),
        ([(1, 1)] * 3, (1, 100, None), ["0001", "0002", "0003"]),
        ([(50, 1)] * 3, (9, 100, None), ["0001", "0001", "0001-2"]),
        ([(51, 1)] * 3, (9, 100, None), ["0001", "0001-2", "0001-3"]),
        ([(60, 1), (30, 1), (60, 1), (1, 1)], (3, 100, None), ["0001", "0001", "0001-2", "0002"]),
        ([(1, 6), (1, 4), (1, 1)], (9, 100, 10), ["0001", "0001", "0001-2"]),
        ([(1, 10**9)] * 2, (9, 100, None), ["0001", "0001"]),
        ([(1, 1), (500, 1), (1, 1)], (9, 100, None), ["0001", "0001-2", "0001-3"]),
    ],
)
def test_a_line_lands(lines: list[Line], bounds: tuple[int, int, int | None], expected: list[str]) -> None:
    count, size, tokens = bounds
    assert names(lines, Bounds(count, size, size, tokens)) == expected


def test_names_sort_as_numbers_up_to_ten_thousand_batches() -> None:
    assert [batch_name(0), batch_name(9), batch_name(9998, 2)] == ["0001", "0010", "9999-2"]


BOUNDS = Bounds(count=4, bytes=40, line_bytes=30, tokens=12)
LINES = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 12)), max_size=40)


@settings(derandomize=True, deadline=None)
@given(LINES)
def test_every_batch_is_within_bounds_in_order_and_unique(lines: list[Line]) -> None:
    batches: list[tuple[str, list[Line]]] = []
    for line, name in zip(lines, names(lines, BOUNDS), strict=True):
        if not batches or batches[-1][0] != name:
            batches.append((name, []))
        batches[-1][1].append(line)
    assert [line for _, held in batches for line in held] == lines
    assert len({name for name, _ in batches}) == len(batches)
    for _, held in batches:
        assert len(held) <= BOUNDS.count
        assert sum(size for size, _ in held) <= BOUNDS.bytes
        assert sum(tokens for _, tokens in held) <= (BOUNDS.tokens or 0)


@settings(derandomize=True, deadline=None)
@given(LINES, st.integers(0, 9))
def test_the_names_of_a_shard_depend_on_its_own_rows_only(lines: list[Line], shard: int) -> None:
    rows = slice(shard * BOUNDS.count, (shard + 1) * BOUNDS.count)
    assert names(lines[rows], BOUNDS, rows.start) == names(lines, BOUNDS)[rows]


@settings(derandomize=True, deadline=None)
@given(LINES)
def test_a_place_weighs_what_its_batch_holds_so_far(lines: list[Line]) -> None:
    found = places(lines, BOUNDS)
    for number, at in enumerate(found):
        held = [line for line, other in zip(lines[: number + 1], found, strict=False) if other.name == at.name]
        assert (at.count, at.bytes, at.tokens) == (len(held), sum(a for a, _ in held), sum(b for _, b in held))


@pytest.mark.parametrize(
    ("size", "tokens", "said"),
    [
        (31, 1, r"request 7: 31 bytes, but one request may have 30 \(provider\.limits\.line_bytes\)"),
        (1, 13, r"request 7: about 13 input tokens, but only 12 may be queued .*enqueued_tokens"),
    ],
)
def test_a_request_that_no_batch_can_hold_is_refused(size: int, tokens: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        refuse_oversized(7, size, tokens, BOUNDS)
    refuse_oversized(7, 30, 12, BOUNDS)
