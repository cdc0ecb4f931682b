"""One batch: the provider's bytes become a sorted part of the results, joined by custom_id and never by position."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.collect.answers import Decode, Tally, read_answers
from harness.collect.draft import Draft
from harness.collect.files import BLOCK, mapped, replacing, settle
from harness.collect.judging import Judging, judge
from harness.types import Error


@dataclass(frozen=True, slots=True)
class Collected:
    """What came back of one batch."""

    count: int  # requests
    outcomes: Mapping[str, int]
    error_classes: Mapping[str, int]  # class → requests that ended with it
    first_errors: Mapping[str, str]  # class → the message of its first request
    permanent_error: str | None  # the message, when every request failed with this one permanent error
    duplicates: int  # lines for a request that had one already, whether they agreed or not
    disagreements: int  # requests whose lines disagreed: failed
    strangers: int  # lines for requests that were not in the batch
    cost: float | None  # USD; null where no request's cost is known
    broken: int  # lines that are cut, not JSON, not of this provider or too long
    scorer_failures: Mapping[str, int]  # scorer → answers that it could not score
    first_scorer_failures: Mapping[str, str]


def collect_batch(
    folder: Path, decode: Decode, judging: Judging, batch_error: Error | None = None, into: Path | None = None
) -> Collected:
    """Judge every request of a batch and write `results.jsonl` (or `into`), sorted by row; return what came back.

    `folder` holds samples.jsonl and, where they exist, the provider's output.jsonl and errors.jsonl. A request without
    a line is missing, or has `batch_error` where the batch failed, expired, was cancelled or never sent as a whole.
    Memory holds offsets only.
    """
    tally = Tally()
    target = into or folder / "results.jsonl"
    unsorted = target.with_suffix(".unsorted")
    try:
        with unsorted.open("wb", buffering=BLOCK) as file, mapped(folder / "samples.jsonl") as samples:
            draft = Draft(samples, file, judge(judging, tally.scorer_failed))
            for response in read_answers(folder, decode, draft.numbers, tally):
                draft.put(response)
            draft.put_unseen(batch_error)
        if draft.is_sorted():
            settle(unsorted, target)
        else:
            with replacing(target) as file, mapped(unsorted) as lines:
                file.writelines(draft.in_order(lines))
    finally:
        unsorted.unlink(missing_ok=True)
    return _collected(draft, tally)


def _collected(draft: Draft, tally: Tally) -> Collected:
    """Sum up a batch."""
    counts, found = tally.counts, [error for error in draft.errors if error]
    return Collected(
        count=len(draft.outcomes),
        outcomes=dict(Counter(draft.outcomes)),
        error_classes=dict(Counter(kind for kind, _ in found)),
        first_errors=dict(reversed(found)),
        permanent_error=_only_permanent(found, len(draft.outcomes)),
        duplicates=counts["duplicates"],
        disagreements=counts["disagreements"],
        strangers=counts["strangers"],
        cost=math.fsum(draft.costs.values()) if draft.costs else None,
        broken=counts["broken"],
        scorer_failures=dict(tally.failures),
        first_scorer_failures=dict(tally.first_failures),
    )


def _only_permanent(found: Sequence[tuple[str, str]], count: int) -> str | None:
    """Return the message that all requests share, when all of them failed for good."""
    if count == 0 or len(found) < count or len(set(found)) > 1 or found[0][0] != "permanent":
        return None
    return found[0][1]
