"""The seam between the runner and what executes the lines of batches: a simulation, or a model server upstream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .batches import Batch
from .jobs import Step


class Source(Protocol):
    """Where lines come from; the runner's thread calls it, `late` and `due` also those who hold the state."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begin; `wake` tells the runner that something may have become due."""

    def stop(self) -> None:
        """End; lines that have not finished run at the next start."""

    def check(self) -> None:
        """Raise what broke the source, if anything did."""

    def due(self, batch: Batch, now: float) -> Step | None:
        """Find the step of its life that a batch should make by now."""

    def late(self, batch: Batch, now: float) -> bool:
        """Say whether lines of a batch wait for `run`."""

    def run(self, batch: Batch, now: float) -> None:
        """Run lines of a batch, or see to it that they get run; what ran goes to its ledger and its counts."""

    def leave(self, batch: Batch) -> None:
        """Let go of a batch that is about to end: nothing is added to its ledger any more."""
