"""What the importer takes and refuses, and what it makes of a row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.emulator.vertex_importer import Importer, RefusedError


def ask(**more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "x"}]}], **more}


def schema(**more: Any) -> dict[str, Any]:
    return {"request": ask(generationConfig={"responseJsonSchema": {"type": "object", **more}})}


def nested(levels: int) -> dict[str, Any]:
    inner: Any = 1
    for _ in range(levels):
        inner = {"a": inner}
    return {"request": ask(labels=inner)}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], "JSON parsing error in row 1"),
        ([{"request": ask()}, "[]"], "Row 2: Only optional fields can be set to NULL. Field: request"),
        ([{"key": "a"}], "Field: request"),
        ([{"request": ask(contents=None)}], "Field: request.contents"),
        ([{"request": ask(labels=[None])}], "Field: request.labels[]"),
        ([schema(**{"$defs": {"a": 1}})], 'Invalid field name "$defs"'),
        ([schema(properties={"two words": {"type": "string"}})], 'Invalid field name "two words"'),
        ([schema(properties={"a/b": {"type": "string"}})], 'Invalid field name "a/b"'),
        ([schema(properties={"1st": {"type": "string"}})], 'Invalid field name "1st"'),
        ([schema(properties={})], "Cannot store struct request.generationConfig.responseJsonSchema.properties with no"),
        (
            [{"request": ask(tools=[{"google_search": {}}])}],
            "Cannot store struct request.tools[].google_search with no",
        ),
        (
            [schema(), {"request": ask(generationConfig={"responseJsonSchema": {"type": ["object", "null"]}})}],
            "Repeated field must be imported as a JSON array",
        ),
        ([{"n": 1, "request": ask()}, {"n": "x", "request": ask()}], "Could not convert value to NUMBER. Field: n"),
        ([{"request": ask(labels=[[1]])}], "An array must not hold arrays. Field: request.labels[]"),
        (['{"request": ' + "[" * 900 + "]" * 900 + "}"], "Row 1: "),
        (['{"request": {"a": ' + "[" * 900 + "]" * 900 + "}}"], "An array must not hold arrays"),
        ([nested(15)], "more than 15 levels"),
    ],
)
def test_a_file_that_is_no_table_is_refused(lines: list[Any], words: str) -> None:
    importer = Importer()
    *fine, wrong = [line.encode() if isinstance(line, str) else json.dumps(line).encode() for line in lines]
    for line in fine:
        importer.look(line)
    with pytest.raises(RefusedError) as caught:
        importer.look(wrong)
    assert words in str(caught.value)


def test_lines_that_have_different_keys_are_one_table_all_the_same() -> None:
    lines = [
        {"request": ask(), "a": 1},
        {"request": ask(generationConfig={"temperature": 0}), "b": None},
        {"request": ask(generationConfig={"temperature": 0.5}), "a": 1.5},
        nested(14),
    ]
    importer = Importer()
    for line in lines:
        importer.look(json.dumps(line).encode())
    assert importer.rows == 4


def test_a_row_comes_back_written_anew() -> None:
    line = json.dumps({"z": "007", "request": {"b": 2.0, "a": None, "c": [{"y": 1, "x": 0.5}]}, "k": "a7"}).encode()
    importer = Importer()
    importer.look(line)
    assert importer.row(line) == b'{"z":7,"k":"a7","request":{"b":2,"c":[{"x":0.5,"y":1}]}}'


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("000000", 0),
        ("-7", -7),
        ("1.50", 1.5),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, "9" * 19),  # no int64
        ("1" * 24, "1" * 24),
        ("1." + "1" * 40, "1." + "1" * 40),
        ("²", "²"),
        ("٣", "٣"),
    ],
)
def test_a_text_that_looks_like_a_number_comes_back_as_one(text: str, made: Any) -> None:
    line = json.dumps({"custom_id": text, "request": ask()}).encode()
    importer = Importer()
    importer.look(line)
    assert json.loads(importer.row(line))["custom_id"] == made
    wordy = json.dumps({"custom_id": "a", "request": ask()}).encode()
    importer.look(wordy)
    assert json.loads(importer.row(line))["custom_id"] == text


def test_a_job_has_bounds() -> None:
    importer, line = Importer(max_rows=1), json.dumps({"request": ask()}).encode()
    importer.look(line)
    with pytest.raises(RefusedError, match="more than 1 rows"):
        importer.look(line)
    with pytest.raises(RefusedError, match="more than 10 bytes"):
        Importer(max_bytes=10).look(line)
