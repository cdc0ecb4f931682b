"""Which label was taken for which: the confusion matrix of a `choice`, and the F1 of its labels. Pure.

Counted per request, so that each epoch counts. Only what was scored is in it; an answer that was refused, cut off or
invalid is there as an answer without a label.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MAX_LABELS = 100  # distinct labels wanted or given; a scorer that meets more has no matrix
MAX_LABEL = 80  # characters; what is longer is a text


@dataclass(slots=True)
class Confusion:
    """Counts of pairs of labels; merging in any order gives the same."""

    pairs: Counter[tuple[str, str | None]] = field(default_factory=Counter)  # wanted, given
    wanted: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    too_many: bool = False

    def add(self, wanted: str, given: str | None) -> None:
        """Take in one scored request; a given label of None is an answer without one."""
        if not self.too_many:
            self.pairs[wanted, given] += 1
            self.wanted.add(wanted)
            if given is not None:
                self.given.add(given)
            self.too_many = max(len(wanted), len(given or "")) > MAX_LABEL
            self._bound()

    def merge(self, other: Confusion) -> None:
        """Take in the pairs of another part."""
        self.too_many = self.too_many or other.too_many
        self.pairs.update(other.pairs)
        self.wanted |= other.wanted
        self.given |= other.given
        self._bound()

    def _bound(self) -> None:
        """Give up where labels are without end, as of a `choice` over free text: memory must not grow with them."""
        if self.too_many or len(self.wanted) > MAX_LABELS or len(self.given) > MAX_LABELS:
            self.too_many = True
            self.pairs.clear()
            self.wanted.clear()
            self.given.clear()

    def macro_f1(self) -> float | None:
        """Mean of the F1 of every label that some sample wants, from 0 to 1; None without any.

        The F1 of a label is 2 · right / (wanted + given), 0 where it was never given. A given label that no sample
        wants has no F1 of its own; it counts against the label that was wanted. A label is one that its samples want,
        however few they are: rare labels weigh as much as frequent ones.
        """
        labels = self.labels()
        return sum(label["f1"] for label in labels.values()) / len(labels) if labels else None

    def labels(self) -> dict[str, dict[str, Any]]:
        """Return for every wanted label, in order, precision (None where it was never given), recall, f1 and n."""
        wanted, given = Counter[str](), Counter[str | None]()
        for (one, other), count in self.pairs.items():
            wanted[one] += count
            given[other] += count
        return {
            label: {
                "precision": self.pairs[label, label] / given[label] if given[label] else None,
                "recall": self.pairs[label, label] / wanted[label],
                "f1": 2 * self.pairs[label, label] / (wanted[label] + given[label]),
                "n": wanted[label],
            }
            for label in sorted(self.wanted)
        }

    def to_dict(self) -> dict[str, Any] | None:
        """Return labels, and the matrix with a row per wanted and a column per given label; None without a request."""
        if not self.pairs:
            return None
        columns: list[str | None] = [*sorted(self.wanted), *sorted(self.given - self.wanted)]
        if any(given is None for _, given in self.pairs):
            columns.append(None)
        return {
            "labels": self.labels(),
            "given": columns,
            "matrix": {row: [self.pairs[row, column] for column in columns] for row in sorted(self.wanted)},
        }
