"""Batches: their facts in memory, every change in a journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from . import jobs, journal
from .ledger import Entry, Ledgers

Fault = dict[str, Any]


@dataclass(slots=True)
class Batch:
    """One batch, whatever protocol it came through."""

    id: str
    number: int  # 1 for the first batch ever created here
    created: float  # simulated seconds
    life: jobs.Life
    input_file_id: str  # or the name of what holds its lines, where they came with the call
    request: dict[str, Any]  # what the client said beyond the input file
    faults: list[Fault] = field(default_factory=list)
    lane: str = "openai"  # the protocol it came through
    deleted: bool = False  # by the client; what ran stays counted
    steps: int = 0  # how many steps of its life it has made
    status: str = "validating"
    stamps: dict[str, int] = field(default_factory=dict)  # status → simulated second
    errors: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    total: int = 0
    tokens: int = 0  # of all prompts, as estimated when it was checked
    completed: int = 0
    failed: int = 0
    usage: list[int] = field(default_factory=lambda: [0, 0, 0, 0])  # input, cached, output, reasoning tokens
    tally: dict[str, int] = field(default_factory=dict)  # of an ended batch: results by kind, where there are several
    looks: int = 0
    late_looks: int = 0  # of them at the ended batch
    profile: str = "openai"  # of the lane openai: whose path it came through
    window: float = jobs.WINDOW  # seconds
    offset: int = 0  # where in the input file the next line to run begins

    @property
    def done(self) -> int:
        """Count the lines that ran."""
        return self.completed + self.failed

    @property
    def ended(self) -> bool:
        """Say whether nothing changes any more."""
        return self.status in jobs.ENDED

    def x(self, now: float) -> float:
        """Measure how far the life has come, in its own unit."""
        return self.looks if self.life.by == "looks" else now - self.created

    @property
    def limit(self) -> int:
        """Count the lines that get to run in this life."""
        return self.total if self.life.max_lines is None else min(self.total, self.life.max_lines)

    def goal(self, x: float) -> int:
        """Count the lines that should have run at `x`."""
        return int(jobs.progress(self.life, x) * self.limit)

    def count(self, entries: Iterable[Entry]) -> None:
        """Count lines that ran."""
        for entry in entries:
            self.completed += entry.ok
            self.failed += not entry.ok
            self.usage = [a + b for a, b in zip(self.usage, entry.usage, strict=True)]

    def fault(self, name: str) -> Fault | None:
        """Find the fault of this name that struck the batch."""
        return next((fault for fault in self.faults if fault["fault"] == name), None)


_NAMES = [f.name for f in fields(Batch)]


class Batches:
    """All batches by id, oldest first; what runs is also counted from its ledger."""

    def __init__(self, root: Path, ledgers: Ledgers) -> None:
        log = root / "batches.jsonl"
        self._journal = journal.Journal(log)
        self._known: dict[str, Batch] = {}
        self._ledgers = ledgers
        for record in journal.read(log):
            self._apply(record)
        for batch in self._known.values():
            self._recover(batch)

    def _apply(self, record: dict[str, Any]) -> None:
        if "life" in record:
            record = record | {"life": jobs.decode(record["life"])}
        if "number" in record:
            self._known[record["id"]] = Batch(**record)
            return
        batch = self._known[record["id"]]
        for name, value in record.items():
            setattr(batch, name, value)

    def _recover(self, batch: Batch) -> None:
        """Count again what ran before a kill, and finish a shrinking of the ledger that was cut off."""
        if batch.ended:
            self._ledgers.close(batch.id)
            return
        self._ledgers.repair(batch.id)
        batch.completed = batch.failed = 0
        batch.usage = [0, 0, 0, 0]
        batch.offset = -1  # not known: the runner skips the lines that ran
        batch.count(self._ledgers.entries(batch.id))

    def __len__(self) -> int:
        """Count all batches."""
        return len(self._known)

    def get(self, batch_id: str, lane: str | None = None) -> Batch | None:
        """Find a batch that is not deleted; `lane`: of this one only."""
        batch = self._known.get(batch_id)
        return None if batch is None or batch.deleted or lane not in {None, batch.lane} else batch

    def all(self, lane: str | None = None) -> list[Batch]:
        """List batches, oldest first and deleted ones too; `lane`: of this one only."""
        return [batch for batch in self._known.values() if lane in {None, batch.lane}]

    def holds(self) -> set[str]:
        """Name the files that batches still read, or end with."""
        inputs = {batch.input_file_id for batch in self._known.values() if not batch.ended}
        return inputs | {batch.output_file_id or "" for batch in self._known.values() if not batch.deleted}

    def latest(self) -> float:
        """Find the latest time that any batch was given."""
        return max((max(batch.created, *batch.stamps.values(), 0) for batch in self._known.values()), default=0.0)

    def add(self, batch: Batch) -> None:
        """Take in a new batch."""
        self._journal.append(_encode({name: getattr(batch, name) for name in _NAMES}))
        self._known[batch.id] = batch

    def change(self, batch: Batch, **changes: Any) -> None:
        """Change fields of a batch, on disk first."""
        self._journal.append(_encode({"id": batch.id} | changes))
        for name, value in changes.items():
            setattr(batch, name, value)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def _encode(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"life": jobs.encode(record["life"])} if "life" in record else record
