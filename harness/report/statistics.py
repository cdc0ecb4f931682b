"""The numbers behind a score: sums that merge exactly, intervals, and how several epochs become one value.

Sums are integers of 2⁻⁶⁴: floats from 2⁻¹¹ to 1 are added without any rounding, and merging in any order and over any
machines gives the same bits.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

SCALE = 2**64
Z95 = 1.959963984540054  # the 97.5 % point of the normal distribution

Values = Sequence[float | None]
Reducer = Callable[[Values], float | None]


@dataclass(slots=True)
class Sums:
    """Count, sum and sum of squares of values, and whether all of them are 0 or 1."""

    n: int = 0
    total: int = 0
    squares: int = 0
    binary: bool = True

    def add(self, value: float) -> None:
        """Take in one value."""
        self.n += 1
        if value == 1.0:
            self.total += SCALE
            self.squares += SCALE * SCALE
        elif value:
            scaled = round(value * SCALE)
            self.total += scaled
            self.squares += scaled * scaled
            self.binary = False

    def merge(self, other: Sums) -> None:
        """Take in the values of another part."""
        self.n += other.n
        self.total += other.total
        self.squares += other.squares
        self.binary = self.binary and other.binary

    def mean(self) -> float | None:
        """Return the mean; None without values."""
        return self.total / (self.n * SCALE) if self.n else None

    def stderr(self) -> float | None:
        """Return the standard error of the mean, from the sample's own variance; None below two values."""
        if self.n < 2:
            return None
        spread = self.n * self.squares - self.total * self.total  # n² · variance, exact
        return math.sqrt(spread / (self.n * self.n * (self.n - 1))) / SCALE

    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the mean, for values from 0 to 1.

        Values that are all 0 or 1: Wilson's score interval, right for few values and near 0 and 1 too. Others: mean ±
        1.96 standard errors, cut to 0..1; it leans on the central limit theorem and is too narrow below some 30 values.
        """
        if self.binary:
            return wilson(self.total // SCALE, self.n) if self.n else None
        mean, error = self.mean(), self.stderr()
        if mean is None or error is None:
            return None
        return max(0.0, mean - Z95 * error), min(1.0, mean + Z95 * error)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval for a share of n > 0."""
    p, z2 = successes / n, Z95 * Z95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


def mean(values: Values) -> float | None:
    """Return the mean of what is not null; None when all are."""
    sums = Sums()
    for value in values:
        if value is not None:
            sums.add(value)
    return sums.mean()


def mode(values: Values) -> float | None:
    """Return the most frequent value that is not null, of equally frequent ones the lowest; None when all are null."""
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def pass_at_k(values: Values, k: int) -> float | None:
    """Return the chance that one of k answers is right: 1 - C(n-c, k) / C(n, k), unbiased (Chen et al. 2021).

    n are the values that are not null, c those that are 1; None when n is below k.
    """
    known = [value for value in values if value is not None]
    if len(known) < k:
        return None
    wrong = sum(value < 1 for value in known)
    return 1.0 - math.comb(wrong, k) / math.comb(len(known), k)


def reducer(name: str, k: int | None) -> Reducer:
    """Return the function that makes one value of a sample's epochs."""
    if name == "pass_at_k":
        assert k is not None  # the settings hold that
        return partial(pass_at_k, k=k)
    return {"mean": mean, "mode": mode}[name]
