"""The seam between the engine of batches and a protocol: what only the protocol knows of a batch and its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .batches import Batch
from .ledger import Entry
from .state import State


@dataclass(slots=True)
class Checked:
    """What the checks of a batch found before it runs."""

    total: int = 0
    model: str | None = None  # admitted: the dated snapshot
    tokens: int = 0  # of all prompts, estimated
    errors: list[dict[str, Any]] = field(default_factory=list)  # that fail the batch
    spared: list[dict[str, Any]] = field(default_factory=list)  # of lines that fail alone


class Lane(Protocol):
    """What a protocol's module of its batches defines; the type checker holds each module against it."""

    BROKEN: dict[str, Any]  # the error of a batch whose checks we fail on

    def admit(self, batch: Batch, state: State, live: Sequence[Batch], /) -> Checked:
        """Check a batch as a whole; `errors` of the result say why it fails."""

    def run(self, line: bytes, row: int, batch: Batch, state: State, now: int, /) -> Entry:
        """Run one line of an admitted batch."""

    def deliver(self, batch: Batch, state: State, status: str, stamp: int, /) -> dict[str, Any]:
        """Write what a batch ends with; return the fields of the batch that tell of it."""
