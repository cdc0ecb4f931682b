"""Scorers that cannot fit the answers or the targets are refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from harness.collect.scorer_checks import check_scorers, target_check
from harness.collect.scorers import label_readers, load_scorers
from harness.settings import Scorer

SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "number"},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"]},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "number"}},
        "order": {"$ref": "#/$defs/order"},
    },
    "additionalProperties": False,
    "$defs": {
        "order": {
            "type": "object",
            "properties": {"items": {"type": "array", "items": {"properties": {"price": {"type": "number"}}}}},
            "additionalProperties": False,
        }
    },
}


def problems(schema: Any = SCHEMA, **scorer: Any) -> list[str]:
    return check_scorers({"s": Scorer(**scorer)}, schema, None)


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        (
            {"kind": "token_f1", "answer": "n"},
            "s: token_f1 scores a string, but by the schema the answer's n is a number",
        ),
        ({"kind": "token_f1"}, "s: token_f1 scores a string, but by the schema the answer is an object"),
        (
            {"kind": "choice", "answer": "tags"},
            "s: choice scores a boolean or a number or a string, but by the schema the answer's tags is an array",
        ),
        (
            {"kind": "numeric", "answer": "ok"},
            "s: numeric scores a number or a string, but by the schema the answer's ok is a boolean",
        ),
        ({"kind": "json_fields"}, "s: json_fields needs fields"),
        ({"kind": "json_fields", "fields": {}}, "s: fields={}: Dictionary should have at least 1 item"),
        ({"kind": "json_fields", "fields": {"n": "exact", "tags": "sett"}}, "s: fields.tags='sett': Input should be"),
        ({"kind": "json_fields", "fields": {"n": {"rule": "exact", "wieght": 2}}}, "s: fields.n={'rule'"),
        ({"kind": "json_fields", "fields": {"n": {"rule": "exact", "weight": 0}}}, "s: fields.n={'rule'"),
        ({"kind": "json_fields", "fields": {"m": "exact"}}, "s: fields.m leads nowhere: the answer has no 'm'"),
        (
            {"kind": "json_fields", "fields": {"order.item": "exact"}},
            "s: fields.order.item leads nowhere: order has no 'item'; did you mean 'items'? has: items",
        ),
        ({"kind": "json_fields", "fields": {"n": "set"}}, "s: fields.n: set compares an array, but by the schema"),
        ({"kind": "json_fields", "fields": {"ok": "numeric"}}, "s: fields.ok: numeric compares"),
        ({"kind": "json_fields", "fields": {"n": "text"}}, "s: fields.n: text compares a string, but by the schema"),
        ({"kind": "json_fields", "fields": {"a.*.b.*": "set"}}, "s: fields.a.*.b.*: names are parted by one dot"),
        ({"kind": "json_fields", "fields": {"order..items": "exact"}}, "s: fields.order..items: names are parted by"),
        ({"kind": "json_fields", "fields": {"": "exact"}}, "s: fields.: names are parted by one dot each"),
        ({"kind": "json_fields", "fields": {"n": {"rule": "exact", "weight": float("inf")}}}, "s: fields.n={'rule'"),
        ({"kind": "numeric", "answer": "n", "tolerance": float("nan")}, "s: tolerance=nan: Input should be"),
        (
            {"kind": "json_fields", "answer": "order", "fields": {"n": "exact"}},
            "s: fields.n leads nowhere: the answer has no 'n'",
        ),
        ({"kind": "exact_match", "answer": "tags.*"}, "s: answer: tags.*: * stands only in the fields of json_fields"),
    ],
)
def test_a_scorer_that_does_not_fit_the_schema_is_refused(scorer: dict[str, Any], said: str) -> None:
    [found] = problems(**scorer)
    assert found.startswith(said)


@pytest.mark.parametrize(
    "scorer",
    [
        {"kind": "token_f1", "answer": "note"},  # a string or null
        {"kind": "numeric", "answer": "n"},
        {"kind": "choice", "answer": "ok"},
        {"kind": "json_fields", "fields": {"n": "numeric", "order.items.*.price": "set", "tags": "set"}},
        {"kind": "token_f1", "answer": "pair.0"},
        {"kind": "json_fields", "answer": "order", "fields": {"items.0.price": {"rule": "numeric", "tolerance": 1}}},
    ],
)
def test_one_that_fits_passes(scorer: dict[str, Any]) -> None:
    assert problems(**scorer) == []


def test_free_text_has_no_fields() -> None:
    assert problems(None, kind="json_fields", fields={"a": "exact"}) == [
        "s: json_fields needs JSON, but the task has no schema; the schema {} accepts any JSON"
    ]
    assert problems(None, kind="token_f1") == []
    assert problems({}, kind="json_fields", fields={"a": "exact"}) == []


def test_without_a_target_there_is_nothing_to_compare_with() -> None:
    [found] = check_scorers({"s": Scorer(kind="numeric", answer="n")}, SCHEMA, None, has_target=False)
    assert found == "s: numeric compares with a target, but task.target is null; name a column"


@pytest.mark.parametrize(
    ("scorer", "target", "said"),
    [
        ({"kind": "numeric"}, "twelve", "the target must be a number for numeric (task.scorers.s); got 'twelve'"),
        ({"kind": "numeric"}, "1,200", None),
        ({"kind": "choice"}, ["a"], "the target must be a label"),
        ({"kind": "includes"}, ["a", 1], None),
        ({"kind": "includes"}, {"a": 1}, "the target must be a text or a list of texts for includes"),
        ({"kind": "token_f1"}, [["a"]], "the target must be a text or a list of texts for token_f1"),
        ({"kind": "json_fields", "fields": {"a": "exact"}}, "{}", "the target must be an object or a list"),
        ({"kind": "exact_match"}, "a", None),
        ({"kind": "exact_match"}, 1, "the answer is a string and never equals 1 (task.scorers.s: exact_match)"),
        ({"kind": "includes", "target": "facts"}, {"facts": ["a"]}, None),
        ({"kind": "includes", "target": "facts"}, {"fact": ["a"]}, "the target has no 'facts' (task.scorers.s.target)"),
        ({"kind": "numeric"}, None, "the target must be a number for numeric (task.scorers.s); got None"),
        ({"kind": "choice"}, None, "the target must be a label"),
        ({"kind": "json_fields", "fields": {"a": "exact"}}, None, "the target must be an object or a list"),
        ({"kind": "token_f1", "target": "text"}, {"text": None}, "the target must be a text or a list of texts"),
        ({"kind": "exact_match", "target": "mood"}, {"mood": None}, "the answer is a string and never equals None"),
        ({"kind": "exact_match", "target": "a.mood"}, {"a": None}, "the target has no 'a.mood'"),
    ],
)
def test_a_target_that_cannot_be_compared_with_is_told(scorer: dict[str, Any], target: Any, said: str | None) -> None:
    found = target_check({"s": Scorer(**scorer)}, None)(target)
    assert found == said or (said and found and found.startswith(said))


def test_a_label_that_the_schema_does_not_know_is_told_before_it_scores_nothing_for_ever() -> None:
    schema = {"properties": {"label": {"enum": ["bug", "Question", 3]}}}
    suits = target_check({"s": Scorer(kind="choice", answer="label")}, schema)
    assert [suits(target) for target in ("BUG", "question ", "3", 3)] == [None] * 4
    assert suits("bugg") == ("the target 'bugg' is no label of the schema (task.scorers.s); it allows bug, Question, 3")


@pytest.mark.parametrize(
    ("types", "target", "fits"),
    [
        ("integer", 1, True),
        ("integer", 1.0, True),
        ("integer", 1.5, False),
        ("number", 1, True),
        ("integer", "1", False),
        ("array", 1, False),
        ("array", [1], True),
        (["string", "null"], None, True),
        ("string", None, False),
        ("boolean", True, True),
        ("boolean", 1, False),
    ],
)
def test_a_target_that_no_answer_can_equal_is_told(types: Any, target: Any, fits: bool) -> None:
    suits = target_check({"s": Scorer(kind="exact_match", answer="x")}, {"properties": {"x": {"type": types}}})
    assert (suits(target) is None) == fits


@pytest.mark.parametrize("rule", [{"rule": "exact", "tolerance": 0.1}, {"rule": "numeric", "ignore_case": True}])
def test_an_option_that_a_rule_does_not_look_at_is_refused(rule: dict[str, Any]) -> None:
    [found] = problems(kind="json_fields", fields={"n": rule})
    assert "does not look at" in found


def test_scorers_may_share_a_target() -> None:
    scorers = {"facts": Scorer(kind="includes", target="facts"), "overlap": Scorer(kind="token_f1", target="text")}
    fields = {
        "parsed": None,
        "text": "red car",
        "extracted_by": None,
        "target": {"facts": ["red"], "text": "a red car"},
    }
    assert [(name, score(fields)) for name, score in load_scorers(scorers, None)] == [("facts", 1.0), ("overlap", 0.8)]


def test_labels_are_read_from_scored_choices_only() -> None:
    readers = label_readers({"c": Scorer(kind="choice", answer="l"), "e": Scorer(kind="exact_match", answer="l")})
    assert list(readers) == ["c"]
    fields = {"parsed": {"l": " Red"}, "text": "", "extracted_by": "strict", "target": "RED", "outcome": "answered"}
    assert readers["c"](fields | {"scores": {"c": 1.0}}) == ("red", "red")
    assert readers["c"](fields | {"scores": {"c": 0.0}, "outcome": "invalid"}) == ("red", None)
    assert readers["c"](fields | {"scores": {"c": None}}) is None
    assert readers["c"](fields | {"scores": {"c": 0.0}, "target": None}) is None
