"""Results as one long table, a line per request, for spreadsheets and data frames: CSV or Parquet."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from harness.errors import ConfigError

FORMATS = ("csv", "parquet")
ROWS = 5000  # of one row group: so many are in memory

Fields = Mapping[str, Any]  # a result as results.jsonl spells it


@dataclass(frozen=True)
class Source:
    """One run whose results go into the table."""

    name: str  # the value of the column `run`
    task: str
    results: Path  # its results.jsonl
    scorers: Sequence[str]
    metadata: Sequence[str]


@dataclass(frozen=True)
class Column:
    """One column: its name, its kind of value, and where a result has it."""

    name: str
    kind: str  # text, integer, number or boolean
    value: Callable[[Source, Fields], Any]


def _of(name: str) -> Callable[[Source, Fields], Any]:
    return lambda source, fields: fields[name]


def _in(group: str, name: str) -> Callable[[Source, Fields], Any]:
    return lambda source, fields: (fields[group] or {}).get(name)


def _json(name: str) -> Callable[[Source, Fields], Any]:
    return lambda source, fields: None if fields[name] is None else _text(fields[name])


def _text(value: Any) -> str | None:
    """Return texts as they are, all else as JSON, null as nothing."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _metadata(name: str) -> Callable[[Source, Fields], Any]:
    return lambda source, fields: _text(fields["metadata"].get(name))


def columns(sources: Iterable[Source]) -> list[Column]:
    """Return the columns: the same for every run, with a `score.…` and a `metadata.…` for each that some run has."""
    known = list(sources)
    scorers = dict.fromkeys(name for source in known for name in source.scorers)
    metadata = dict.fromkeys(name for source in known for name in source.metadata)
    return [
        Column("run", "text", lambda source, fields: source.name),
        Column("task", "text", lambda source, fields: source.task),
        Column("model", "text", _of("model")),
        Column("model_served", "text", _of("model_served")),
        Column("id", "text", _of("id")),
        Column("epoch", "integer", _of("epoch")),
        Column("row", "integer", _of("row")),
        Column("outcome", "text", _of("outcome")),
        *(Column(f"score.{name}", "number", _in("scores", name)) for name in scorers),
        Column("target", "text", _json("target")),
        Column("parsed", "text", _json("parsed")),
        Column("text", "text", _of("text")),
        *(Column(f"metadata.{name}", "text", _metadata(name)) for name in metadata),
        Column("finish_reason", "text", _of("finish_reason")),
        Column("error_class", "text", _in("error", "class")),
        Column("error_message", "text", _in("error", "message")),
        Column("attempts", "integer", _of("attempts")),
        Column("input_tokens", "integer", _in("usage", "input_tokens")),
        Column("cached_tokens", "integer", _in("usage", "cached_tokens")),
        Column("output_tokens", "integer", _in("usage", "output_tokens")),
        Column("reasoning_tokens", "integer", _in("usage", "reasoning_tokens")),
        Column("cost", "number", _of("cost")),
        Column("custom_id", "text", _of("custom_id")),
        Column("simulated", "boolean", _of("simulated")),
    ]


def export(sources: Sequence[Source], form: str, path: Path) -> int:
    """Write the table, whole or not at all, and return its lines."""
    head = columns(sources)
    write = _write_parquet if form == "parquet" else _write_csv
    part = path.with_name(f".{path.name}.part")
    try:
        count = write(head, _rows(sources, head), part)
        os.replace(part, path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)
    return count


def _rows(sources: Iterable[Source], head: Sequence[Column]) -> Iterator[list[Any]]:
    for source in sources:
        with source.results.open("rb") as lines:
            for fields in map(orjson.loads, lines):
                yield [column.value(source, fields) for column in head]


def _write_csv(head: Sequence[Column], rows: Iterable[list[Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in head])
        for row in rows:
            writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in row])
            count += 1
    return count


def _write_parquet(head: Sequence[Column], rows: Iterator[list[Any]], path: Path) -> int:
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigError("--format parquet needs pyarrow; pip install 'harness[parquet]'") from None
    types = {"text": arrow.string(), "integer": arrow.int64(), "number": arrow.float64(), "boolean": arrow.bool_()}
    schema = arrow.schema([(column.name, types[column.kind]) for column in head])
    count = 0
    try:
        with arrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            while group := list(islice(rows, ROWS)):
                cells = zip(zip(*group, strict=True), schema, strict=True)
                values = [arrow.array(values, field.type) for values, field in cells]
                writer.write_table(arrow.Table.from_arrays(values, schema=schema))
                count += len(group)
    except (arrow.ArrowInvalid, OverflowError) as error:  # such as a count of tokens beyond 64 bits
        raise OSError(None, str(error)) from None
    return count
