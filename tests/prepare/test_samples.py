"""The dataset as people really hand it in: encodings, line ends, quotes, mistakes; each mistake names file and line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DatasetError, TemplateError
from harness.prepare.prompts import Sandbox, compile_target
from harness.prepare.samples import MAX_LINE, file_digest, read_samples, select
from harness.settings import Dataset
from harness.types import Sample

ROWS = [{"id": "007", "text": 'She said "no",\nthen left', "label": "a"}, {"id": "é", "text": "x", "label": "b"}]
Target = Callable[[Mapping[str, Any]], Any]


def dataset(**changes: Any) -> Dataset:
    values: dict[str, Any] = {"path": "x", "sha256": None, "id": "id", "json": [], "metadata": [], "limit": None}
    return Dataset.model_validate(values | {"offset": 0, "sample": None, "seed": 0} | changes)


def by_column(name: str) -> Target:
    return lambda fields: fields[name]


def read(path: Path, target: Target = lambda fields: None, **changes: Any) -> list[Sample]:
    return list(read_samples(path, dataset(**changes), target))


def as_jsonl(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def as_it_is(data: bytes) -> bytes:
    return data


def with_bom(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def with_crlf(data: bytes) -> bytes:
    return b"\r\n".join(data.split(b"\n"))


def without_last_line_end(data: bytes) -> bytes:
    return data.rstrip(b"\n")


def with_blank_lines(data: bytes) -> bytes:
    return data + b"\n\n"


@pytest.mark.parametrize("write", [as_jsonl, as_csv])
@pytest.mark.parametrize("change", [as_it_is, with_bom, without_last_line_end, with_blank_lines])
@pytest.mark.parametrize("packed", [False, True])
def test_the_same_rows_come_out_of_every_format(write: Any, change: Any, packed: bool, tmp_path: Path) -> None:
    data = change(write(ROWS))
    path = tmp_path / (f"d.{write.__name__[3:]}" + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(data) if packed else data)
    found = read(path, by_column("label"))
    assert [dict(sample.fields) for sample in found] == ROWS
    assert [(sample.id, sample.number, sample.target) for sample in found] == [("007", 0, "a"), ("é", 1, "b")]


@pytest.mark.parametrize("write", [as_jsonl, as_csv])
def test_line_ends_of_windows_are_no_part_of_the_data(write: Any, tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "one", "label": "a"}, {"id": "2", "text": "two", "label": "b"}]
    path = tmp_path / f"d.{write.__name__[3:]}"
    path.write_bytes(with_crlf(write(rows)))
    assert [dict(sample.fields) for sample in read(path)] == rows


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("d.jsonl", b'{"id":"1"}\n{"id":"\xff"}\n', ":2: not valid UTF-8 at byte 8"),
        ("d.csv", b"id,text\n1,a\n2,\xe9\n", ":3: not valid UTF-8 at byte 3"),
        ("d.csv", "id,text\n1,a\n".encode("utf-16"), ":1: not valid UTF-8"),
        ("d.jsonl", b'{"id":"1"}\n\n{"id":1,}\n', ":3: not valid JSON:"),
        ("d.jsonl", b'{"id":"1","x":NaN}\n', ":1: not valid JSON:"),
        ("d.jsonl", b'["id"]\n', ":1: a JSON object is expected (got list)"),
        ("d.csv", b"id,text\n1,a\n2,b,c\n", ":3: 3 fields, but the header names 2 columns"),
        ("d.csv", b'id,text\n1,"a\nb\nc"\n2\n', ":5: 1 fields, but the header names 2 columns"),
        ("d.csv", b"id,text,id\n1,a,2\n", ":1: empty or repeated column names: 'id'"),
        ("d.csv", b"id,,text\n1,a,2\n", ":1: empty or repeated column names: ''"),
        ("d.csv", b"", ":1: no header"),
        ("d.csv", b'id,text\n1,a\n2,"b\n3,c\n4,d\n', ":3: not valid CSV: unexpected end of data; is a quote left open"),
        ("d.csv", b'id,text\n1,"a"b"\n', ":2: not valid CSV:"),
        ("d.jsonl", b'{"id":"1"}\n{"ID":"2"}\n', ":2: no column 'id' (task.dataset.id); have: ID"),
        ("d.jsonl", b'{"id":"1"}\n{"id":""}\n', ":2: the id must be a text or a whole number (got '')"),
        ("d.jsonl", b'{"id":null}\n', ":1: the id must be a text or a whole number (got None)"),
        ("d.jsonl", b'{"id":1.5}\n', ":1: the id must be a text or a whole number (got 1.5)"),
        ("d.jsonl", b'{"id":true}\n', ":1: the id must be a text or a whole number (got True)"),
        ("d.jsonl", b'{"id":"a"}\n{"id":"b"}\n\n{"id":"a"}\n', ":4: id 'a' already stands on line 1"),
        ("d.jsonl", b'{"id":1}\n{"id":"1"}\n', ":2: id '1' already stands on line 1"),
        ("d.csv", b'id,text\na,"x\ny"\na,z\n', ":4: id 'a' already stands on line 2"),
        ("d.jsonl", b"\n\n", ": no rows to evaluate"),
        ("d.csv", b"id,text\n", ": no rows to evaluate"),
    ],
)
def test_a_mistake_names_file_and_line(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DatasetError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{said}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "target", "said"),
    [
        ({"metadata": ["kind"]}, "label", "no column 'kind' (task.dataset.metadata); have: id, text, label"),
        ({"json": ["order"]}, "label", "no column 'order' (task.dataset.json); have: id, text, label"),
        ({"json": ["text"]}, "label", "column 'text' is not valid JSON"),
        ({}, "lable", "no column 'lable' (task.target); have: id, text, label"),
    ],
)
def test_a_missing_column_names_the_setting_that_asks_for_it(
    changes: dict[str, Any], target: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(as_jsonl(ROWS))
    with pytest.raises(DatasetError) as caught:
        read(path, by_column(target), **changes)
    assert str(caught.value).startswith(f"{path}:1: {said}")


def test_a_target_template_that_names_a_missing_field_names_field_and_sample(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(as_jsonl(ROWS))
    target = compile_target(Sandbox(lambda name: None), "{{ lable }}")
    with pytest.raises(TemplateError) as caught:
        read(path, target)
    assert str(caught.value) == "task.target:1: 'lable' is undefined (sample '007'; fields: id, text, label)"


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    with path.open("wb") as file:
        file.truncate(MAX_LINE + 10)
    with pytest.raises(DatasetError, match=r"d\.jsonl:1: longer than 64,000,000 bytes"):
        read(path)


@pytest.mark.parametrize("damage", [slice(None, -12), slice(4, None)])
def test_a_damaged_gzip_file_is_refused(damage: slice, tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(gzip.compress(as_jsonl(ROWS * 100), mtime=0)[damage])
    with pytest.raises(DatasetError, match=r"d\.jsonl\.gz: cannot be read"):
        read(path, id=None)


def test_a_gzip_file_with_wrong_bits_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(as_jsonl(ROWS * 100), mtime=0))
    data[10:40] = b"\xff" * 30
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="cannot be read"):
        read(path, id=None)


def test_a_file_that_is_not_there_is_refused_in_both_passes(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read(tmp_path / "d.jsonl")
    with pytest.raises(DatasetError, match="cannot be read"):
        file_digest(tmp_path / "d.jsonl")


def test_text_of_a_csv_stays_text_except_in_json_columns(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes(b'id,zip,tags,n\n1,007,"[""a"", {""b"": null}]",1e3\n')
    (sample,) = read(path, json=["tags"], metadata=["zip", "tags"])
    assert sample.fields == {"id": "1", "zip": "007", "tags": ["a", {"b": None}], "n": "1e3"}
    assert sample.metadata == {"zip": "007", "tags": ["a", {"b": None}]}


def test_a_json_column_of_a_jsonl_may_be_parsed_already(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"id":"1","tags":["a"]}\n{"id":"2","tags":"[1]"}\n')
    assert [sample.fields["tags"] for sample in read(path, json=["tags"])] == [["a"], [1]]


@pytest.fixture
def hundred(tmp_path: Path) -> Path:
    path = tmp_path / "d.jsonl"
    path.write_bytes(as_jsonl([{"id": f"r{n}", "text": "x", "label": "y"} for n in range(100)]))
    return path


def ids(path: Path, **changes: Any) -> list[str]:
    return [sample.id for sample in read(path, **changes)]


def test_offset_and_limit_cut_a_window(hundred: Path) -> None:
    assert ids(hundred, offset=10, limit=3) == ["r10", "r11", "r12"]
    assert ids(hundred, offset=98, limit=50) == ["r98", "r99"]
    with pytest.raises(DatasetError, match=r"no rows to evaluate; check task\.dataset\.offset and limit"):
        ids(hundred, offset=100)


def test_what_lies_behind_the_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(as_jsonl(ROWS) + b"broken\n")
    assert ids(path, limit=2) == ["007", "é"]


def test_a_sample_is_drawn_by_seed_from_the_window_in_the_files_order(hundred: Path) -> None:
    drawn = ids(hundred, sample=20, seed=1, offset=10, limit=80)
    assert drawn == ids(hundred, sample=20, seed=1, offset=10, limit=80)
    assert drawn != ids(hundred, sample=20, seed=2, offset=10, limit=80)
    numbers = [int(identity[1:]) for identity in drawn]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 20
    assert set(numbers) <= set(range(10, 90))


def test_every_row_is_drawn_about_equally_often(hundred: Path) -> None:
    counts = dict.fromkeys(range(100), 0)
    for seed in range(400):
        for number, _ in select(hundred, dataset(sample=25, seed=seed)):
            counts[number] += 1
    assert all(60 <= count <= 145 for count in counts.values())  # 100 expected, standard deviation 8.7


def test_a_sample_of_all_rows_is_all_rows_and_a_larger_one_is_refused(hundred: Path) -> None:
    assert ids(hundred, sample=100) == ids(hundred)
    with pytest.raises(DatasetError, match=r"task\.dataset\.sample=101, but only 100 rows are there"):
        ids(hundred, sample=101)


def test_without_an_id_column_a_row_is_called_by_its_number_in_the_file_however_it_was_chosen(hundred: Path) -> None:
    assert ids(hundred, id=None, offset=5, limit=2) == ["5", "6"]
    for identity, sample in zip(ids(hundred, id=None, sample=9), read(hundred, sample=9), strict=True):
        assert sample.id == f"r{identity}"


def test_duplicates_are_looked_for_among_the_chosen_rows_only(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"id":"a"}\n{"id":"b"}\n{"id":"a"}\n')
    assert ids(path, limit=2) == ["a", "b"]
    assert ids(path, offset=1) == ["b", "a"]
    assert ids(path, id=None) == ["0", "1", "2"]


def peak(path: Path, **changes: Any) -> int:
    """Return the most bytes that reading held, the check for duplicates at the end included."""
    tracemalloc.start()
    try:
        for _ in read_samples(path, dataset(**changes), lambda fields: None):
            pass
    except DatasetError as error:
        assert "already stands" in str(error)  # noqa: PT017
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most


def write_ids(path: Path, count: int) -> Path:
    path.write_text("".join(f'{{"id":"sample-number-{n:09d}"}}\n' for n in range(count)))
    return path


def test_a_row_costs_at_most_16_bytes_of_memory(tmp_path: Path) -> None:
    small, large = (peak(write_ids(tmp_path / f"{count}.jsonl", count)) for count in (5_000, 30_000))
    assert (large - small) / 25_000 <= 16


def test_a_file_that_stands_twice_in_itself_is_refused_in_the_same_memory(tmp_path: Path) -> None:
    path = write_ids(tmp_path / "d.jsonl", 15_000)
    path.write_bytes(path.read_bytes() * 2)
    assert peak(path) / 30_000 <= 40


def test_drawing_a_sample_holds_no_row(tmp_path: Path) -> None:
    small, large = (
        peak(write_ids(tmp_path / f"{count}.jsonl", count), id=None, sample=count // 2) for count in (2_000, 12_000)
    )
    assert large - small < 20_000
