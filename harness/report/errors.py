"""The most frequent errors of a run: messages that differ only in numbers and ids count as one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from harness.types import PENDING

SHOWN = 5
MAX_GROUPS = 1000  # distinct errors that are kept apart; messages are the provider's and may be without end
MAX_MESSAGE = 300  # characters
NO_LINE = "the batch ended without a line for this request"
OTHER = ("other", "errors of other kinds")
VARIABLE = re.compile(r"[\w-]*\d[\w-]*", re.ASCII)

Key = tuple[str, str]  # class, normalised message
Example = tuple[int, str, str]  # row, id, message as it came


class ErrorGroups:
    """Errors by class and normalised message; each with its count and the example of the lowest row.

    Merging is exact up to MAX_GROUPS distinct errors; what is new beyond them is counted as other.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.counts: Counter[Key] = Counter()
        self.examples: dict[Key, Example] = {}

    def add(self, fields: Mapping[str, Any]) -> None:
        """Take in a result that is no answer, or an invalid one."""
        if (found := problem(fields)) is not None:
            kind, message = found
            self._add((kind, normalised(message)), 1, (fields["row"], fields["id"], message))

    def merge(self, other: ErrorGroups) -> None:
        """Take in the errors of another part."""
        for key, count in other.counts.items():
            self._add(key, count, other.examples[key])

    def _add(self, key: Key, count: int, example: Example) -> None:
        if key not in self.counts and len(self.counts) >= MAX_GROUPS:
            key, example = OTHER, (example[0], example[1], OTHER[1])
        self.counts[key] += count
        self.examples[key] = min(self.examples.get(key, example), example)

    def most_frequent(self) -> list[dict[str, Any]]:
        """Return the SHOWN most frequent, equally frequent ones in the order of the dataset."""
        ranked = sorted(self.counts, key=lambda key: (-self.counts[key], self.examples[key]))
        return [
            {
                "class": key[0],
                "message": self.examples[key][2],
                "count": self.counts[key],
                "example": self.examples[key][1],
            }
            for key in ranked[:SHOWN]
        ]


def problem(fields: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return class and message of what is wrong with a result, or None."""
    outcome, error = fields["outcome"], fields["error"]
    if error:
        return str(error["class"]), str(error["message"])[:MAX_MESSAGE]
    if outcome in ("answered", PENDING):
        return None
    if fields["schema_errors"]:
        first = fields["schema_errors"][0]
        return str(outcome), f"{first['path']} {first['message']}".strip()[:MAX_MESSAGE]
    return str(outcome), {"missing": "the batch ended without a line for this request"}.get(
        outcome, f"{outcome} answers"
    )


def normalised(message: str) -> str:
    """Put one sign for every word that holds a digit: ids, numbers, times, names of models."""
    return VARIABLE.sub("#", message)
