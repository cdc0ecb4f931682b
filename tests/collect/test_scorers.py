"""Scorers by name, ours and the user's; and what is said of wrong ones before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.collect.scorer_checks import check_scorers
from harness.collect.scorers import load_scorers
from harness.errors import ConfigError
from harness.settings import Scorer

FIELDS: dict[str, Any] = {"parsed": {"label": "a"}, "text": '{"label": "a"}', "extracted_by": "strict", "target": "a"}
LABEL = {"type": "object", "properties": {"label": {"type": "string"}}, "additionalProperties": False}


def folder(tmp_path: Path, **sources: str) -> Path:
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    return tmp_path


def test_ours_are_found_by_name_and_get_their_options() -> None:
    scorers = {"a": Scorer(kind="exact_match", answer="label"), "b": Scorer(kind="includes", all=True)}
    loaded = load_scorers(scorers, None)
    assert [(name, score(FIELDS | {"target": "a"})) for name, score in loaded] == [("a", 1.0), ("b", 1.0)]


def test_a_parsed_null_is_the_answer_and_not_the_text() -> None:
    [(_, score)] = load_scorers({"a": Scorer(kind="exact_match")}, None)
    assert score({"parsed": None, "text": "null", "extracted_by": "strict", "target": None}) == 1.0
    assert score({"parsed": None, "text": "null", "extracted_by": None, "target": "null"}) == 1.0


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("<think>\nLondon? No.\n</think>\n\nParis", 1.0),
        ("London? No.\n</think>\n\nParis", 1.0),
        ("<think>Paris</think> London", 0.0),
        ("<think>\nParis", 0.0),
        ("Paris", 1.0),
    ],
)
def test_free_text_is_scored_without_the_thoughts_in_it(text: str, score: float) -> None:
    [(_, right)] = load_scorers({"a": Scorer(kind="exact_match")}, None)
    fields = {"parsed": None, "text": text, "extracted_by": None, "target": "Paris"}
    assert right(fields) == score


def test_a_scorer_of_the_user_sees_the_whole_text_and_the_answer_apart(tmp_path: Path) -> None:
    code = "def score(result, target):\n    return result['answer'] == 'b' and result['text'].startswith('<think>')\n"
    [(_, score)] = load_scorers({"mine": Scorer(kind="mine")}, folder(tmp_path, mine=code))
    assert score({"parsed": None, "text": "<think>a</think>\nb", "extracted_by": None, "target": None}) == 1.0


@pytest.mark.parametrize(
    ("body", "score", "note"),
    [
        ("return 0.25", 0.25, None),
        ("return True", 1.0, None),
        ("return None", None, None),
        ("return result['answer'] == target", 1.0, None),
        ("return 1.5", None, "from 0 to 1"),
        ("return float('nan')", None, "from 0 to 1"),
        ("return 'good'", None, "from 0 to 1"),
        ("return 1 / 0", None, "ZeroDivisionError"),
        ("raise SystemExit", None, "SystemExit"),
        ("return score(result, target)", None, "RecursionError"),
    ],
)
def test_a_user_scorer_gives_a_score_or_a_note_and_never_ends_the_run(
    tmp_path: Path, body: str, score: float | None, note: str | None
) -> None:
    notes: list[tuple[str, str]] = []
    mine = folder(tmp_path, mine=f"def score(result, target):\n    {body}\n")
    [(_, function)] = load_scorers({"m": Scorer(kind="mine", answer="label")}, mine, lambda *note: notes.append(note))
    assert function(FIELDS) == score
    assert [name for name, _ in notes] == (["m"] if note else [])
    assert not note or note in notes[0][1]


def test_a_user_scorer_may_take_options_and_hold_dataclasses_and_leaves_no_cache(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Weight:\n    value: float\n"
        "def score(result, target, *, weight):\n    return Weight(weight).value\n"
    )
    mine = folder(tmp_path, mine=source)
    [(_, function)] = load_scorers({"m": Scorer(kind="mine", weight=0.5)}, mine)
    assert function(FIELDS) == 0.5
    assert [path.name for path in mine.iterdir()] == ["mine.py"]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    for value in (0.25, 0.75):
        mine = folder(tmp_path, mine=f"def score(result, target):\n    return {value}\n")
        [(_, function)] = load_scorers({"m": Scorer(kind="mine")}, mine)
        assert function(FIELDS) == value


def test_an_unknown_kind_names_the_nearest_and_all() -> None:
    with pytest.raises(ConfigError, match="did you mean 'exact_match'"):
        load_scorers({"a": Scorer(kind="exactmatch")}, None)


@pytest.mark.parametrize(
    ("scorer", "schema", "words"),
    [
        (
            {"kind": "exactmatch"},
            LABEL,
            ["unknown scorer 'exactmatch'", "did you mean 'exact_match'", "mine", "numeric"],
        ),
        ({"kind": "exact_match", "ignorecase": True}, LABEL, ["no option 'ignorecase'", "did you mean 'ignore_case'"]),
        ({"kind": "numeric", "tolerance": "much"}, LABEL, ["tolerance='much'", "number"]),
        ({"kind": "numeric", "tolerance": -1}, LABEL, ["tolerance=-1", "greater than or equal to 0"]),
        ({"kind": "choice", "choices": "abc"}, LABEL, ["choices='abc'"]),
        ({"kind": "exact_match", "answer": "lable"}, LABEL, ["lable leads nowhere", "did you mean 'label'"]),
        ({"kind": "exact_match", "answer": "label.x"}, LABEL, ["label is of type string"]),
        ({"kind": "exact_match", "answer": "x"}, {"type": "array"}, ["is a list"]),
        ({"kind": "exact_match", "answer": "label"}, None, ["no schema"]),
        ({"kind": "mine", "weight": 1}, LABEL, ["cannot be called so", "weight"]),
        ({"kind": "empty"}, LABEL, ["has no function score(result, target)"]),
        ({"kind": "broken"}, LABEL, ["broken.py: cannot be loaded: SyntaxError"]),
    ],
)
def test_a_wrong_scorer_is_explained(tmp_path: Path, scorer: dict[str, Any], schema: Any, words: list[str]) -> None:
    mine = folder(tmp_path, mine="def score(result, target):\n    return 1\n", empty="", broken="def")
    [problem] = check_scorers({"accuracy": Scorer(**scorer)}, schema, mine)
    assert problem.startswith("accuracy: ")
    assert [word for word in words if word not in problem] == []


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("label", LABEL),
        ("other", LABEL | {"additionalProperties": True}),
        (
            "a.b",
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/x"}},
                "$defs": {"x": LABEL | {"properties": {"b": {}}}},
            },
        ),
        ("a.0.label", {"type": "object", "properties": {"a": {"type": "array", "items": LABEL}}}),
        ("a.b.c", {"type": "object", "properties": {"a": {"anyOf": [LABEL]}}, "additionalProperties": False}),
        ("anything", {}),
    ],
)
def test_a_path_that_an_answer_may_have_is_no_problem(path: str, schema: Any) -> None:
    assert check_scorers({"a": Scorer(kind="exact_match", answer=path)}, schema, None) == []


def test_a_path_is_followed_through_references() -> None:
    schema = {"$ref": "#/$defs/x", "$defs": {"x": LABEL}}
    [problem] = check_scorers({"a": Scorer(kind="exact_match", answer="no")}, schema, None)
    assert "the answer has no 'no'" in problem
