"""`json_fields` against scores worked out by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.collect.json_fields import json_fields

ORDER = {
    "name": "Ann",
    "total": 10.0,
    "tags": ["a", "b"],
    "note": "ring the bell",
    "address": {"city": "Bonn", "zip": "53111"},
    "items": [{"sku": "x", "n": 1}, {"sku": "y", "n": 2}],
    "pairs": [[1, 2], [3, 4]],
}


def changed(**fields: Any) -> dict[str, Any]:
    return ORDER | fields


@pytest.mark.parametrize(
    ("fields", "answer", "score"),
    [
        ({"name": "exact"}, ORDER, 1),
        ({"name": "exact"}, changed(name=" Ann "), 1),
        ({"name": "exact"}, changed(name="ANN"), 0),
        ({"name": {"rule": "exact", "ignore_case": True}}, changed(name="ANN"), 1),
        ({"name": "exact"}, changed(name=None), 0),
        ({"name": "exact"}, {}, 0),
        ({"nick": "exact"}, ORDER, 1),  # in neither: right
        ({"nick": "exact"}, changed(nick=None), 1),
        ({"nick": "exact"}, changed(nick="A"), 0),
        ({"total": "numeric"}, changed(total="10"), 1),
        ({"total": "numeric"}, changed(total=10.4), 0),
        ({"total": {"rule": "numeric", "tolerance": 0.5}}, changed(total=10.4), 1),
        ({"total": {"rule": "numeric", "relative": 0.1}}, changed(total=10.9), 1),
        ({"tags": "set"}, changed(tags=["b", "a"]), 1),
        ({"tags": "set"}, changed(tags=["b"]), 2 / 3),
        ({"tags": "set"}, changed(tags=["b", "b"]), 2 / 4),
        ({"tags": "set"}, changed(tags=[]), 0),
        ({"tags": "set"}, changed(tags="a"), 2 / 3),
        ({"tags": {"rule": "set", "ignore_case": True}}, changed(tags=["B ", "A"]), 1),
        ({"note": "text"}, changed(note="Ring!"), 2 / 4),
        ({"address.city": "exact", "address.zip": "exact"}, changed(address={"city": "Bonn"}), 1 / 2),
        ({"address.city": "exact"}, changed(address="Bonn"), 0),
        ({"address": "exact"}, ORDER, 1),
        ({"items": "set"}, changed(items=[{"n": 2.0, "sku": "y"}, {"sku": "x", "n": 1}]), 1),
        ({"items": "set"}, changed(items=[{"sku": "x", "n": True}]), 0),  # true is not 1
        ({"items.0.sku": "exact"}, ORDER, 1),
        ({"items.7.sku": "exact"}, ORDER, 1),  # in neither
        ({"pairs.*.0": "numeric"}, changed(pairs=[[1, 2], [9, 4]]), 1 / 2),
        ({"pairs.*.0": "set"}, changed(pairs=[[3, 2], [1, 4]]), 1),
        ({"items.*.sku": "set"}, changed(items=[{"sku": "y"}, {"sku": "x"}]), 1),
        ({"items.*.sku": "set"}, changed(items=[{"sku": "y"}]), 2 / 3),
        ({"items.*.sku": "set"}, changed(items=None), 0),
        ({"items.*.note": "set"}, ORDER, 1),
        ({"items.*.sku": "exact"}, changed(items=[{"sku": "y"}, {"sku": "x"}]), 0),  # in order
        ({"items.*.n": "numeric"}, changed(items=[{"n": 1}, {"n": 2}, {"n": 9}]), 2 / 3),
        ({"items.*.n": "numeric"}, changed(items=[{"n": 1}]), 1 / 2),
        ({"items.*.note": "exact"}, ORDER, 1),  # absent in both items of both
        ({"items.*.a.b": "exact"}, changed(items=[{"a": {"b": 1}}, {}]), 1 / 2),
        ({"items.*": "exact"}, changed(items=[ORDER["items"][0], 0]), 1 / 2),  # type: ignore[index]
        ({"items": "exact", "items.*.n": "set"}, changed(items=[{"n": 2}, {"n": 1}]), 1 / 2),
        ({"name": "exact", "total": {"rule": "numeric", "weight": 3}}, changed(name="Bob"), 3 / 4),
        ({"name": "exact"}, "Ann", 0),
        ({"name": "exact"}, None, 0),
    ],
)
def test_each_rule_gives_what_it_says(fields: dict[str, Any], answer: Any, score: float) -> None:
    assert json_fields(fields=fields)(answer, ORDER) == pytest.approx(score, abs=1e-12)


def test_a_perfect_answer_is_worth_one_whatever_the_weights() -> None:
    answer = {"a": {"x": 1, "y": 2}, "b": 3, "c": 4}
    for weights in product([0.1, 0.2, 0.3, 0.7, 1 / 3, 1.1], repeat=4):
        fields = {
            path: {"rule": "exact", "weight": weight}
            for path, weight in zip(("a.x", "b", "a.y", "c"), weights, strict=True)
        }
        assert json_fields(fields=fields)(answer, dict(reversed(answer.items()))) == 1.0


@pytest.mark.parametrize("target", [None, "text", 3])
def test_a_target_that_is_no_object_scores_nothing(target: Any) -> None:
    assert json_fields(fields={"name": "exact"})(ORDER, target) == 0.0


def test_a_list_can_be_the_whole_answer() -> None:
    score = json_fields(fields={"*.sku": "set"})
    assert score([{"sku": "a"}, {"sku": "b"}], [{"sku": "b"}, {"sku": "c"}]) == 0.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text("ab ", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "*", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)
RULES = st.dictionaries(
    st.sampled_from(["a", "a.b", "a.*", "a.*.b", "a.*.0", "b", "c.0", "a..b", ""]),
    st.sampled_from(["exact", "numeric", "set", "text"])
    | st.fixed_dictionaries({"rule": st.just("exact"), "weight": st.floats(0.001, 1000)}),
    min_size=1,
)


@given(fields=RULES, answer=JSON, target=JSON)
def test_any_two_values_give_a_score_and_the_target_itself_the_best_one(fields: Any, answer: Any, target: Any) -> None:
    score = json_fields(fields=fields)
    assert 0.0 <= score(answer, target) <= 1.0
    simple = all(isinstance(rule, dict) or rule in ("exact", "set") for rule in fields.values())
    if isinstance(target, dict | list) and simple:
        assert score(target, target) == pytest.approx(1.0)
