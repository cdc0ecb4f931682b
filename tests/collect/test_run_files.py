"""The files of a run: results, errors and single answers with safe names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_batches import answer, batch, decode, failure, judging, results, sample

import harness
from harness.collect.merge import Part, merge
from harness.collect.results import collect_batch
from harness.collect.run_files import Written, write_run_results
from harness.collect.text_names import MAX_NAME, TextNames
from harness.types import SentSample

SCHEMAS = Path(next(iter(harness.__path__))) / "schemas"


def run(
    tmp_path: Path, samples: Sequence[SentSample], output: list[Any], *, limit: int = 100, epochs: int = 1
) -> Written:
    folder = batch(tmp_path / "batches" / "0001", samples, output)
    collect_batch(folder, decode, judging())
    merged = merge([Part(folder, 0)], judging())
    return write_run_results(
        tmp_path, merged, requests=len(samples), epochs=epochs, txt_limit=limit, feed=lambda fields: None
    )


def test_every_line_is_fed_and_written_and_valid(tmp_path: Path) -> None:
    samples = [sample(row) for row in range(5)]
    output = [answer(0), answer(1, "no json"), answer(2, refusal="no"), failure(3, "permanent", "bad")]
    folder = batch(tmp_path / "a", samples, output)
    collect_batch(folder, decode, judging())
    late = batch(tmp_path / "b", [sample(0, 2), sample(5)])
    fed: list[Any] = []
    merged = merge([Part(folder, 0), Part(late, 0)], judging())
    written = write_run_results(tmp_path, merged, requests=6, epochs=1, txt_limit=0, feed=fed.append)
    assert results(tmp_path) == fed
    assert (written.results, written.errors) == (6, 2)
    validator = jsonschema_rs.validator_for(orjson.loads((SCHEMAS / "results.json").read_bytes()))
    assert [str(error) for fields in fed for error in validator.iter_errors(fields)] == []


def test_errors_list_what_was_not_answered(tmp_path: Path) -> None:
    run(tmp_path, [sample(0), sample(1), sample(2)], [answer(0, "bad"), failure(1, "permanent", "no")])
    lines = [orjson.loads(line) for line in (tmp_path / "errors.jsonl").read_bytes().splitlines()]
    assert lines == [
        {
            "id": "s1",
            "epoch": 0,
            "row": 1,
            "custom_id": "k-1-1",
            "outcome": "failed",
            "class": "permanent",
            "message": "no",
            "status": 400,
            "code": None,
            "attempts": 1,
        },
        {
            "id": "s2",
            "epoch": 0,
            "row": 2,
            "custom_id": "k-2-1",
            "outcome": "missing",
            "class": None,
            "message": "the batch ended without a line for this request",
            "status": None,
            "code": None,
            "attempts": 1,
        },
    ]


def test_single_answers_are_the_text_word_for_word(tmp_path: Path) -> None:
    text = '```json\r\n{"label":"yes"}\r\n```\n\u00e4'
    written = run(tmp_path, [sample(0, id="a/../b"), sample(1)], [answer(0, text)])
    assert written == Written(2, 1, 1, None)
    assert {path.name: path.read_bytes() for path in (tmp_path / "results").iterdir()} == {
        "a%2F..%2Fb.txt": text.encode()
    }


@pytest.mark.parametrize(
    ("limit", "words"), [(1, "2 requests are more than output.txt_limit (1)"), (0, "txt_limit is 0")]
)
def test_larger_runs_write_no_single_answers_and_say_so(tmp_path: Path, limit: int, words: str) -> None:
    written = run(tmp_path, [sample(0), sample(1)], [answer(0), answer(1)], limit=limit)
    assert words in (written.note or "")
    assert not (tmp_path / "results").exists()


def test_epochs_have_files_of_their_own(tmp_path: Path) -> None:
    samples = [sample(0, id="a"), sample(1, id="a", epoch=1)]
    run(tmp_path, samples, [answer(0), answer(1)], epochs=2)
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"a.0.txt", "a.1.txt"}


@pytest.mark.parametrize(
    ("sample_id", "name"),
    [
        ("q-1", "q-1.txt"),
        ("..", "%2E..txt"),
        (".hidden", "%2Ehidden.txt"),
        ("", "%.txt"),
        ("a b~ä", "a%20b%7E%C3%A4.txt"),
        ("100%", "100%25.txt"),
        ("con", "%63on.txt"),
        ("NUL.x", "%4EUL.x.txt"),
        ("console", "console.txt"),
        ("\x00\n", "%00%0A.txt"),
    ],
)
def test_an_id_becomes_a_name_that_every_file_system_takes(sample_id: str, name: str) -> None:
    assert TextNames(with_epoch=False).name(sample_id, 0) == name


def test_ids_that_differ_in_case_only_and_long_ones_get_a_digest() -> None:
    names = TextNames(with_epoch=False)
    plain, upper = names.name("abc", 0), names.name("ABC", 0)
    assert plain == "abc.txt"
    assert upper.startswith("ABC-")
    long = [names.name("x" * 500 + end, 0) for end in "ab"]
    assert long[0] != long[1]
    assert {len(name) for name in long} == {MAX_NAME + len(".txt")}
    assert TextNames(with_epoch=False).name("x" * 500 + "b", 0) == long[1]


@given(
    st.lists(st.text(max_size=150) | st.sampled_from(["a", "A", "con", "x" * 200, "X" * 200]), max_size=30),
    st.booleans(),
)
def test_names_are_safe_and_never_given_twice(ids: list[str], with_epoch: bool) -> None:
    names = TextNames(with_epoch=with_epoch)
    given = [names.name(one, 1) for one in ids]
    assert len({name.casefold() for name in given}) == len(ids)
    for name in given:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%-")
        assert not name.startswith(".")
        assert len(name) <= MAX_NAME + 4
