"""Each scorer against a table of answers and targets."""

from __future__ import annotations

from typing import Any

import pytest

from harness.collect.kinds import SCORERS
from harness.collect.scoring import pick

CASES: list[tuple[str, Any, Any, dict[str, Any], float]] = [
    ("exact_match", "yes", "yes", {}, 1),
    ("exact_match", " yes\n", "yes", {}, 1),
    ("exact_match", " yes", "yes", {"strip": False}, 0),
    ("exact_match", "Yes", "yes", {}, 0),
    ("exact_match", "STRASSE", "straße", {"ignore_case": True}, 1),
    ("exact_match", 1, 1.0, {}, 1),
    ("exact_match", True, 1, {}, 0),
    ("exact_match", True, True, {}, 1),
    ("exact_match", False, True, {}, 0),
    ("exact_match", [1, True], [1, 1], {}, 0),
    ("exact_match", "1", 1, {}, 0),
    ("exact_match", None, None, {}, 1),
    ("exact_match", None, "yes", {}, 0),
    ("exact_match", {"a": [1, " x"], "b": None}, {"b": None, "a": [1.0, "x"]}, {}, 1),
    ("exact_match", {"a": 1}, {"a": 1, "b": 2}, {}, 0),
    ("exact_match", [1, 2], [2, 1], {}, 0),
    ("choice", " Positive", "positive", {}, 1),
    ("choice", "positive", "negative", {}, 0),
    ("choice", "positive", "Positive", {"choices": ["POSITIVE", "negative"]}, 1),
    ("choice", "other", "other", {"choices": ["a", "b"]}, 0),
    ("choice", 3, "3", {}, 1),
    ("choice", 3.0, 3, {}, 1),
    ("choice", True, "true", {}, 1),
    ("choice", None, None, {}, 0),
    ("choice", ["a"], ["a"], {}, 0),
    ("includes", "Paris is in FRANCE", "france", {}, 1),
    ("includes", "Paris is in FRANCE", "france", {"ignore_case": False}, 0),
    ("includes", "a b", ["a", "b", "c", "d"], {}, 0.5),
    ("includes", "a b", ["a", "b", "c", "d"], {"all": True}, 0),
    ("includes", "a b", ["a", "b"], {"all": True}, 1),
    ("includes", {"x": ['say "hi"', 12]}, ['"hi"', 12], {}, 1),
    ("includes", "anything", [], {}, 1),
    ("includes", "anything", None, {}, 0),
    ("includes", None, "null", {}, 0),
    ("numeric", 12, 12.0, {}, 1),
    ("numeric", 0.1 + 0.2, 0.3, {}, 1),
    ("numeric", "1,234.5", 1234.5, {}, 1),
    ("numeric", "€ 12", 12, {}, 1),
    ("numeric", "12 %", 12, {}, 1),
    ("numeric", "12 %", 0.12, {}, 0),
    ("numeric", "-$5", -5, {}, 1),
    ("numeric", "$-5", "−5", {}, 1),
    ("numeric", "--5", 5, {}, 0),
    ("numeric", "6.02e23", 6.02e23, {}, 1),
    ("numeric", "1 234 567", 1234567, {}, 1),
    ("numeric", ".5", 0.5, {}, 1),
    ("numeric", "5.", 5, {}, 1),
    ("numeric", "1.234,5", 1234.5, {}, 0),
    ("numeric", "1,23", 123, {}, 0),
    ("numeric", "12 kg", 12, {}, 0),
    ("numeric", "about 12", 12, {}, 0),
    ("numeric", "٣", 3, {}, 0),
    ("numeric", "", 0, {}, 0),
    ("numeric", "1e999", 1, {}, 0),
    ("numeric", "9" * 5000, 1, {}, 0),
    ("numeric", 10**400, 1, {}, 0),
    ("numeric", True, 1, {}, 0),
    ("numeric", None, 0, {}, 0),
    ("numeric", 10.4, 10, {"tolerance": 0.5}, 1),
    ("numeric", 10.6, 10, {"tolerance": 0.5}, 0),
    ("numeric", -95, -100, {"relative": 0.05}, 1),
    ("numeric", -94, -100, {"relative": 0.05}, 0),
    # token_f1 = 2 · shared / (words of the answer + words of the target)
    ("token_f1", "the cat sat", "The cat sat.", {}, 1),
    ("token_f1", "a cat sat", "the cat sat down", {}, 4 / 7),
    ("token_f1", "b b b", "b a", {}, 2 / 5),  # a word is shared as often as both have it
    ("token_f1", "a b", "b a", {}, 1),  # order does not count
    ("token_f1", "Straße, Größe", "STRASSE groesse", {}, 2 / 4),
    ("token_f1", "caf\u00e9", "cafe\u0301", {}, 1),  # one letter, written in two ways
    ("token_f1", "東京は雨", "東京は晴れ", {}, 6 / 9),  # each sign is a word
    ("token_f1", "ราคา 5", "5", {}, 2 / 6),
    ("token_f1", "x_y 3.5", "x y 3 5", {}, 1),
    ("token_f1", "की", "का", {}, 0),  # one vowel apart
    ("token_f1", "हिन्दी भाषा", "हिन्दी", {}, 2 / 3),
    ("token_f1", "கி கு", "கு", {}, 2 / 3),
    ("token_f1", "naïve x_y", "x y naïve", {}, 1),
    ("token_f1", "red", ["blue green", "red car", "red"], {}, 1),
    ("token_f1", "red", [], {}, 0),
    ("token_f1", "", "", {}, 1),
    ("token_f1", "...", " ... ", {}, 1),
    ("token_f1", "...", "!", {}, 0),
    ("token_f1", "😀", "😁", {}, 0),
    ("token_f1", "word", "", {}, 0),
    ("token_f1", None, "word", {}, 0),
    ("token_f1", "word", None, {}, 0),
    ("token_f1", 12, "12", {}, 1),
    ("token_f1", "a b b c", "x " * 60 + "b b b a", {}, 2 * 3 / (4 + 64)),
    ("token_f1", "é a b b c", "x " * 60 + "b b b é", {}, 2 * 3 / (5 + 64)),
]


@pytest.mark.parametrize(("kind", "answer", "target", "options", "score"), CASES)
def test_a_scorer_does_what_its_docstring_defines(
    kind: str, answer: Any, target: Any, options: dict[str, Any], score: float
) -> None:
    actual = SCORERS[kind].make(options)(answer, target)
    assert actual == score
    assert isinstance(actual, float)


@pytest.mark.parametrize(
    ("parsed", "text", "path", "found"),
    [
        ({"order": {"total": 3}}, "…", "order.total", 3),
        ({"items": [{"price": 1}, {"price": 2}]}, "…", "items.1.price", 2),
        ([[1, 2]], "…", "0.1", 2),
        ({"0": "name"}, "…", "0", "name"),
        ({"a": 1}, "…", None, {"a": 1}),
        (None, "free text", None, "free text"),
        (None, "free text", "a", None),
        ({"a": 1}, "…", "b", None),
        ({"a": 1}, "…", "a.b", None),
        ([1], "…", "5", None),
        ([1], "…", "-1", None),
        ([1], "…", "²", None),
        ([1], "…", "9" * 50, None),
    ],
)
def test_a_path_leads_to_its_value_or_to_none(parsed: Any, text: str, path: str | None, found: Any) -> None:
    assert pick(parsed, text, path) == found
