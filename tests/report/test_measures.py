"""What stands beside the means: confusion and macro F1, slices, agreement of epochs. By hand, and in any order."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import result

from harness.report.confusion import MAX_LABELS, Confusion
from harness.report.slices import MAX_VALUES
from harness.report.summary import Summary

PAIRS = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", None), ("c", "a"), ("c", "x")]


def confusion(pairs: list[tuple[str, str | None]]) -> Confusion:
    found = Confusion()
    for wanted, given_label in pairs:
        found.add(wanted, given_label)
    return found


def test_the_matrix_has_a_row_per_wanted_and_a_column_per_given_label() -> None:
    found = confusion(PAIRS).to_dict()
    assert found is not None
    assert found["given"] == ["a", "b", "c", "x", None]
    assert found["matrix"] == {"a": [2, 1, 0, 0, 0], "b": [0, 1, 0, 0, 1], "c": [1, 0, 0, 1, 0]}
    # a: 2 of 3 given were right, 2 of 3 wanted were found; c was never given
    assert found["labels"]["a"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3, "n": 3})
    assert found["labels"]["c"] == {"precision": None, "recall": 0.0, "f1": 0.0, "n": 2}


def test_macro_f1_is_the_mean_over_the_wanted_labels() -> None:
    # F1: a 2·2/(3+3), b 2·1/(2+2), c 0; x is wanted by none and has none of its own
    assert confusion(PAIRS).macro_f1() == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert confusion([]).macro_f1() is None
    assert confusion([]).to_dict() is None


LABELS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["a", "b", "c", "d", "x", None])), max_size=40)


@given(pairs=LABELS)
def test_macro_f1_equals_the_textbook_and_merges_in_any_order(pairs: list[tuple[str, str | None]]) -> None:
    scores = []
    for label in {wanted for wanted, _ in pairs}:
        right = sum(pair == (label, label) for pair in pairs)
        precision = Fraction(right, sum(g == label for _, g in pairs) or 1)
        recall = Fraction(right, sum(w == label for w, _ in pairs))
        scores.append(2 * precision * recall / (precision + recall) if right else Fraction(0))
    expected = float(sum(scores) / len(scores)) if scores else None
    cut = len(pairs) // 2
    one, other = confusion(pairs[cut:]), confusion(pairs[:cut])
    one.merge(other)
    assert one.macro_f1() == (None if expected is None else pytest.approx(expected))
    assert one.to_dict() == confusion(pairs).to_dict()


def test_labels_without_end_have_no_matrix_and_cost_no_memory() -> None:
    found = confusion([(f"l{n}", None) for n in range(MAX_LABELS + 1)])
    assert (found.macro_f1(), found.to_dict(), len(found.pairs)) == (None, None, 0)
    one = confusion([(f"l{n}", None) for n in range(MAX_LABELS)])
    assert one.to_dict() is not None
    one.merge(confusion([("other", None)]))
    assert one.to_dict() is None
    assert confusion([("a", "long " * 30)]).to_dict() is None


def summed(lines: list[dict[str, Any]], *, epochs: int = 1, reduce: str = "mean") -> Summary:
    labels = {"accuracy": lambda fields: fields.get("pair")}
    found = Summary(["accuracy"], epochs=epochs, reduce=reduce, k=None, unscored=["failed"], labels=labels)
    for line in lines:
        found.add(line)
    return found


def test_metadata_parts_the_headline_score() -> None:
    kinds = ["x", "x", "y", None, 3]
    lines = [result(n, score=float(n == 0), metadata={"kind": kind}) for n, kind in enumerate(kinds)]
    lines.append(result(5, "failed", None, metadata={"kind": "x"}))
    parts = summed(lines).to_dict()["slices"]["kind"]
    assert list(parts) == ["3", "null", "x", "y"]
    assert (parts["x"]["mean"], parts["x"]["n"], parts["x"]["coverage"]) == (0.5, 2, pytest.approx(2 / 3))
    assert (parts["x"]["worst"], parts["x"]["best"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (parts["y"]["mean"], parts["y"]["low"]) == (0.0, 0.0)


def test_a_mean_of_thirds_is_what_it_says() -> None:
    scores = summed([result(n, score=score) for n, score in enumerate([1 / 3, 1 / 3, 1 / 3, 1.0])]).to_dict()["scores"]
    assert scores["accuracy"]["mean"] == 0.5
    thirds = summed([result(n, score=1 / 3) for n in range(30)]).to_dict()["scores"]["accuracy"]
    assert (thirds["mean"], thirds["stderr"]) == (1 / 3, 0.0)


def test_a_column_of_titles_parts_nothing() -> None:
    many = [result(n, metadata={"title": f"t{n}", "kind": "x"}) for n in range(MAX_VALUES + 1)]
    assert list(summed(many).to_dict()["slices"]) == ["kind"]
    assert list(summed(many[:-1]).to_dict()["slices"]["title"])[:2] == ["t0", "t1"]
    numbered = [result(n, metadata={"n": n - 1, "m": f"v{n}"}) for n in range(12)]
    assert list(summed(numbered).to_dict()["slices"]["n"]) == [str(n - 1) for n in range(12)]
    assert summed([result(0, metadata={"text": "long " * 30})]).to_dict()["slices"] == {}


def test_epochs_agree_where_all_of_them_got_the_same_score() -> None:
    scores = [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [1.0, None]]
    lines = [
        result(row, "failed" if value is None else "answered", value, metadata={"kind": "x"})
        for row, value in enumerate(value for pair in scores for value in pair)
    ]
    found = summed(lines, epochs=2).to_dict()
    assert found["scores"]["accuracy"]["agreement"] == pytest.approx(2 / 3)  # the last sample has one value only
    assert found["slices"]["kind"]["x"]["agreement"] == pytest.approx(2 / 3)
    assert summed(lines).to_dict()["scores"]["accuracy"]["agreement"] is None


def test_all_of_it_merges_in_any_order() -> None:
    draw = random.Random(0)
    lines = [
        result(n, score=draw.choice([0.0, 0.5, 1.0]), metadata={"kind": "xyz"[n // 2 % 3], "n": n // 2})
        | {"pair": (draw.choice("ab"), draw.choice(["a", "b", None]))}
        for n in range(200)
    ]
    whole = summed(lines, epochs=2).to_dict()
    assert list(whole["slices"]) == ["kind"]
    for _ in range(5):
        draw.shuffle(lines)
        cut = draw.randrange(len(lines))
        one, other = summed(lines[:cut], epochs=2), summed(lines[cut:], epochs=2)
        one.merge(other)
        merged = one.to_dict()
        assert {key: merged[key] for key in ("scores", "slices", "confusion")} == {
            key: whole[key] for key in ("scores", "slices", "confusion")
        }
