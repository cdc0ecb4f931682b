"""Parts become one stream by row; the first delivered answer is the headline."""

from __future__ import annotations

import random
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from made_batches import answer, batch, decode, failure, judging, sample

from harness.collect.merge import Part, merge
from harness.collect.results import collect_batch
from harness.pricing import Rates, Tier

JUDGING = judging(rates=Rates((Tier(0, 100_000.0, 0, 0, 0),), "test"))  # an answer of 10 tokens costs 1 USD


def part(folder: Path, rows: Sequence[int], output: list[Any] | None, attempt: int = 1) -> Part:
    """Make a batch; with output it is collected."""
    batch(folder, [sample(row, attempt) for row in rows], output)
    if output is not None:
        collect_batch(folder, decode, JUDGING)
    return Part(folder, rows[0])


def line(row: int, attempt: int, what: str) -> list[dict[str, Any]]:
    if what == "missing":
        return []
    if what == "failed":
        return [failure(row, "retryable", attempt=attempt)]
    return [answer(row, {"answered": '{"label":"yes"}', "invalid": "what?"}[what], attempt=attempt)]


@pytest.mark.parametrize(
    ("attempts", "outcome", "custom_id", "later", "cost"),
    [
        (["answered"], "answered", "k-0-1", [], 1.0),
        (["failed", "answered"], "answered", "k-0-2", [], 1.0),
        (["failed", "missing"], "missing", "k-0-2", [], None),
        (["missing", "failed"], "failed", "k-0-2", [], None),
        (["invalid", "answered"], "invalid", "k-0-1", [("answered", "k-0-2", 1.0)], 2.0),
        (["failed", "invalid", "answered", "failed"], "invalid", "k-0-2", [("answered", "k-0-3", 1.0)], 2.0),
        (["failed", None], "pending", "k-0-2", [], None),
        (["invalid", None], "invalid", "k-0-1", [], 1.0),
        ([None], "pending", "k-0-1", [], None),
    ],
)
def test_attempts_at_one_request_are_joined(
    tmp_path: Path, attempts: list[str | None], outcome: str, custom_id: str, later: list[Any], cost: float | None
) -> None:
    parts = [
        part(tmp_path / str(n), [0], None if what is None else line(0, n, what), n)
        for n, what in enumerate(attempts, 1)
    ]
    [result] = merge(reversed(parts), JUDGING)
    assert (result["outcome"], result["custom_id"], result["attempts"]) == (outcome, custom_id, len(attempts))
    assert [(entry["outcome"], entry["custom_id"], entry["cost"]) for entry in result["later"]] == later
    assert result["cost"] == cost
    if later:
        assert set(result["later"][0]) == {"outcome", "text", "parsed", "scores", "custom_id", "cost"}


def test_a_batch_that_is_not_collected_is_pending_with_the_same_keys(tmp_path: Path) -> None:
    done, waiting = merge([part(tmp_path / "b", [1], None), part(tmp_path / "a", [0], [answer(0)])], JUDGING)
    assert (done["outcome"], waiting["outcome"]) == ("answered", "pending")
    assert list(done) == list(waiting)
    assert waiting["scores"] == {"accuracy": None}


def test_many_overlapping_parts_come_in_order_and_open_one_file_at_a_time(tmp_path: Path) -> None:
    draw = random.Random(7)
    rows = list(range(600))
    parts = [part(tmp_path / f"a{at}", rows[at : at + 50], []) for at in range(0, 600, 50)]
    expected = dict.fromkeys(rows, 1)
    for number in range(120):
        some = sorted(draw.sample(rows, 5))
        attempt = 2 + number
        parts.append(part(tmp_path / f"r{number}", some, [], attempt))
        expected |= dict.fromkeys(some, attempt)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, hard))
    try:
        merged = [(result["row"], result["attempts"]) for result in merge(parts, JUDGING)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert merged == list(expected.items())


def test_lines_longer_than_a_block_are_whole(tmp_path: Path) -> None:
    text = '{"label":"yes","why":"' + "long " * 200_000 + '"}'
    results = list(merge([part(tmp_path, [0, 1, 2], [answer(row, text) for row in range(3)])], JUDGING))
    assert [result["text"] for result in results] == [text] * 3


def test_no_parts_give_no_results() -> None:
    assert list(merge([], JUDGING)) == []
