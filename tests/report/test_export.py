"""Results as one long table: a line per request, every value in its column, in CSV and in Parquet."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet
import pytest

from harness.errors import ConfigError
from harness.report.export import ROWS, Source, export

FULL = {
    "id": "s1",
    "epoch": 0,
    "row": 0,
    "custom_id": "k-0-1",
    "outcome": "answered",
    "parsed": {"label": "é", "n": [1]},
    "text": 'say "é",\nnow',
    "target": "é",
    "metadata": {"kind": "x", "level": 3},
    "scores": {"accuracy": 0.5, "other": None},
    "error": None,
    "usage": {
        "input_tokens": 9,
        "cached_tokens": 1,
        "output_tokens": 2,
        "reasoning_tokens": 0,
        "cache_write_tokens": 0,
    },
    "cost": 0.25,
    "attempts": 1,
    "model": "m",
    "model_served": "m-1",
    "finish_reason": "stop",
    "simulated": False,
}
FAILED = FULL | {
    "row": 1,
    "outcome": "failed",
    "parsed": None,
    "text": None,
    "scores": {"accuracy": None, "other": None},
    "usage": None,
    "cost": None,
    "error": {"class": "retryable", "status": 500, "code": None, "message": "no"},
}


def source(
    folder: Path, name: str, *results: dict[str, Any], scorers: tuple[str, ...] = ("accuracy", "other")
) -> Source:
    path = folder / f"{name}.jsonl"
    path.write_bytes(b"".join(orjson.dumps(result) + b"\n" for result in results))
    return Source(name, "t", path, scorers, ("kind", "level"))


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        found: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return found
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_parquet_has_the_documented_columns_with_their_types(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    assert export([source(tmp_path, "one", FULL, FAILED)], "parquet", path) == 2
    first, second = read(path)
    assert first == {
        "run": "one",
        "task": "t",
        "model": "m",
        "model_served": "m-1",
        "id": "s1",
        "epoch": 0,
        "row": 0,
        "outcome": "answered",
        "score.accuracy": 0.5,
        "score.other": None,
        "target": "é",
        "parsed": '{"label":"é","n":[1]}',
        "text": 'say "é",\nnow',
        "metadata.kind": "x",
        "metadata.level": "3",
        "finish_reason": "stop",
        "error_class": None,
        "error_message": None,
        "attempts": 1,
        "input_tokens": 9,
        "cached_tokens": 1,
        "output_tokens": 2,
        "reasoning_tokens": 0,
        "cost": 0.25,
        "custom_id": "k-0-1",
        "simulated": False,
    }
    assert (second["error_class"], second["error_message"], second["text"], second["cost"]) == (
        *("retryable", "no"),
        *(None, None),
    )


def test_csv_holds_the_same_as_text(tmp_path: Path) -> None:
    one, other = tmp_path / "r.csv", tmp_path / "r.parquet"
    runs = [source(tmp_path, "one", FULL, FAILED)]
    export(runs, "csv", one)
    export(runs, "parquet", other)

    def spelled(value: Any) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    assert read(one) == [{name: spelled(value) for name, value in line.items()} for line in read(other)]


def test_runs_stand_side_by_side_with_the_columns_of_all(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    bare = FULL | {"scores": {"mine": 1.0}, "metadata": {}}
    export([source(tmp_path, "one", FULL), source(tmp_path, "two", bare, scorers=("mine",))], "parquet", path)
    first, second = read(path)
    assert [(line["run"], line["score.accuracy"], line["score.mine"]) for line in (first, second)] == [
        ("one", 0.5, None),
        ("two", None, 1.0),
    ]


def test_many_lines_are_written_in_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    count = 2 * ROWS + 1
    assert export([source(tmp_path, "one", *(FULL | {"row": row} for row in range(count)))], "parquet", path) == count
    file = pyarrow.parquet.ParquetFile(path)
    assert file.num_row_groups == 3
    assert file.read(["row"]).column("row").to_pylist() == list(range(count))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_cannot_be_written_is_a_sentence_and_leaves_nothing(tmp_path: Path, form: str) -> None:
    with pytest.raises(ConfigError, match="No such file or directory"):
        export([source(tmp_path, "one", FULL)], form, tmp_path / "nowhere" / "r")
    whole = tmp_path / "r"
    export([source(tmp_path, "one", FULL)], form, whole)
    before = whole.read_bytes()
    with pytest.raises(ConfigError, match="cannot be written"):
        export([source(tmp_path, "one", FULL)], form, tmp_path)
    assert whole.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.jsonl", "r"]


def test_a_number_that_no_column_holds_is_a_sentence(tmp_path: Path) -> None:
    huge = FULL | {"usage": {**FULL["usage"], "input_tokens": 2**63}}  # type: ignore[dict-item]
    with pytest.raises(ConfigError, match="cannot be written"):
        export([source(tmp_path, "one", huge)], "parquet", tmp_path / "r.parquet")
    assert export([source(tmp_path, "one", huge)], "csv", tmp_path / "r.csv") == 1


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'harness\[parquet\]'"):
        export([source(tmp_path, "one", FULL)], "parquet", tmp_path / "r.parquet")
