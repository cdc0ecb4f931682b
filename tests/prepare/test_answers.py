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
        ("many", "order.total", NUMBER, {"order": {"total": "many"}}, {"order": {"total": "something else"}}),
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


def test_the_first_line_holds_the_schema() -> None:
    assert orjson.loads(book_header(LABEL)) == {"schema": LABEL}
    assert orjson.loads(book_header(None)) == {"schema": None}
