"""The answer book of a simulated run: right and wrong answers in the place where the headline scorer looks."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest

from harness.prepare.answers import book_header, book_line
from harness.settings import Scorer
from harness.types import Message

TURNS = (Message("system", "S"), Message("user", "first"), Message("assistant", "a"), Message("user", "last"))
LABEL = {"properties": {"label": {"enum": ["good", "bad"]}}}
NUMBER = {"properties": {"order": {"properties": {"total": {"type": "number"}}}}}


def book(target: Any, answer: str | None = None, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    line = book_line(TURNS, target, [Scorer(kind="exact_match", answer=answer)], schema)
    assert line is not None
    assert line.endswith(b"\n")
    found: dict[str, Any] = orjson.loads(line)
    return found


def test_a_request_is_known_by_its_last_user_text() -> None:
    assert book("x")["digest"] == hashlib.sha256(b"last").hexdigest()


@pytest.mark.parametrize(
    ("target", "answer", "schema", "right", "wrong"),
    [
        ("good", "label", LABEL, {"label": "good"}, {"label": "bad"}),
        ("unheard of", "label", LABEL, {"label": "unheard of"}, None),
        (3, "order.total", NUMBER, {"order": {"total": 3}}, {"order": {"total": 4}}),
        ("3.5", "order.total", NUMBER, {"order": {"total": 3.5}}, {"order": {"total": 4.5}}),
        ("TRUE", "ok", {"properties": {"ok": {"type": "boolean"}}}, {"ok": True}, {"ok": False}),
        ("2", "n", {"properties": {"n": {"type": "integer", "enum": [2, 5]}}}, {"n": 2}, {"n": 5}),
        ({"a": 1}, None, {"type": "object"}, {"a": 1}, {"a": 2}),
        ("red", None, None, "red", "something else"),
        (7, None, None, "7", "8"),
        (["a", "b"], None, None, "a. b.", "a."),
    ],
)
def test_right_and_wrong_differ_and_stand_where_the_scorer_looks(
    target: Any, answer: str | None, schema: dict[str, Any] | None, right: Any, wrong: Any
) -> None:
    found = book(target, answer, schema)
    assert found["right"] == right
    assert found["wrong"] != found["right"]
    assert wrong is None or found["wrong"] == wrong


def test_without_a_target_there_is_no_line() -> None:
    assert book_line(TURNS, None, [Scorer(kind="exact_match")], LABEL) is None


@pytest.mark.parametrize(
    ("target", "answer", "schema"),
    [("many", "order.total", NUMBER), ("good", None, {"type": "object"}), (1.5, None, {"type": ["integer", "null"]})],
)
def test_a_target_that_the_schema_does_not_allow_in_its_place_is_no_answer(
    target: Any, answer: str | None, schema: dict[str, Any]
) -> None:
    assert book_line(TURNS, target, [Scorer(kind="mine", answer=answer)], schema) is None


def test_all_scorers_find_their_part_of_the_target_in_a_right_answer() -> None:
    scorers = [
        Scorer(kind="choice", answer="label", target="kind"),
        Scorer(kind="numeric", answer="order.total", target="sum"),
        Scorer(kind="mine"),
    ]
    schema = {"type": "object", "properties": {**LABEL["properties"], **NUMBER["properties"]}}
    line = book_line(TURNS, {"kind": "good", "sum": 3}, scorers, schema)
    assert line is not None
    assert orjson.loads(line)["right"] == {"label": "good", "order": {"total": 3}, "kind": "good", "sum": 3}


def test_of_an_object_some_fields_are_got_wrong_as_the_schema_allows() -> None:
    schema = {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date"},
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "minItems": 1},
            "n": {"type": "integer"},
        },
    }
    target = {"day": "2026-11-24", "kind": "a", "tags": ["x"], "n": 1}
    found = book(target, None, schema)
    assert found["right"] == target
    assert found["wrong"] == {"day": "2026-11-24", "kind": "b", "tags": ["x"], "n": 2}


def test_free_text_is_the_whole_text_that_some_scorer_wants_and_half_of_it_is_wrong() -> None:
    target = {"facts": ["14 March", "Room 3"], "text": "The meeting of 14 March is in Room 3"}
    scorers = [Scorer(kind="includes", target="facts"), Scorer(kind="token_f1", target="text")]
    line = book_line(TURNS, target, scorers, None)
    assert line is not None
    found = orjson.loads(line)
    assert (found["right"], found["wrong"]) == (target["text"], "The meeting of 14")


def test_the_first_line_holds_the_schema() -> None:
    assert orjson.loads(book_header(LABEL)) == {"schema": LABEL}
    assert orjson.loads(book_header(None)) == {"schema": None}
