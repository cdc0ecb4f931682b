"""Read the dataset: JSONL or CSV, gzipped or not, or Parquet, streamed; every mistake names file and line."""

from __future__ import annotations

import csv
import gzip
import hashlib
import random
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import orjson

from harness.errors import DatasetError, TemplateError
from harness.prepare.parquet import parquet_rows
from harness.settings import Dataset
from harness.types import Sample

MAX_LINE = 64_000_000  # bytes; a longer line is a mistake, not a sample
BUCKETS = 256
FORMATS = (".jsonl", ".csv", ".parquet", ".jsonl.gz", ".csv.gz")

Row = tuple[int, dict[str, Any]]  # line of the file on which the row starts (in Parquet: number of the row), fields


def read_rows(path: Path, json_columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield every row with its line."""
    try:
        for line, fields in _rows(path):
            for column in json_columns:
                fields[column] = _parsed(path, line, column, fields)
            yield line, fields
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from None


def _rows(path: Path) -> Iterator[Row]:
    """Read a file by the format that its name tells."""
    if path.suffix == ".parquet":
        yield from parquet_rows(path)
        return
    with _opened(path) as file:
        read = _csv_rows if path.name.removesuffix(".gz").endswith(".csv") else _json_rows
        yield from read(path, file)


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb"))


def _lines(path: Path, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield numbered lines of bounded length, a byte order mark removed."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise DatasetError(f"{path}:{number}: longer than {MAX_LINE:,} bytes; is this the right file?")
        yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _json_rows(path: Path, file: IO[bytes]) -> Iterator[Row]:
    for number, line in _lines(path, file):
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DatasetError(f"{path}:{number}: {_json_mistake(line, error)}") from None
        if not isinstance(fields, dict):
            raise DatasetError(f"{path}:{number}: a JSON object is expected (got {type(fields).__name__})")
        yield number, fields


def _json_mistake(line: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as broken:
        return f"not valid UTF-8 at byte {broken.start + 1}; save the file as UTF-8"
    return f"not valid JSON: {error.msg} (column {error.colno})"


def _csv_rows(path: Path, file: IO[bytes]) -> Iterator[Row]:
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(_text(path, file), strict=True)
    following = 1  # the line on which the next row starts: quoted fields may span lines
    try:
        header = next(reader, None)
        if not header:
            raise DatasetError(f"{path}:1: no header; the first line names the columns")
        twice = sorted({name for name in header if header.count(name) > 1 or not name})
        if twice:
            raise DatasetError(f"{path}:1: empty or repeated column names: {', '.join(map(repr, twice))}")
        following = reader.line_num + 1
        for values in reader:
            line, following = following, reader.line_num + 1
            if not values:
                continue
            if len(values) != len(header):
                raise DatasetError(f"{path}:{line}: {len(values)} fields, but the header names {len(header)} columns")
            yield line, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise DatasetError(
            f"{path}:{following}: not valid CSV: {error}; is a quote left open, or one inside a field not doubled?"
        ) from None


def _text(path: Path, file: IO[bytes]) -> Iterator[str]:
    for number, line in _lines(path, file):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as broken:
            raise DatasetError(
                f"{path}:{number}: not valid UTF-8 at byte {broken.start + 1}; save the file as UTF-8"
            ) from None


def _parsed(path: Path, line: int, column: str, fields: Mapping[str, Any]) -> Any:
    """Parse a column that dataset.json lists; in JSONL it may be parsed already."""
    value = _field(path, line, column, fields, "task.dataset.json")
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"{path}:{line}: column '{column}' is not valid JSON: {error.msg}") from None


def _field(path: Path, line: int, name: str, fields: Mapping[str, Any], setting: str) -> Any:
    if name not in fields:
        raise DatasetError(f"{path}:{line}: no column '{name}' ({setting}); have: {', '.join(map(str, fields))}")
    return fields[name]


def select(path: Path, dataset: Dataset) -> Iterator[tuple[int, Row]]:
    """Yield the rows to evaluate with their 0-based numbers in the file: skip `offset`, keep `limit`, draw `sample`."""
    stop = None if dataset.limit is None else dataset.offset + dataset.limit

    def window() -> Iterator[tuple[int, Row]]:
        return islice(enumerate(read_rows(path, dataset.json_columns)), dataset.offset, stop)

    if dataset.sample is None:
        yield from window()
        return
    left, wanted = sum(1 for _ in window()), dataset.sample
    if wanted > left:
        raise DatasetError(f"{path}: task.dataset.sample={wanted}, but only {left} rows are there")
    draw = random.Random(dataset.seed)
    # Selection sampling (Knuth, TAOCP 2, 3.4.2 S): each subset is as likely as any other, and nothing is held.
    for row in window():
        if draw.random() * left < wanted:
            wanted -= 1
            yield row
        left -= 1


def read_samples(
    path: Path,
    dataset: Dataset,
    target: Callable[[Mapping[str, Any]], Any],
    suits: Callable[[Any], str | None] = lambda target: None,
) -> Iterator[Sample]:
    """Yield the samples; after the last one, duplicate ids raise a DatasetError that names both lines.

    `suits` says why a target cannot be compared with, or None. A row costs 8 bytes of memory here: the 64-bit hash of
    its id.
    """
    seen = [array("q") for _ in range(BUCKETS)]
    count = 0
    for number, (line, fields) in select(path, dataset):
        identity = str(number)
        if dataset.id is not None:
            identity = _identity(path, line, fields, dataset.id)
            seen[_bucket(identity)].append(hash(identity))
        try:
            answer = target(fields)
        except KeyError as error:
            raise DatasetError(
                f"{path}:{line}: no column {error} (task.target); have: {', '.join(map(str, fields))}"
            ) from None
        except TemplateError as error:
            raise TemplateError(f"{error} (sample {identity!r}; fields: {', '.join(fields)})") from None
        if wrong := suits(answer):
            raise DatasetError(f"{path}:{line}: {wrong}")
        metadata = {name: _field(path, line, name, fields, "task.dataset.metadata") for name in dataset.metadata}
        yield Sample(identity, count, fields, answer, metadata)
        count += 1
    if count == 0:
        chosen = dataset.offset or dataset.limit is not None
        hint = "; check task.dataset.offset and limit" if chosen else ": the file has none"
        raise DatasetError(f"{path}: no rows to evaluate{hint}")
    for number, bucket in enumerate(seen):
        if len(set(bucket)) < len(bucket):
            _refuse_duplicates(path, dataset, number)


def _identity(path: Path, line: int, fields: Mapping[str, Any], column: str) -> str:
    """Return a row's id as text."""
    value = _field(path, line, column, fields, "task.dataset.id")
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise DatasetError(f"{path}:{line}: the id must be a text or a whole number (got {value!r})")
    return str(value)


def _bucket(identity: str) -> int:
    """Spread the ids so that looking for duplicates needs the memory of a part of them, in the same way every time."""
    return zlib.crc32(identity.encode()) % BUCKETS


def _refuse_duplicates(path: Path, dataset: Dataset, bucket: int) -> None:
    """Read again and name the lines of a bucket's first duplicate; equal hashes of different ids are none."""
    assert dataset.id is not None
    lines: dict[str, int] = {}
    for _, (line, fields) in select(path, dataset):
        identity = str(fields[dataset.id])
        if _bucket(identity) != bucket:
            continue
        if identity in lines:
            raise DatasetError(f"{path}:{line}: id {identity!r} already stands on line {lines[identity]}")
        lines[identity] = line


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the file as it lies on disk, in hex."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from None
