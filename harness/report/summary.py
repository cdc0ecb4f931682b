"""All results of a run as sums that can be merged, and the summary that is made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from harness.report.confusion import Confusion
from harness.report.errors import ErrorGroups
from harness.report.score import Score
from harness.report.slices import Slices
from harness.report.statistics import mean, mode, reducer
from harness.types import OUTCOMES, PENDING, Usage

MONEY = 10**12  # parts of a dollar in which costs are added: exact for the decimals that prices are made of
MAX_NAMES = 100  # distinct names of models and finish reasons that are kept apart; they are the provider's words
OTHER = "other"

Fields = Mapping[str, Any]  # a result as results.jsonl spells it
ReadLabels = Callable[[Fields], tuple[str, str | None] | None]  # a result → label wanted, label given
Epoch = tuple[Fields, Fields]  # scores and metadata of one request


class Summary:
    """What is counted while results stream by: `add` each result, `merge` parts, in any order; read `to_dict` last.

    With epochs the rows of a sample wait for each other, so memory holds the samples that are not complete.
    """

    def __init__(
        self,
        scorers: Iterable[str],
        *,
        epochs: int,
        reduce: str,
        k: int | None,
        unscored: Iterable[str],
        labels: Mapping[str, ReadLabels] | None = None,
    ) -> None:
        """Begin with nothing; parts that are merged must be made alike. `labels` reads those of a `choice`, by name."""
        self.epochs, self.reduce, self.unscored = epochs, reducer(reduce, k), tuple(unscored)
        self.reducer, self.k = reduce, k
        self.scores = {name: Score() for name in scorers}
        self.headline = next(iter(self.scores), None)
        self.labels = labels or {}
        self.confusion = {name: Confusion() for name in self.labels}
        self.slices = Slices()
        self.outcomes: Counter[str] = Counter()
        self.usage: Counter[str] = Counter(dict.fromkeys(Usage.__slots__, 0))
        self.models: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.errors = ErrorGroups()
        self.cost = self.priced = self.attempts = self.resent = self.most_attempts = self.later = 0
        self.simulated = False
        self.waiting: dict[int, list[Epoch]] = {}  # sample → its epochs so far

    def add(self, fields: Fields) -> None:
        """Take in one result."""
        self.outcomes[fields["outcome"]] += 1
        self._add_scores(fields["row"], fields["scores"], fields["metadata"])
        for name, read in self.labels.items():
            if (pair := read(fields)) is not None:
                self.confusion[name].add(*pair)
        if fields["outcome"] != "answered":
            self.errors.add(fields)
        for name, tokens in (fields["usage"] or {}).items():
            self.usage[name] += tokens
        if fields["cost"] is not None:
            self.cost += round(fields["cost"] * MONEY)
            self.priced += 1
        _count(self.models, fields["model_served"], 1)
        _count(self.reasons, fields["finish_reason"], 1)
        self.attempts += fields["attempts"]
        self.resent += fields["attempts"] > 1
        self.most_attempts = max(self.most_attempts, fields["attempts"])
        self.simulated = self.simulated or fields["simulated"]
        for later in fields["later"]:
            self._add_later(later)

    def _add_scores(self, row: int, scores: Fields, metadata: Fields) -> None:
        """Reduce a sample's scores as soon as all its epochs are there."""
        if self.epochs == 1 and self.reduce in (mean, mode):
            for name, score in self.scores.items():
                score.add_one(scores.get(name))
            if metadata and self.headline is not None:
                self.slices.add_one(metadata, scores.get(self.headline))
            return
        group = self.waiting.setdefault(row // self.epochs, [])
        group.append((scores, metadata))
        if len(group) == self.epochs:
            self._reduce(self.scores, self.slices, self.waiting.pop(row // self.epochs))

    def _reduce(self, scores: Mapping[str, Score], slices: Slices, group: Sequence[Epoch]) -> None:
        """Make one value of the epochs of a sample, for each scorer."""
        for name, score in scores.items():
            values = [epoch.get(name) for epoch, _ in group]
            score.add(values, self.reduce)
            if name == self.headline:
                slices.add(group[0][1], values, self.reduce)

    def _add_later(self, later: Fields) -> None:
        """Score an answer that came after the headline apart from it."""
        self.later += 1
        for name, score in self.scores.items():
            if (value := later["scores"].get(name)) is not None:
                score.later.add(value)

    def merge(self, other: Summary) -> None:
        """Take in another part of the same run."""
        for name, score in self.scores.items():
            score.merge(other.scores[name])
        for name, confusion in self.confusion.items():
            confusion.merge(other.confusion[name])
        self.slices.merge(other.slices)
        self.outcomes.update(other.outcomes)
        self.usage.update(other.usage)
        for mine, theirs in ((self.models, other.models), (self.reasons, other.reasons)):
            for name, count in theirs.items():
                _count(mine, name, count)
        self.errors.merge(other.errors)
        for sample, group in other.waiting.items():
            joined = self.waiting.setdefault(sample, [])
            joined += group
            if len(joined) == self.epochs:
                self._reduce(self.scores, self.slices, self.waiting.pop(sample))
        self.cost += other.cost
        self.priced += other.priced
        self.attempts += other.attempts
        self.resent += other.resent
        self.most_attempts = max(self.most_attempts, other.most_attempts)
        self.later += other.later
        self.simulated = self.simulated or other.simulated

    def to_dict(self, estimate: Mapping[str, float | None] | None = None) -> dict[str, Any]:
        """Return summary.json; `estimate` is the plan's {low, expected, cap} in USD, where prices are known."""
        requests = self.outcomes.total()
        unscored = sum(self.outcomes[name] for name in {*self.unscored, PENDING})
        scores, slices = self._as_they_stand()
        range_ = {key: estimate.get(key) for key in ("low", "expected", "cap")} if estimate else None
        return {
            "requests": requests,
            "samples": -(-requests // self.epochs),
            "epochs": {"count": self.epochs, "reducer": self.reducer, "k": self.k},
            "headline": self.headline,
            "scores": {name: score.to_dict(requests) | self._macro_f1(name) for name, score in scores.items()},
            "confusion": {name: found for name, one in self.confusion.items() if (found := one.to_dict())},
            "slices": slices.to_dict(),
            "outcomes": {name: self.outcomes[name] for name in (*OUTCOMES, PENDING)},
            "unscored": list(self.unscored),
            "coverage": (requests - unscored) / requests if requests else None,
            "cost": {
                "estimated": range_["expected"] if range_ else None,
                "actual": self.cost / MONEY if self.priced else None,
                "range": range_,
                "priced": self.priced,
            },
            "usage": dict(self.usage),
            "attempts": {"total": self.attempts, "most": self.most_attempts, "resent": self.resent},
            "later": {"answers": self.later, "scores": {n: s.later.mean() for n, s in self.scores.items()}},
            "errors": self.errors.most_frequent(),
            "models_served": _ranked(self.models),
            "finish_reasons": _ranked(self.reasons),
            "simulated": self.simulated,
        }

    def _macro_f1(self, name: str) -> dict[str, float | None]:
        """Return the mean F1 of a scorer's labels; null where it has none."""
        return {"macro_f1": self.confusion[name].macro_f1() if name in self.confusion else None}

    def _as_they_stand(self) -> tuple[dict[str, Score], Slices]:
        """Return scores and slices with the samples that are not complete."""
        if not self.waiting:
            return self.scores, self.slices
        scores, slices = deepcopy(self.scores), deepcopy(self.slices)
        for group in self.waiting.values():
            self._reduce(scores, slices, group)
        return scores, slices


def _count(counter: Counter[str], name: str | None, count: int) -> None:
    """Count a name that comes from outside, at most MAX_NAMES of them apart."""
    if name is None:
        return
    if name in counter:
        counter[name] += count
    else:
        counter[name if len(counter) < MAX_NAMES else OTHER] += count


def _ranked(counter: Counter[str]) -> dict[str, int]:
    """Return counts, the most frequent first, then by name."""
    return dict(sorted(counter.items(), key=lambda item: (-item[1], item[0])))
