"""Ask for the state of many batches with few calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.types import BatchStatus

FEW = 3  # up to here single looks are cheaper than a list page


def states(
    ids: Sequence[str], listed: Callable[[], Iterable[BatchStatus]], look: Callable[[str], BatchStatus], page: int
) -> list[BatchStatus]:
    """Read list pages while they pay, and take single looks for the rest; `listed` is newest first."""
    found: dict[str, BatchStatus] = {}
    wanted = set(ids)
    if len(ids) > FEW:
        for number, status in enumerate(listed(), start=1):
            if status.id in wanted:
                found[status.id] = status
            if len(found) == len(wanted) or number >= -(-len(ids) // page) * page:
                break
    for batch in ids:
        if batch not in found or found[batch].late:  # a list may lag behind
            found[batch] = look(batch)
    return [found[batch] for batch in ids]
