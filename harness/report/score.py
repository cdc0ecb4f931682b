"""One score of a run: what was scored, and what it would be if all that is unscored were wrong, or right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.report.statistics import SCALE, Reducer, Sums, Values


@dataclass(slots=True)
class Score:
    """Sums over samples."""

    given: Sums = field(default_factory=Sums)  # samples that have a value
    later: Sums = field(default_factory=Sums)  # answers that came after the headline, a request each
    scored: int = 0  # requests that have a value
    unvalued: int = 0  # samples without a value that have one when what is unscored is taken as 0 or 1
    lost: int = 0  # what the sum of `given` gains or loses when the unscored are 0, in units of 1/SCALE
    gained: int = 0  # the same when they are 1
    repeated: int = 0  # samples of which more than one epoch has a value
    agreeing: int = 0  # those whose epochs all have the same

    def add(self, values: Values, reduce: Reducer) -> None:
        """Take in the epochs of one sample."""
        value = reduce(values)
        if value is not None:
            self.given.add(value)
        unscored = values.count(None)
        self.scored += len(values) - unscored
        if len(values) - unscored > 1:
            self.repeated += 1
            self.agreeing += len({v for v in values if v is not None}) == 1
        if not unscored:
            return
        worst = reduce([0.0 if v is None else v for v in values])
        best = reduce([1.0 if v is None else v for v in values])
        if worst is not None and best is not None:
            self.unvalued += value is None
            self.lost += round(worst * SCALE) - round((value or 0.0) * SCALE)
            self.gained += round(best * SCALE) - round((value or 0.0) * SCALE)

    def add_one(self, value: float | None) -> None:
        """Take in a sample that is asked once and whose value is its score."""
        if value is None:
            self.unvalued += 1
            self.gained += SCALE
        else:
            self.scored += 1
            self.given.add(value)

    def merge(self, other: Score) -> None:
        """Take in another part."""
        self.given.merge(other.given)
        self.later.merge(other.later)
        self.scored += other.scored
        self.unvalued += other.unvalued
        self.lost += other.lost
        self.gained += other.gained
        self.repeated += other.repeated
        self.agreeing += other.agreeing

    def to_dict(self, requests: int) -> dict[str, Any]:
        """Return what summary.json says of it; `requests` are all of the run."""
        low, high = self.given.interval() or (None, None)
        samples = self.given.n + self.unvalued
        return {
            "mean": self.given.mean(),
            "stderr": self.given.stderr(),
            "low": low,
            "high": high,
            "worst": (self.given.total + self.lost) / (samples * SCALE) if samples else None,
            "best": (self.given.total + self.gained) / (samples * SCALE) if samples else None,
            "n": self.given.n,
            "coverage": self.scored / requests if requests else None,
            "agreement": self.agreeing / self.repeated if self.repeated else None,
        }
