"""Parquet in: the values that JSON knows, a few rows at a time, and every mistake with its row."""

from __future__ import annotations

import datetime
import decimal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet
import pytest

from harness.errors import ConfigError, DatasetError
from harness.prepare.samples import read_rows, read_samples
from harness.settings import Dataset

EVERYTHING = 200  # MB that reading 100,000 rows may take, interpreter and pyarrow included


def written(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    arrow.parquet.write_table(arrow.table(columns), path, **options)
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [fields for _, fields in read_rows(path, ())]


def test_values_arrive_as_json_knows_them(tmp_path: Path) -> None:
    columns = {
        "text": ["é", None],
        "number": [1.5, float("nan")],
        "count": arrow.array([7, 2**40], arrow.int64()),
        "ok": [True, None],
        "list": [["a", "b"], []],
        "object": [{"a": {"b": 1}}, {"a": None}],
        "map": arrow.array([[("k", 1)], None], arrow.map_(arrow.string(), arrow.int64())),
        "day": [datetime.date(2026, 11, 24), None],
        "time": [datetime.datetime(2026, 11, 24, 12, 30, tzinfo=datetime.UTC), None],
        "price": [decimal.Decimal("12.50"), None],
        "kind": arrow.array(["x", "y"]).dictionary_encode(),
    }
    first, second = rows(written(tmp_path / "d.parquet", columns))
    assert first == {
        "text": "é",
        "number": 1.5,
        "count": 7,
        "ok": True,
        "list": ["a", "b"],
        "object": {"a": {"b": 1}},
        "map": {"k": 1},
        "day": "2026-11-24",
        "time": "2026-11-24T12:30:00+00:00",
        "price": "12.50",
        "kind": "x",
    }
    assert (second["number"], second["count"], second["list"], second["text"]) == (None, 2**40, [], None)


def test_rows_are_samples_like_those_of_any_format(tmp_path: Path) -> None:
    path = written(
        tmp_path / "d.parquet", {"id": ["a", "b", "c"], "label": ["x", "y", "z"], "more": ["[1]", "[2]", "[3]"]}
    )
    values = {"path": "x", "sha256": None, "id": "id", "json": ["more"], "metadata": ["label"], "limit": 1, "offset": 1}
    dataset = Dataset.model_validate(values | {"sample": None, "seed": 0})
    [sample] = read_samples(path, dataset, lambda fields: fields["label"])
    assert (sample.id, sample.target, sample.metadata, sample.fields["more"]) == ("b", "y", {"label": "y"}, [2])


def test_row_groups_come_in_order(tmp_path: Path) -> None:
    path = written(tmp_path / "d.parquet", {"n": list(range(5000))}, row_group_size=700)
    found = list(read_rows(path, ()))
    assert found == [(n + 1, {"n": n}) for n in range(5000)]


def test_times_finer_than_python_knows_are_cut_to_microseconds(tmp_path: Path) -> None:
    nanoseconds = 1_700_000_000_123_456_789
    columns = {
        "stamp": arrow.array([nanoseconds, None], arrow.timestamp("ns", "UTC")),
        "clock": arrow.array([1_000_000_001, 0], arrow.time64("ns")),
    }
    first, _ = rows(written(tmp_path / "d.parquet", columns))
    assert first == {"stamp": "2023-11-14T22:13:20.123456+00:00", "clock": "00:00:01"}


def test_a_value_that_cannot_be_read_names_its_rows(tmp_path: Path) -> None:
    twice = arrow.array([[("k", 1), ("k", 2)]], arrow.map_(arrow.string(), arrow.int64()))
    with pytest.raises(DatasetError, match="rows 1 to 1 hold a value that cannot be read"):
        rows(written(tmp_path / "d.parquet", {"m": twice}))
    with pytest.raises(DatasetError, match="rows 1 to 1 hold a value that cannot be read"):
        rows(written(tmp_path / "e.parquet", {"d": arrow.array([2**60], arrow.timestamp("ms"))}))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"id": ["a"], "raw": [b"\x00"]},
            "d.parquet:1: column 'raw' holds bytes; texts, numbers and times can be read",
        ),
        ({"id": ["a"], "deep": [[{"x": b"\x00"}]]}, "d.parquet:1: column 'deep' holds bytes"),
    ],
)
def test_values_that_json_does_not_know_are_refused(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        rows(written(tmp_path / "d.parquet", columns))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    path.write_text("id,text\n")
    with pytest.raises(DatasetError, match="not a valid Parquet file"):
        rows(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        rows(tmp_path / "none.parquet")


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "d.parquet", {"n": list(range(5000))})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetError, match="not a valid Parquet file"):
        rows(path)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"needs pyarrow; pip install 'harness\[parquet\]'"):
        rows(tmp_path / "d.parquet")


def test_a_hundred_thousand_rows_in_one_row_group_take_little_memory(tmp_path: Path) -> None:
    words = [f"word{n % 977} and {n * 7919 % 100_003} more of what fills a prompt" for n in range(100_000)]
    texts = [" ".join((one, words[-n], words[n // 2], words[n // 3])) for n, one in enumerate(words)]
    path = written(tmp_path / "d.parquet", {"id": [str(n) for n in range(100_000)], "text": texts})
    code = (
        "import re, sys; from pathlib import Path; from harness.prepare.samples import read_rows\n"
        "print(sum(1 for _ in read_rows(Path(sys.argv[1]), ())))\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    count, peak = map(int, ended.stdout.split())
    assert count == 100_000
    assert peak / 1024 <= EVERYTHING
