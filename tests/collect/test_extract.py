"""JSON out of text, by table; and hostile text in linear time."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.collect.extract import MAX_DEPTH, extract

TABLE = [
    # text, strict, fenced, anywhere: the value and how it was found, or None
    ('{"a": 1}', ({"a": 1}, "strict"), ({"a": 1}, "strict"), ({"a": 1}, "strict")),
    (" \n[1, 2]\t", ([1, 2], "strict"), ([1, 2], "strict"), ([1, 2], "strict")),
    ("null", (None, "strict"), (None, "strict"), (None, "strict")),
    ('"text"', ("text", "strict"), ("text", "strict"), ("text", "strict")),
    ("", None, None, None),
    ("plain words", None, None, None),
    ('```json\n{"a": 1}\n```', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ('```\n{"a": 1}\n```', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ('```JSON\r\n{"a": 1}\r\n```\r\n', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ('Sure:\n  ```json\n{"a": 1}\n  ```\nDone.', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ('```json {"a": 1} ```', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ('```{"a": 1}```', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ("````json\n[1]\n````", None, ([1], "fenced"), ([1], "fenced")),
    ("```json\n1\n```\nno, better\n```json\n2\n```", None, (2, "fenced"), (2, "fenced")),
    ("```json\n1\n```\nbroken\n```json\n{oops\n```", None, (1, "fenced"), (1, "fenced")),
    ("```json\n{oops\n```json\n2\n```", None, (2, "fenced"), (2, "fenced")),
    ("```python\n[1]\n```", None, None, ([1], "anywhere")),
    ("```python\nx = 1\n```\n```json\n[2]\n```", None, ([2], "fenced"), ([2], "fenced")),
    ('```json\n{"a": "```"}\n```', None, ({"a": "```"}, "fenced"), ({"a": "```"}, "fenced")),
    ('```json\n{"a": 1}', None, None, ({"a": 1}, "anywhere")),
    ('<think>{"a": 0}</think>{"a": 1}', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ('{"a": 0} or not</think>\n{"a": 1}', None, ({"a": 1}, "fenced"), ({"a": 1}, "fenced")),
    ('<think>\n```json\n{"a": 0}\n```\n</think>\nIt is {"a": 1}.', None, None, ({"a": 1}, "anywhere")),
    ('<think>{"a": 0} and on', None, None, None),
    ('{"a": "<think>"}', ({"a": "<think>"}, "strict"), ({"a": "<think>"}, "strict"), ({"a": "<think>"}, "strict")),
    ('The answer is {"a": [1, {"b": "}"}]} indeed {"c": 1}', None, None, ({"a": [1, {"b": "}"}]}, "anywhere")),
    (r'\frac{1}{2} gives {"a": 1}', None, None, ({"a": 1}, "anywhere")),
    ('He said "{" and then {"a": 1}', None, None, ({"a": 1}, "anywhere")),
    ('{"quote": "never closed {"a": 1}', None, None, ({"a": 1}, "anywhere")),
    ('{"a": [1, 2', None, None, None),
    ("{'a': 1}", None, None, None),
    ('{"a": 1,}', None, None, None),
    ('{"a": 1} {"b": 2}', None, None, ({"a": 1}, "anywhere")),
    ('{"a": NaN}', None, None, None),
    ("[Infinity] [1]", None, None, ([1], "anywhere")),
    ("[1e400]", None, None, None),
    ('{"a": 1, "a": 2}', ({"a": 2}, "strict"), ({"a": 2}, "strict"), ({"a": 2}, "strict")),
    ("[36893488147419103232]", ([2.0**65], "strict"), ([2.0**65], "strict"), ([2.0**65], "strict")),
    (r'["\ud800"]', None, None, None),
    ("\ud800 [1]", None, None, ([1], "anywhere")),
]


@pytest.mark.parametrize(("text", "strict", "fenced", "anywhere"), TABLE)
def test_each_mode_finds_what_it_promises(text: str, strict: object, fenced: object, anywhere: object) -> None:
    assert [extract(text, "strict"), extract(text, "fenced"), extract(text, "anywhere")] == [strict, fenced, anywhere]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_counts_as_json_only_as_deep_as_a_result_line_can_hold(opening: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + "1" + {"[": "]", '{"a":': "}"}[opening] * depth

    assert extract(nested(MAX_DEPTH), "strict") is not None
    for mode in ("strict", "fenced"):
        assert extract(nested(MAX_DEPTH + 1), mode) is None  # type: ignore[arg-type]
    assert extract("[" + "[]," * 1000 + "[]]", "strict") is not None


@pytest.mark.parametrize("length", range(470, 515))
def test_an_object_is_found_whatever_its_length(length: int) -> None:
    value = {"a": "x" * length + "\U0001f600\n", "b": [True, None, -12.5e3], "c": {"long": "y" * 3 * length}}
    assert extract(f"{{so}} [x] {json.dumps(value)} it is", "anywhere") == (value, "anywhere")


@pytest.mark.parametrize(
    "piece",
    ["{", "[", '{"a":', '["', '["",', "[1,", "[x", '["a"x', '{"', "[]", "```json\n", "```\n[", "<think>", "</think>"],
)
@pytest.mark.parametrize("ending", ["", '"' + "a" * 50_000, "]" * 50_000])
def test_hostile_text_takes_linear_time(piece: str, ending: str) -> None:
    text = piece * (200_000 // len(piece)) + ending
    begin = time.process_time()
    extract(text, "anywhere")
    assert time.process_time() - begin < 3.0  # quadratic work takes ten seconds and more


def test_many_brackets_in_prose_do_not_hide_the_answer() -> None:
    prose = r"see [12] and \frac{a}{b}, f(x) = {x | x > 0}, ['a'], {key}. " * 500
    assert extract(prose + '{"a": 1}', "anywhere") == ([12], "anywhere")
    assert extract(prose.replace("[12]", "[no]") + '{"a": 1}', "anywhere") == ({"a": 1}, "anywhere")


@given(st.text(alphabet='{}[]",:`\\ \nan1thik<>/jsonté\ud800', max_size=60))
def test_no_text_makes_it_crash_and_modes_only_grow(text: str) -> None:
    strict, fenced, anywhere = (extract(text, mode) for mode in ("strict", "fenced", "anywhere"))
    assert strict is None or strict == fenced
    assert fenced is None or fenced == anywhere
