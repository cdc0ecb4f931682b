"""Pack unanswered requests again: new batches from the lines that were sent, under new ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.prepare.packing import Bounds, Place, place
from harness.prepare.plan import Files, custom_id
from harness.types import BatchFile, SentSample

Unanswered = Callable[[dict[str, Any]], bool]  # a result line → is it sent again?


@dataclass(frozen=True, slots=True)
class Unsent:
    """A request that is to be sent again."""

    row: int
    line: bytes
    sample: dict[str, Any]


def repack(
    folder: Path, parents: Sequence[str], unanswered: Unanswered, *, run_key: str, first: int, bounds: Bounds, wave: int
) -> tuple[BatchFile, ...]:
    """Write batches numbered from `first` that hold every unanswered request of `parents`, in order of rows.

    Each request is copied from the bytes that were sent; only its id changes. Memory holds the unanswered ones.
    """
    waiting = sorted(
        (item for parent in parents for item in _unanswered_of(folder / parent, unanswered)), key=lambda item: item.row
    )
    files, here, batches = Files(folder, None), None, []
    try:
        for number, item in enumerate(waiting):
            attempt = item.sample["attempt"] + 1
            new = custom_id(run_key, item.row, attempt)
            # In quotes: the id stands alone in its places, and never so inside a text, where quotes are escaped.
            data = item.line.replace(b'"%s"' % item.sample["custom_id"].encode(), b'"%s"' % new.encode())
            after = place(here, number, len(data), len(data) // 4, bounds)
            if here is None or after.name != here.name:
                batches.append((after, item.row))
            batches[-1] = (after, batches[-1][1])
            here = after
            sample = SentSample(**{**item.sample, "custom_id": new, "attempt": attempt})
            files.write(_name(after, first), data, sample)
    finally:
        files.close()
    return tuple(BatchFile(_name(at, first), at.count, at.bytes, at.tokens, row, wave) for at, row in batches)


def _name(at: Place, first: int) -> str:
    return Place(at.shard + first, at.piece, 0, 0, 0).name


def _unanswered_of(folder: Path, unanswered: Unanswered) -> Iterator[Unsent]:
    """Walk a batch's requests, samples and results side by side: all three are in order of rows."""
    with (
        (folder / "results.jsonl").open("rb") as results,
        (folder / "samples.jsonl").open("rb") as samples,
        (folder / "requests.jsonl").open("rb") as requests,
    ):
        for result, sample, line in zip(results, samples, requests, strict=True):
            if unanswered(orjson.loads(result)):
                data = orjson.loads(sample)
                data["rules"] = tuple(data["rules"])
                yield Unsent(data["row"], line, data)
