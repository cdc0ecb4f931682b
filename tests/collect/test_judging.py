"""The outcome, score and cost of one response, by table."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from made_batches import judging, sample

from harness.collect.judging import judge
from harness.pricing import Rates, Tier
from harness.types import Error, Response, SchemaError, Usage

RATES = Rates((Tier(0, 1.0, 0.5, 1.0, 4.0),), "test")
GOOD = '{"label":"yes"}'


def response(**fields: Any) -> Response:
    return Response("k-0-1", **fields)


@pytest.mark.parametrize(
    ("got", "outcome", "score"),
    [
        (None, "missing", None),
        (response(error=Error("retryable", "busy")), "failed", None),
        (response(error=Error("permanent", "no")), "failed", None),
        (response(error=Error("moderation", "no")), "failed", None),
        (response(error=Error("expired", "late")), "expired", None),
        (response(error=Error("cancelled", "stop")), "cancelled", None),
        (response(text=GOOD, refusal="I cannot"), "refused", 0.0),
        (response(text=GOOD, finish_reason="content_filter"), "refused", 0.0),
        (response(text=GOOD, refusal="I cannot", truncated=True), "refused", 0.0),
        (response(text=GOOD, truncated=True), "truncated", 0.0),
        (response(text=None), "invalid", 0.0),
        (response(text=" \n"), "invalid", 0.0),
        (response(text="yes"), "invalid", 0.0),
        (response(text='{"label":"maybe"}'), "invalid", 0.0),
        (response(text=GOOD, refusal=""), "answered", 1.0),
        (response(text='{"label":"no"}'), "answered", 0.0),
        (response(text='<think>\n{"label":"no"}?\n</think>\n\n{"label":"yes"}'), "answered", 1.0),
        (response(text='<think>\n{"label":"yes"}\n</think>\n\n'), "invalid", 0.0),
        (response(text='<think>\n{"label":"yes"}'), "invalid", 0.0),
    ],
)
def test_the_first_outcome_that_fits_counts(got: Response | None, outcome: str, score: float | None) -> None:
    result = judge(judging())(sample(0), got)
    assert (result.outcome, result.scores) == (outcome, {"accuracy": score})


def test_what_is_unscored_is_a_setting() -> None:
    result = judge(judging(unscored=("refused",)))(sample(0), response(refusal="no"))
    assert result.scores == {"accuracy": None}
    assert judge(judging(unscored=()))(sample(0), None).scores == {"accuracy": 0.0}


def test_an_error_keeps_class_status_code_and_words() -> None:
    result = judge(judging())(sample(0), response(error=Error("permanent", "no such", 404, "not_found")))
    assert result.error == {"class": "permanent", "status": 404, "code": "not_found", "message": "no such"}


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", (SchemaError("", "the answer is empty"),)),
        ("yes", (SchemaError("", "no JSON in the answer (extract: fenced)"),)),
        ('{"label":"maybe"}', (SchemaError("/label", '"maybe" is not one of "yes" or "no"'),)),
    ],
)
def test_an_invalid_answer_says_why(text: str, errors: tuple[SchemaError, ...]) -> None:
    assert judge(judging())(sample(0), response(text=text)).schema_errors == errors


def test_free_text_is_an_answer_unless_it_is_empty() -> None:
    free = judge(judging(schema=None, scorers={}))
    assert free(sample(0), response(text='{"a": 1}')).parsed is None
    assert [free(sample(0), response(text=text)).outcome for text in ("words", " ")] == ["answered", "invalid"]


def test_forced_nulls_are_gone_from_the_parsed_answer() -> None:
    result = judge(judging(nullable=(("why",),)))(sample(0), response(text='{"label":"yes","why":null}'))
    assert (result.outcome, result.parsed) == ("answered", {"label": "yes"})


@pytest.mark.parametrize(
    ("changes", "usage", "cost"),
    [
        ({"rates": RATES}, Usage(1_000_000, 500_000, 0, 250_000), 0.5 + 0.25 + 1.0),
        ({"rates": RATES}, None, None),
        ({"rates": None}, Usage(10), None),
        ({"rates": RATES, "simulated": True}, Usage(10), None),
    ],
)
def test_cost_is_known_with_usage_and_rates_of_a_real_run(
    changes: Any, usage: Usage | None, cost: float | None
) -> None:
    result = judge(judging(**changes))(sample(0), response(text=GOOD, usage=usage))
    assert result.cost == cost


def test_judging_travels_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(judging(rates=RATES))) == judging(rates=RATES)  # noqa: S301
