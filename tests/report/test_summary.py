"""What summary.json says, in any order of adding and merging."""

from __future__ import annotations

import pickle
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import USAGE, failed, result

import harness
from harness.report.errors import MAX_GROUPS
from harness.report.summary import MAX_NAMES, Summary

SCHEMA = orjson.loads((Path(next(iter(harness.__path__))) / "schemas" / "summary.json").read_bytes())
UNSCORED = ("failed", "expired", "cancelled", "missing")


def summed(*lines: dict[str, Any], epochs: int = 1, reduce: str = "mean", k: int | None = None) -> Summary:
    found = Summary(["accuracy"], epochs=epochs, reduce=reduce, k=k, unscored=UNSCORED)
    for line in lines:
        found.add(line)
    return found


def test_unscored_requests_lower_coverage_and_widen_the_bounds() -> None:
    lines = [result(0), result(1, score=0.0), result(2), result(3, "invalid", 0.0), failed(4, "no")]
    found = summed(*lines).to_dict()
    score = found["scores"]["accuracy"]
    assert (score["mean"], score["n"], score["coverage"]) == (0.5, 4, 0.8)
    assert (score["worst"], score["best"]) == (0.4, 0.6)
    assert found["coverage"] == 0.8
    assert {name: count for name, count in found["outcomes"].items() if count} == {
        "failed": 1,
        "invalid": 1,
        "answered": 3,
    }
    assert len(found["outcomes"]) == 9


def test_pending_requests_are_not_covered() -> None:
    found = summed(result(0), result(1, "pending", None)).to_dict()
    assert (found["coverage"], found["scores"]["accuracy"]["worst"]) == (0.5, 0.5)
    assert found["errors"] == []


@pytest.mark.parametrize(
    ("reduce", "k", "mean", "n", "worst", "best"),
    [
        # samples: (1, 0, 1), (0, null, 1), (null, null, null)
        ("mean", None, (2 / 3 + 1 / 2) / 2, 2, (2 / 3 + 1 / 3) / 3, (2 / 3 + 2 / 3 + 1) / 3),
        ("mode", None, 0.5, 2, 1 / 3, 1.0),
        ("pass_at_k", 2, 1.0, 2, 5 / 9, 1.0),
    ],
)
def test_epochs_become_one_value_per_sample_first(
    reduce: str, k: int | None, mean: float, n: int, worst: float, best: float
) -> None:
    values = [1.0, 0.0, 1.0, 0.0, None, 1.0, None, None, None]
    lines = [result(row, "answered" if value is not None else "failed", value) for row, value in enumerate(values)]
    found = summed(*lines, epochs=3, reduce=reduce, k=k).to_dict()
    score = found["scores"]["accuracy"]
    assert (found["requests"], found["samples"], score["n"]) == (9, 3, n)
    assert [score[key] for key in ("mean", "worst", "best")] == pytest.approx([mean, worst, best])
    assert score["coverage"] == pytest.approx(5 / 9)


def test_samples_whose_epochs_are_not_all_there_count_as_they_stand() -> None:
    found = summed(result(0), result(1), result(2, score=0.0), epochs=2)
    assert found.to_dict()["scores"]["accuracy"]["mean"] == 0.5
    found.add(result(3))
    assert found.to_dict()["scores"]["accuracy"]["mean"] == 0.75
    assert found.waiting == {}


def test_money_tokens_attempts_and_names_are_summed() -> None:
    lines = [
        result(0, usage=USAGE, cost=0.1, model_served="m-1", finish_reason="stop"),
        result(1, usage=USAGE, cost=0.2, model_served="m-2", finish_reason="stop", attempts=3),
        result(2, usage=USAGE, model_served="m-2", finish_reason="length"),
    ]
    found = summed(*lines).to_dict({"low": 0.1, "expected": 0.4, "cap": 2.0})
    assert found["cost"] == {
        "estimated": 0.4,
        "actual": 0.3,
        "range": {"low": 0.1, "expected": 0.4, "cap": 2.0},
        "priced": 2,
    }
    assert found["usage"] == {name: 3 * count for name, count in USAGE.items()}
    assert found["attempts"] == {"total": 5, "most": 3, "resent": 1}
    assert found["models_served"] == {"m-2": 2, "m-1": 1}
    assert found["finish_reasons"] == {"stop": 2, "length": 1}


def test_without_prices_cost_is_null() -> None:
    assert summed(result(0)).to_dict()["cost"] == {"estimated": None, "actual": None, "range": None, "priced": 0}


