"""The simulated model as a source of lines: a batch runs as many as its life says, in the order of its input."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from .batches import Batch
from .jobs import Step
from .lanes import lane_of
from .ledger import Entry
from .state import State

_CHUNK = 128  # lines between two looks at what else is due; a chunk is kept whole or not at all


class Simulated:
    """Answers lines at once, in the runner's own thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    def start(self, wake: Callable[[], None]) -> None:
        """Need nothing."""

    def stop(self) -> None:
        """Leave nothing behind."""

    def check(self) -> None:
        """Break only in the runner's own thread, which sees it."""

    def due(self, batch: Batch, now: float) -> Step | None:
        """Find the step whose time, or look, has come."""
        if batch.ended or batch.steps >= len(batch.life.steps):
            return None
        step = batch.life.steps[batch.steps]
        return step if step.at <= batch.x(now) else None

    def late(self, batch: Batch, now: float) -> bool:
        """Say whether fewer lines ran than should have by now."""
        return batch.status == "in_progress" and batch.done < batch.goal(batch.x(now))

    def run(self, batch: Batch, now: float) -> None:
        """Run one chunk of lines."""
        state = self._state
        if batch.offset < 0:
            batch.offset = self._skip(batch)
        with state.files.path(batch.input_file_id).open("rb") as file:
            file.seek(batch.offset)
            lines = list(islice(file, min(_CHUNK, batch.goal(batch.x(now)) - batch.done)))
        entries = [self._entry(line, row, batch, int(now)) for row, line in enumerate(lines, batch.done)]
        with state.changed:
            if batch.status != "in_progress":  # cancelled meanwhile: these lines have not run
                for entry in entries:
                    state.answers.forget(entry.digest)
                return
            state.ledgers.append(batch.id, entries)
            batch.offset += sum(map(len, lines))
            batch.count(entries)

    def _entry(self, line: bytes, row: int, batch: Batch, now: int) -> Entry:
        """Run one line; one on which we fail has an internal error of its API, and the others go on."""
        run = lane_of(batch).run
        try:
            return run(line, row, batch, self._state, now)
        except Exception:  # a bug of ours must not end the batches of everybody
            traceback.print_exc()
            fault = {"fault": "line_error", "rows": [row], "status": 500}
            return run(line, row, replace(batch, faults=[fault]), self._state, now)

    def leave(self, batch: Batch) -> None:
        """Hold nothing of a batch between two chunks."""

    def _skip(self, batch: Batch) -> int:
        """Find where the first line that has not run begins, after a restart."""
        with self._state.files.path(batch.input_file_id).open("rb") as file:
            return sum(map(len, islice(file, batch.done)))
