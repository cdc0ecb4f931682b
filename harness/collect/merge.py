"""The parts of a run become one stream of results in the order of the rows, attempts of one request joined."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.collect.draft import read_sample
from harness.collect.judging import Judging
from harness.types import DELIVERED, PENDING, Result

Fields = dict[str, Any]  # a result as results.jsonl spells it

LATER = ("outcome", "text", "parsed", "scores", "custom_id", "cost")
BLOCK = 1 << 18  # bytes that are held of each part that is being read


@dataclass(frozen=True, slots=True)
class Part:
    """The folder of one batch, of any attempt."""

    folder: Path
    first_row: int
    results: Path | None = None  # where they lie, if not in the folder


def merge(parts: Iterable[Part], judging: Judging) -> Iterator[Fields]:
    """Yield one result per request; of a batch that is not collected yet, its requests as pending.

    The first delivered answer is the headline, else the last attempt; answers delivered after it stand in `later`.
    `attempts` is the highest and `cost` the sum over all attempts whose cost is known, null where none is.
    However many parts overlap, one file is open at a time.
    """
    group: list[Fields] = []
    for fields in _ordered(parts, judging):
        if group and group[0]["row"] != fields["row"]:
            yield join_attempts(group)
            group = []
        group.append(fields)
    if group:
        yield join_attempts(group)


def join_attempts(attempts: Sequence[Fields]) -> Fields:
    """Make one result of what the attempts at a request brought, first attempt first."""
    if len(attempts) == 1:
        return attempts[0]
    delivered = [fields for fields in attempts if fields["outcome"] in DELIVERED]
    headline = delivered[0] if delivered else attempts[-1]
    costs = [fields["cost"] for fields in attempts if fields["cost"] is not None]
    return headline | {
        "cost": sum(costs) if costs else None,
        "attempts": max(fields["attempts"] for fields in attempts),
        "later": [{key: fields[key] for key in LATER} for fields in delivered[1:]],
    }


def _ordered(parts: Iterable[Part], judging: Judging) -> Iterator[Fields]:
    """Yield the lines of all parts by row and attempt; a part is opened when its first row is due."""
    waiting = deque(sorted(parts, key=lambda part: part.first_row))
    heap: list[tuple[int, int, int, Fields, Iterator[Fields]]] = []
    opened = 0
    while waiting or heap:
        while waiting and (not heap or waiting[0].first_row <= heap[0][0]):
            lines = _read(waiting.popleft(), judging)
            opened += 1
            if (fields := next(lines, None)) is not None:
                heapq.heappush(heap, (fields["row"], fields["attempts"], opened, fields, lines))
        if not heap:
            continue
        _, _, number, fields, lines = heap[0]
        yield fields
        if (following := next(lines, None)) is not None:
            heapq.heapreplace(heap, (following["row"], following["attempts"], number, following, lines))
        else:
            heapq.heappop(heap)


def _read(part: Part, judging: Judging) -> Iterator[Fields]:
    """Yield the results of a batch, or its requests as pending."""
    path = part.results or part.folder / "results.jsonl"
    if path.exists():
        yield from map(orjson.loads, _lines(path))
        return
    for line in _lines(part.folder / "samples.jsonl"):
        yield _pending(line, judging)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file that is open only while a block of it is read."""
    offset, rest = 0, b""
    while True:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            block = file.read(BLOCK)
        if not block:
            break
        offset += len(block)
        *lines, rest = (rest + block).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest


def _pending(line: bytes, judging: Judging) -> Fields:
    """Turn a sent sample into a result that is not there yet."""
    sample = read_sample(line)
    fields: Fields = orjson.loads(
        orjson.dumps(
            Result(
                sample.id,
                sample.epoch,
                sample.row,
                sample.custom_id,
                PENDING,
                target=sample.target,
                metadata=sample.metadata,
                scores=dict.fromkeys(judging.scorers),
                attempts=sample.attempt,
                model=judging.model,
                rules=sample.rules,
                simulated=judging.simulated,
            )
        )
    )
    return fields