def test_later_answers_are_scored_apart() -> None:
    later = {"outcome": "answered", "scores": {"accuracy": 1.0}}
    found = summed(result(0, "invalid", 0.0, later=[later]), result(1)).to_dict()
    assert found["later"] == {"answers": 1, "scores": {"accuracy": 1.0}}
    assert found["scores"]["accuracy"]["mean"] == 0.5


def test_errors_that_differ_in_ids_only_are_one_and_the_first_is_the_example() -> None:
    lines = [failed(row, f"Request req_{row:04x}a1 at 12:0{row} too long") for row in range(3)]
    lines += [failed(7, "Unknown model"), result(5, "missing", None)]
    lines += [result(6, "invalid", 0.0, schema_errors=[{"path": "/label", "message": "bad"}])]
    found = summed(*reversed(lines)).to_dict()["errors"]
    assert found[0] == {
        "class": "permanent",
        "message": "Request req_0000a1 at 12:00 too long",
        "count": 3,
        "example": "s0",
    }
    assert [(error["class"], error["message"]) for error in found[1:]] == [
        ("missing", "the batch ended without a line for this request"),
        ("invalid", "/label bad"),
        ("permanent", "Unknown model"),
    ]


def test_memory_is_bounded_whatever_the_provider_says() -> None:
    words = ["".join(letters) for letters in product("abcdefghijk", repeat=3)][: MAX_GROUPS + 3]
    found = summed(*(failed(row, word) | {"model_served": word} for row, word in enumerate(words)))
    assert len(found.errors.counts) == MAX_GROUPS + 1
    other = {"class": "other", "message": "errors of other kinds", "count": 3, "example": f"s{MAX_GROUPS}"}
    assert found.to_dict()["errors"][0] == other
    served = found.to_dict()["models_served"]
    assert (len(served), next(iter(served.items()))) == (MAX_NAMES + 1, ("other", len(words) - MAX_NAMES))


def test_a_part_travels_between_processes() -> None:
    part = summed(result(0), epochs=2, reduce="pass_at_k", k=1)
    assert pickle.loads(pickle.dumps(part)).to_dict() == part.to_dict()  # noqa: S301


def test_an_empty_run_is_valid_and_null() -> None:
    found = summed().to_dict()
    assert found["coverage"] is None
    assert found["scores"]["accuracy"]["mean"] is None
    assert jsonschema_rs.validator_for(SCHEMA).is_valid(found)


SCORE = st.none() | st.sampled_from([0.0, 1.0]) | st.floats(0, 1)
LINE = st.builds(
    lambda outcome, score, message, cost, attempts: result(
        0,
        outcome,
        score,
        cost=cost,
        attempts=attempts,
        usage=USAGE if cost else None,
        model_served=message,
        error={"class": "permanent", "message": message, "status": None, "code": None} if outcome == "failed" else None,
        later=[{"scores": {"accuracy": score}}] if attempts > 2 else [],
    ),
    st.sampled_from(["failed", "missing", "invalid", "answered", "pending"]),
    SCORE,
    st.sampled_from(["a", "b 1", "b 2"]),
    st.none() | st.floats(0, 10),
    st.integers(1, 4),
)


@given(
    st.lists(LINE, max_size=14),
    st.integers(0, 14),
    st.integers(0, 14),
    st.sampled_from(
        [(1, "mean", None), (2, "mean", None), (3, "mode", None), (3, "pass_at_k", 2), (1, "pass_at_k", 1)]
    ),
)
def test_merging_gives_the_same_in_any_grouping(
    lines: list[dict[str, Any]], one: int, two: int, how: tuple[int, str, int | None]
) -> None:
    epochs, reduce, k = how
    lines = [line | {"row": row, "id": f"s{row}"} for row, line in enumerate(lines)]
    first, second = sorted((one, two))
    parts = [
        summed(*p, epochs=epochs, reduce=reduce, k=k) for p in (lines[:first], lines[first:second], lines[second:])
    ]
    whole = summed(*lines, epochs=epochs, reduce=reduce, k=k).to_dict()
    a, b, c = deepcopy(parts)
    a.merge(b)
    a.merge(c)
    x, y, z = deepcopy(parts)
    y.merge(z)
    x.merge(y)
    assert a.to_dict() == whole
    assert x.to_dict() == whole
    assert [str(error) for error in jsonschema_rs.validator_for(SCHEMA).iter_errors(whole)] == []
