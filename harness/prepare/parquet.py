"""Read rows of a Parquet file, a few at a time; needs the extra `parquet`."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, DatasetError

# Rows that are Python objects at a time, and bytes that are read ahead of each column: a row group may hold millions.
ROWS = 1024
BYTES = 1 << 20


def parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield every row with its number, from 1, as values that JSON knows.

    Times and dates become ISO 8601, decimals their digits as text, NaN null; bytes are refused.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigError(f"{path}: reading Parquet needs pyarrow; pip install 'harness[parquet]'") from None
    try:
        with arrow.parquet.ParquetFile(path, buffer_size=BYTES, pre_buffer=False) as file:
            names = file.schema_arrow.names
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise DatasetError(f"{path}: repeated column names: {', '.join(map(repr, twice))}")
            number = 0
            for batch in file.iter_batches(batch_size=ROWS, use_threads=False):
                try:
                    rows = _coarse(batch, arrow).to_pylist(maps_as_pydicts="strict")
                except (ValueError, KeyError, OverflowError) as error:  # a map with a key twice, a year beyond 9999
                    where = f"rows {number + 1} to {number + batch.num_rows}"
                    raise DatasetError(f"{path}: {where} hold a value that cannot be read: {error}") from None
                for fields in rows:
                    number += 1
                    yield number, {name: _plain(value, path, number, name) for name, value in fields.items()}
    except (arrow.ArrowException, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not a valid Parquet file: {error}") from None


def _coarse(batch: Any, arrow: Any) -> Any:
    """Cut times to microseconds, the finest that Python knows."""
    names, columns = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        kind = field.type
        if arrow.types.is_timestamp(kind) and kind.unit == "ns":
            column = column.cast(arrow.timestamp("us", kind.tz), safe=False)
        elif arrow.types.is_time64(kind) and kind.unit == "ns":
            column = column.cast(arrow.time64("us"), safe=False)
        names.append(field.name)
        columns.append(column)
    return arrow.RecordBatch.from_arrays(columns, names)


def _plain(value: Any, path: Path, number: int, column: str) -> Any:
    """Return a value as JSON knows it."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return value if value == value and abs(value) != float("inf") else None
    if kind is list:
        return [_plain(item, path, number, column) for item in value]
    if kind is dict:
        return {str(key): _plain(item, path, number, column) for key, item in value.items()}
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise DatasetError(
        f"{path}:{number}: column '{column}' holds {kind.__name__}; texts, numbers and times can be read"
    )
