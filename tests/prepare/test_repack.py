"""Unanswered requests in new batches: the same bodies under new ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.prepare.packing import Bounds
from harness.prepare.repack import repack

KEY = "k" + "a" * 12
BOUNDS = Bounds(count=3, bytes=10_000, line_bytes=1_000, tokens=None)


def write_batch(folder: Path, name: str, rows: range, attempt: int = 1, size: int = 1) -> None:
    """Write a collected batch in which every even row was not answered."""
    (folder / name).mkdir(parents=True)
    parts: dict[str, list[dict[str, Any]]] = {"requests": [], "samples": [], "results": []}
    for row in rows:
        custom_id = f"{KEY}-{row}-{attempt}"
        body = {"messages": f"text {row} {custom_id}" + "x" * size}
        parts["requests"].append({"custom_id": custom_id, "body": body})
        sample = {"row": row, "id": f"s{row}", "epoch": 0, "custom_id": custom_id, "attempt": attempt}
        parts["samples"].append({**sample, "target": "y", "metadata": {}, "rules": ["drop temperature"]})
        parts["results"].append({"row": row, "outcome": "answered" if row % 2 else "expired"})
    for part, lines in parts.items():
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        (folder / name / f"{part}.jsonl").write_text(text)


def expired(result: dict[str, Any]) -> bool:
    return bool(result["outcome"] == "expired")


def written(folder: Path, name: str, part: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name / f"{part}.jsonl").read_text().splitlines()]


def again(folder: Path, parents: list[str], bounds: Bounds = BOUNDS, first: int = 2) -> Any:
    return repack(folder, parents, expired, run_key=KEY, first=first, bounds=bounds, wave=2)


def test_only_the_unanswered_are_sent_again_in_order_of_rows_under_new_ids(tmp_path: Path) -> None:
    write_batch(tmp_path, "0002", range(4, 9))
    write_batch(tmp_path, "0001", range(4))
    batches = again(tmp_path, ["0002", "0001"])
    assert [(batch.name, batch.count, batch.first_row, batch.attempt) for batch in batches] == [
        ("0003", 3, 0, 2),
        ("0004", 2, 6, 2),
    ]
    requests = [line for batch in batches for line in written(tmp_path, batch.name, "requests")]
    samples = [line for batch in batches for line in written(tmp_path, batch.name, "samples")]
    ids = [f"{KEY}-{row}-2" for row in (0, 2, 4, 6, 8)]
    assert [line["custom_id"] for line in requests] == [line["custom_id"] for line in samples] == ids
    assert (samples[0]["row"], samples[0]["attempt"], samples[0]["rules"]) == (0, 2, ["drop temperature"])
    for batch in batches:
        assert (tmp_path / batch.name / "requests.jsonl").stat().st_size == batch.bytes


def test_a_body_stays_as_it_was_sent_even_where_it_quotes_its_id(tmp_path: Path) -> None:
    write_batch(tmp_path, "0001", range(1))
    again(tmp_path, ["0001"])
    assert written(tmp_path, "0003", "requests")[0]["body"] == written(tmp_path, "0001", "requests")[0]["body"]


def test_attempts_are_counted_per_request(tmp_path: Path) -> None:
    write_batch(tmp_path, "0001", range(1))
    write_batch(tmp_path, "0002", range(2, 3), attempt=9)
    again(tmp_path, ["0001", "0002"])
    assert [line["attempt"] for line in written(tmp_path, "0003", "samples")] == [2, 10]


def test_a_longer_id_or_another_estimate_never_makes_a_request_too_large_to_be_sent_again(tmp_path: Path) -> None:
    write_batch(tmp_path, "0001", range(3), attempt=9, size=400)
    size = max(len(line) for line in (tmp_path / "0001" / "requests.jsonl").read_bytes().splitlines(keepends=True))
    batches = again(tmp_path, ["0001"], Bounds(count=9, bytes=size, line_bytes=size, tokens=10))
    assert [(batch.name, batch.count) for batch in batches] == [("0003", 1), ("0003-2", 1)]


def test_files_that_do_not_belong_together_are_an_error_and_no_guess(tmp_path: Path) -> None:
    write_batch(tmp_path, "0001", range(4))
    path = tmp_path / "0001" / "results.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(ValueError, match="longer"):
        again(tmp_path, ["0001"])


def test_nothing_unanswered_is_no_batch(tmp_path: Path) -> None:
    write_batch(tmp_path, "0001", range(1, 2))
    assert again(tmp_path, ["0001"]) == ()
