"""The headline score of parts of a run: one for every value of every metadata column. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from harness.report.score import Score
from harness.report.statistics import Reducer, Values

MAX_VALUES = 50  # distinct values of a column; a column with more, such as a title, does not part the run
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
MAX_VALUE = 80  # characters of a value that are shown; columns whose values are longer are texts, no parts


@dataclass(slots=True)
class Slice:
    """The samples that share a value."""

    score: Score = field(default_factory=Score)
    requests: int = 0


class Slices:
    """Scores by column and value; merging in any order gives the same."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.columns: dict[str, dict[str, Slice]] = {}
        self.endless: set[str] = set()  # columns that part nothing

    def add_one(self, metadata: Mapping[str, Any], value: float | None) -> None:
        """Take in a sample that is asked once and whose value is its score."""
        for column, name in metadata.items():
            if column not in self.endless and (part := self._part(column, spelled(name))):
                part.score.add_one(value)
                part.requests += 1

    def add(self, metadata: Mapping[str, Any], values: Values, reduce: Reducer) -> None:
        """Take in the epochs of one sample."""
        for column, value in metadata.items():
            if column not in self.endless and (part := self._part(column, spelled(value))):
                part.score.add(values, reduce)
                part.requests += len(values)

    def merge(self, other: Slices) -> None:
        """Take in another part of the run."""
        self.endless |= other.endless
        for column, parts in other.columns.items():
            for value, theirs in parts.items():
                if column not in self.endless and (mine := self._part(column, value)):
                    mine.score.merge(theirs.score)
                    mine.requests += theirs.requests
        for column in self.endless:
            self.columns.pop(column, None)

    def _part(self, column: str, value: str) -> Slice | None:
        parts = self.columns.setdefault(column, {})
        if value not in parts:
            if len(parts) == MAX_VALUES or len(value) > MAX_VALUE:
                self.endless.add(column)
                del self.columns[column]
                return None
            parts[value] = Slice()
        return parts[value]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return score and size of every part, the values of a column in order."""
        return {
            column: {value: parts[value].score.to_dict(parts[value].requests) for value in sorted(parts, key=_order)}
            for column, parts in self.columns.items()
        }


def _order(value: str) -> tuple[float, str]:
    """Put numbers in their order before all else."""
    return (float(value) if NUMBER.fullmatch(value) else math.inf), value


def spelled(value: Any) -> str:
    """Return a value as a name: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
