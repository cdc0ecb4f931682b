"""What the importer of Vertex AI demands of an input file, all of whose lines become rows of one table.

Read: cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-from-cloud-storage; failures of real
jobs as published in OpenRouterTeam/docs, docs/batch-research/google-vertex.md (2026-09-02).

There is no setting that makes it lenient or leaves texts of digits alone: a client that passes here passes there, and
one that would lose its ids there learns it here.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

Body = dict[str, Any]
_MAX_ROWS = 200_000
_MAX_BYTES = 1 << 30
LONGEST = 100_000_000  # bytes of a row, as of BigQuery, into which rows are loaded
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_NUMERIC = re.compile(r"-?\d{1,18}(\.\d{1,15})?", re.ASCII)  # fits an int64; longer texts stay texts
_DEEPEST = 15  # levels of objects
_REQUIRED = {"request", "request.contents", "request.contents[].parts"}
_BAD_NAME = (
    'Invalid field name "{}". Fields must contain only letters, numbers, and underscores, start with a letter or '
    "underscore, and be at most 300 characters long."
)
_TYPES = {bool: "BOOLEAN", int: "NUMBER", float: "NUMBER", str: "STRING", list: "ARRAY", dict: "RECORD"}


class RefusedError(Exception):
    """The file cannot be imported; says why."""


class Importer:
    """Looks at all lines of a job, then makes rows of them; memory grows with the keys there are, not the lines."""

    def __init__(self, max_rows: int = _MAX_ROWS, max_bytes: int = _MAX_BYTES) -> None:
        self.rows = 0
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._bytes = 0
        self._types: dict[str, str] = {}  # path of a key → what stands there in every line
        self._wordy: set[str] = set()  # keys beside `request` with a text that is no number

    def fit(self, size: int) -> None:
        """Refuse an input of more bytes than there may be; asked before any of it is read."""
        if size > self._max_bytes:
            raise RefusedError(f"The input has more than {self._max_bytes} bytes.")

    def look(self, line: bytes) -> None:
        """Check one line; RefusedError if it does not fit, by itself or with those before it."""
        self.rows, self._bytes = self.rows + 1, self._bytes + len(line)
        if self.rows > self._max_rows:
            raise RefusedError(f"The input has more than {self._max_rows} rows.")
        if len(line) > LONGEST:
            raise RefusedError(f"Row {self.rows} has more than {LONGEST} bytes.")
        self.fit(self._bytes)
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise RefusedError(
                f"JSON parsing error in row {self.rows}: Parser terminated before end of string."
            ) from None
        if not isinstance(row, dict) or not isinstance(row.get("request"), dict):
            raise RefusedError(f"Row {self.rows}: Only optional fields can be set to NULL. Field: request; Value: NULL")
        self._walk(row, "", 0)
        for key, value in row.items():
            if isinstance(value, str) and not _NUMERIC.fullmatch(value):
                self._wordy.add(key)

    def _walk(self, value: Any, path: str, depth: int) -> None:
        if value is None:
            if path in _REQUIRED or path.endswith("[]"):
                raise RefusedError(f"Only optional fields can be set to NULL. Field: {path}; Value: NULL")
            return
        kind = _TYPES[type(value)]
        known = self._types.setdefault(path, kind)
        if known != kind:
            raise RefusedError(_conflict(path, known, kind))
        if kind == "RECORD":
            if depth > _DEEPEST:
                raise RefusedError(f"The schema has more than {_DEEPEST} levels. Field: {path}")
            if not value:
                raise RefusedError(f"Cannot store struct {path} with no fields.")
            for key, item in value.items():
                if not _COLUMN.fullmatch(key):
                    raise RefusedError(_BAD_NAME.format(key))
                self._walk(item, f"{path}.{key}" if path else key, depth + 1)
        elif kind == "ARRAY":
            if path.endswith("[]"):
                raise RefusedError(f"An array must not hold arrays. Field: {path}")
            for item in value:
                self._walk(item, path + "[]", depth)

    def row(self, line: bytes) -> bytes:
        """Make a row of a line, once all were looked at: as the request and its siblings come back."""
        given: Body = orjson.loads(line)
        made = {key: self._column(key, value) for key, value in given.items() if key != "request"}
        return orjson.dumps({**made, "request": kept(given["request"])})

    def _column(self, key: str, value: Any) -> Any:
        """Turn the texts of a column that all look like numbers into numbers: a known quirk of the importer."""
        if not isinstance(value, str) or key in self._wordy:
            return kept(value)
        return float(value) if "." in value else int(value)


def _conflict(path: str, known: str, kind: str) -> str:
    if "ARRAY" in (known, kind):
        return f"Repeated field must be imported as a JSON array. Field: {path}; Value: {kind}"
    return f"Could not convert value to {known}. Field: {path}; Value: {kind}"


def kept(value: Any) -> Any:
    """Write a value anew, as it comes back: keys in order, no nulls, whole numbers without a fraction."""
    if isinstance(value, dict):
        return {key: kept(value[key]) for key in sorted(value) if value[key] is not None}
    if isinstance(value, list):
        return [kept(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
