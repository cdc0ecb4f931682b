"""What may go of all that lies at a provider: a table of cases."""

from __future__ import annotations

import pytest

from harness.run.inventory import Here, by_run, doubtful, sorted_out
from harness.types import Belonging, run_key_in

KEY, OTHER, THIRD = "kabcdefghijk2", "k2bcdefghijkl", "k3bcdefghijkl"
NOW = 1_000_000.0
DONE = Here("outputs/done", "finished", True, frozenset({"out-1", "b-1"}))
OPEN = Here("outputs/open", "interrupted", False)


def file(name: str = f"{KEY}-0001.jsonl", age: float | None = 9e4) -> Belonging:
    return Belonging("file", "f-1", name, None if age is None else NOW - age, "")


def batch(name: str = f"{KEY}-0001-1", identity: str = "b-1") -> Belonging:
    return Belonging("batch", identity, name, NOW - 9e4, "whatever")


@pytest.mark.parametrize(
    ("thing", "others", "here", "ended", "kept"),
    [
        (file(), [], None, [], ""),
        (file(), [batch()], None, ["b-1"], ""),
        (file(), [batch()], None, [], "a batch of its run has not ended"),
        (file(), [batch(f"{KEY}-0002-1", "b-2"), batch()], None, ["b-1"], "a batch of its run has not ended"),
        (file(age=60), [], None, [], "just uploaded, a run elsewhere may need it"),
        (file(age=None), [], None, [], "just uploaded, a run elsewhere may need it"),
        (file(age=60), [batch(f"{KEY}-0002-1")], None, ["b-1"], "just uploaded, a run elsewhere may need it"),
        (file(age=60), [batch()], None, ["b-1"], ""),
        (file(f"{KEY}-0001/predictions.jsonl"), [], None, [], "it may be results that lie nowhere else"),
        (file(f"{KEY}-0001/predictions.jsonl"), [], DONE, [], ""),
        (file(), [], OPEN, [], "its run is not finished"),
        (file(), [batch()], DONE, ["b-1"], ""),
        (file(), [batch()], DONE, [], "a batch of its run has not ended"),
        (batch(), [], None, ["b-1"], "what it was answered may lie nowhere else"),
        (batch(), [], DONE, ["b-1"], ""),
        (batch(), [], DONE, [], "it has not ended"),
        (batch(identity="b-9"), [], DONE, ["b-9"], "the provider keeps its list of batches"),
        (batch(), [], OPEN, ["b-1"], "its run is not finished"),
    ],
)
def test_a_thing_goes_only_where_nobody_needs_it(
    thing: Belonging, others: list[Belonging], here: Here | None, ended: list[str], kept: str
) -> None:
    runs = {KEY: here} if here else {}
    [group] = sorted_out(by_run([thing, *others]), runs, ended=ended, now=NOW)
    assert group.items[0].kept == kept


def test_orphans_come_first_then_what_is_finished() -> None:
    things = by_run([file(f"{OTHER}-0001.jsonl"), file(f"{THIRD}-0001.jsonl"), file()])
    groups = sorted_out(things, {OTHER: OPEN, THIRD: DONE}, ended=[], now=NOW)
    assert [group.key for group in groups] == [KEY, THIRD, OTHER]


def test_only_batches_on_which_a_deletion_depends_are_looked_at() -> None:
    lone = batch(f"{THIRD}-0001-1", "b-3")
    things = by_run([file(), batch(), file(f"{OTHER}-0001.jsonl"), batch(f"{OTHER}-0001-1", "b-2"), lone])
    assert doubtful(things, {OTHER: OPEN}) == ["b-1"]
    assert doubtful({KEY: [batch()]}, {KEY: DONE}) == ["b-1"]


@pytest.mark.parametrize(
    "name", ["knowledgebase-2024.jsonl", "mykabcdefghijk2-0001.jsonl", "kabcdefghijk2.jsonl", "kabcdefghijk9-1", None]
)
def test_a_strangers_name_is_no_key_of_ours(name: str | None) -> None:
    assert run_key_in(name) is None


@pytest.mark.parametrize("name", [f"{KEY}-0001.jsonl", f"harness/{KEY}-0001.jsonl", f"{KEY}-0-1"])
def test_our_names_carry_their_key(name: str) -> None:
    assert run_key_in(name) == KEY
