"""Expressions on a summary."""

from __future__ import annotations

import pytest

from harness.errors import ConfigError
from harness.report.check import check, names

SUMMARY = {
    "headline": "accuracy",
    "simulated": False,
    "scores": {"accuracy": {"mean": 0.8, "coverage": 1.0}, "long-form.v2": {"mean": None}},
    "outcomes": {"answered": 10, "refused": 0},
    "coverage": 0.95,
    "cost": {"estimated": 0.5, "actual": None},
    "usage": {"input_tokens": 100},
    "errors": [{"count": 3}],
}


@pytest.mark.parametrize(
    ("expression", "value", "holds"),
    [
        ("score>=0.8", 0.8, True),
        ("score > .8", 0.8, False),
        ("score==0.8", 0.8, True),
        ("score!=0.8", 0.8, False),
        ("score<1", 0.8, True),
        ("  coverage <= 0.95 ", 0.95, True),
        ("outcomes.refused<=0", 0, True),
        ("scores.accuracy.mean>=8e-1", 0.8, True),
        ("usage.input_tokens>=1e2", 100, True),
        ("score>=-1", 0.8, True),
        ("score>=1.", 0.8, False),
        ("cost.estimated<=0.5", 0.5, True),
        ("cost<=1", None, False),
        ("cost>=0", None, False),
        ("cost!=1", None, False),
        ("scores.long-form.v2.mean>=0", None, False),
    ],
)
def test_an_expression_holds_or_not_and_null_never_does(expression: str, value: float | None, holds: bool) -> None:
    found = check(SUMMARY, expression)
    assert (found.expression, found.value, found.holds) == (expression, value, holds)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("score", "a name, a comparison and a number are expected, such as 'score>=0.8'"),
        ("score=0.8", "a name, a comparison and a number are expected"),
        ("score>=high", "a name, a comparison and a number are expected"),
        ("score>=0.8%", "a name, a comparison and a number are expected"),
        ("0.8<=score", "a name, a comparison and a number are expected"),
        ("", "a name, a comparison and a number are expected"),
        ("covrage>=0.9", "summary.json has no number 'covrage'; did you mean 'coverage'?"),
        ("zzzzz>=1", "summary.json has no number 'zzzzz'; have: cost,"),
        ("simulated==0", "summary.json has no number 'simulated'"),
        ("headline>=1", "summary.json has no number 'headline'"),
    ],
)
def test_what_cannot_be_read_or_names_nothing_is_refused(expression: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(SUMMARY, expression)
    assert str(caught.value).startswith(f"{expression!r}: {said}")


def test_the_short_names_stand_for_the_headlines_mean_and_the_actual_cost() -> None:
    known = dict(names({**SUMMARY, "cost": {"actual": 0.25}}))
    assert (known["score"], known["cost"]) == (0.8, 0.25)


def test_a_run_without_its_headline_has_no_score() -> None:
    assert not check({**SUMMARY, "scores": {}}, "score>=0").holds
