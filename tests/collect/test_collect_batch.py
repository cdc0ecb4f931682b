"""One batch on disk: joined by id, whatever the order, the damage and the number of the lines."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest
from made_batches import answer, batch, decode, failure, judging, results, sample

from harness.collect import files
from harness.collect.answers import DISAGREEMENT
from harness.collect.results import collect_batch
from harness.settings import Scorer
from harness.types import Error

TEN = [sample(row) for row in range(10, 20)]


def test_lines_in_any_order_give_the_same_sorted_bytes(tmp_path: Path) -> None:
    lines = [answer(row, f'{{"label":"yes","why":"{"long " * row}"}}') for row in range(10, 20)]
    contents = set()
    for number in range(3):
        folder = batch(tmp_path / str(number), TEN, lines)
        assert collect_batch(folder, decode, judging()).outcomes == {"answered": 10}
        contents.add((folder / "results.jsonl").read_bytes())
        random.Random(number).shuffle(lines)
    assert len(contents) == 1
    assert [result["row"] for result in results(folder)] == list(range(10, 20))
    assert {path.name for path in folder.iterdir()} == {"samples.jsonl", "output.jsonl", "results.jsonl"}


def test_both_files_are_read_and_what_is_in_neither_is_missing(tmp_path: Path) -> None:
    folder = batch(tmp_path, TEN[:3], [answer(11)], [failure(10, "expired", "window ended")])
    collected = collect_batch(folder, decode, judging())
    assert [result["outcome"] for result in results(folder)] == ["expired", "answered", "missing"]
    assert collected.error_classes == {"expired": 1}
    assert collected.first_errors == {"expired": "window ended"}
    assert results(folder)[2]["error"] is None


def test_a_result_line_holds_sample_and_response(tmp_path: Path) -> None:
    line = answer(10, model="served", request_id="req_1", finish_reason="stop")
    folder = batch(tmp_path, TEN[:1], [line])
    collect_batch(folder, decode, judging())
    assert results(folder) == [
        {
            "id": "s10",
            "epoch": 0,
            "row": 10,
            "custom_id": "k-10-1",
            "outcome": "answered",
            "parsed": {"label": "yes"},
            "text": '{"label":"yes"}',
            "extracted_by": "strict",
            "target": "yes",
            "metadata": {"topic": "t"},
            "scores": {"accuracy": 1.0},
            "schema_errors": [],
            "error": None,
            "usage": {
                "input_tokens": 10,
                "cached_tokens": 0,
                "cache_write_tokens": 0,
                "output_tokens": 2,
                "reasoning_tokens": 0,
            },
            "cost": None,
            "attempts": 1,
            "later": [],
            "model": "asked-model",
            "model_served": "served",
            "finish_reason": "stop",
            "provider_request_id": "req_1",
            "rules": ["drop temperature"],
            "simulated": False,
        }
    ]


@pytest.mark.parametrize("batch_error", [Error("retryable", "batch failed", 500), Error("cancelled", "never sent")])
def test_a_batch_that_failed_as_a_whole_gives_its_error_to_what_has_no_line(tmp_path: Path, batch_error: Error) -> None:
    folder = batch(tmp_path, TEN[:3], [answer(11)])
    collected = collect_batch(folder, decode, judging(), batch_error)
    outcome = {"retryable": "failed", "cancelled": "cancelled"}[batch_error.kind]
    assert [result["outcome"] for result in results(folder)] == [outcome, "answered", outcome]
    assert collected.error_classes == {batch_error.kind: 2}


def test_a_batch_without_files_is_missing_as_a_whole(tmp_path: Path) -> None:
    assert collect_batch(batch(tmp_path, TEN), decode, judging()).outcomes == {"missing": 10}
    assert collect_batch(batch(tmp_path / "none", []), decode, judging()).count == 0


def test_the_same_line_twice_is_counted_once(tmp_path: Path) -> None:
    lines = [answer(10, request_id="a"), answer(11), answer(10, request_id="b")]
    collected = collect_batch(batch(tmp_path, TEN[:2], lines, [answer(11)]), decode, judging())
    assert (collected.duplicates, collected.disagreements, collected.outcomes) == (2, 0, {"answered": 2})


def test_two_lines_that_disagree_are_believed_neither(tmp_path: Path) -> None:
    lines = [answer(10), answer(11), answer(10, '{"label":"no"}'), answer(10)]
    folder = batch(tmp_path, TEN[:2], lines)
    collected = collect_batch(folder, decode, judging())
    assert (collected.duplicates, collected.disagreements) == (2, 1)
    assert collected.outcomes == {"failed": 1, "answered": 1}
    first, second = results(folder)
    assert (first["error"]["class"], first["error"]["message"], first["text"]) == ("unknown", DISAGREEMENT, None)
    assert second["outcome"] == "answered"


def test_strangers_and_broken_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    whole = orjson.dumps(answer(11))
    lines = [answer(99), b"", b"not json", b"[]", b'{"custom_id":', answer(10), whole[: len(whole) // 2]]
    collected = collect_batch(batch(tmp_path, TEN[:2], lines), decode, judging())
    assert (collected.strangers, collected.broken) == (1, 4)
    assert collected.outcomes == {"answered": 1, "missing": 1}


def test_a_last_line_without_its_end_counts_when_it_is_whole(tmp_path: Path) -> None:
    folder = batch(tmp_path, TEN[:1])
    (folder / "output.jsonl").write_bytes(orjson.dumps(answer(10)))
    assert collect_batch(folder, decode, judging()).outcomes == {"answered": 1}


@pytest.mark.parametrize("length", [99, 100, 101, 100_000, 3_000_000])
def test_a_line_above_the_bound_is_skipped_to_its_end(tmp_path: Path, length: int) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\n" + b"x" * length + b"\ntwo\n" + b"y" * length)
    long = [b"x" * length, b"y" * length] if length <= 100 else [None, None]
    expected = [(0, b"one"), (4, long[0]), (length + 5, b"two"), (length + 9, long[1])]
    assert list(files.read_lines(path, 100)) == expected


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ([failure(row, "permanent", "no temperature") for row in (10, 11)], "no temperature"),
        ([failure(10, "permanent", "no temperature"), failure(11, "permanent", "other")], None),
        ([failure(10, "permanent", "no temperature")], None),
        ([failure(row, "retryable", "busy") for row in (10, 11)], None),
        ([failure(10, "permanent", "x"), answer(11)], None),
    ],
)
def test_one_permanent_error_of_all_requests_is_named(
    tmp_path: Path, errors: list[object], message: str | None
) -> None:
    assert collect_batch(batch(tmp_path, TEN[:2], [], errors), decode, judging()).permanent_error == message


def test_failing_user_scorers_are_counted(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def score(result, target):\n    raise KeyError(result['id'])\n")
    mine = judging(scorers={"m": Scorer(kind="mine")}, scorer_folder=tmp_path)
    collected = collect_batch(batch(tmp_path / "b", TEN[:2], [answer(10), answer(11)]), decode, mine)
    assert collected.scorer_failures == {"m": 2}
    assert collected.first_scorer_failures == {"m": "KeyError: 's10'"}
    assert [result["scores"] for result in results(tmp_path / "b")] == [{"m": None}] * 2


def test_a_lone_surrogate_in_a_decoded_text_does_not_stop_the_batch(tmp_path: Path) -> None:
    def sloppy(line: bytes) -> object:
        response = decode(line)
        return type(response)(response.custom_id, "\ud83d broken emoji")

    folder = batch(tmp_path, TEN[:1], [answer(10)])
    assert collect_batch(folder, sloppy, judging(schema=None)).outcomes == {"answered": 1}  # type: ignore[arg-type]
    assert results(folder)[0]["text"] == "? broken emoji"


def test_a_crash_leaves_the_results_that_were_there(tmp_path: Path) -> None:
    def dies(line: bytes) -> object:
        raise KeyboardInterrupt

    folder = batch(tmp_path, TEN[:1], [answer(10)])
    collect_batch(folder, decode, judging())
    before = (folder / "results.jsonl").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        collect_batch(folder, dies, judging())  # type: ignore[arg-type]
    assert (folder / "results.jsonl").read_bytes() == before
    assert {path.name for path in folder.iterdir()} == {"samples.jsonl", "output.jsonl", "results.jsonl"}
