"""The thread that lets batches live: it makes each step when it is due and has the lines run, each exactly once."""

from __future__ import annotations

import sys
import threading
import traceback
from typing import Any

from .batches import Batch
from .jobs import Step
from .journal import disk_full
from .lane import Checked
from .lanes import lane_of
from .source import Source
from .state import State

_TICK = 0.02  # real seconds between two looks at a batch whose lines run
_AFTER_FULL = 1.0  # real seconds until a full disk is tried again
_LONGEST = 0.25  # real seconds between two stores of the clock


class Runner:
    """Owns all batches that have not ended; their lines come from a source."""

    def __init__(self, state: State, source: Source) -> None:
        self._state = state
        self._source = source
        self._live = {batch.id: batch for batch in state.batches.all() if not batch.ended}
        self._stopping = False
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._work, name="emulator-runner", daemon=True)
        self.broken: BaseException | None = None

    def start(self) -> None:
        """Start the thread."""
        self._source.start(self._woken.set)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the turn at hand; what is not finished goes on at the next start."""
        self._stopping = True
        self._woken.set()
        self._thread.join()
        self._source.stop()

    def add(self, batch: Batch) -> None:
        """Take over a new batch; the caller holds the state."""
        self._live[batch.id] = batch
        self._woken.set()

    def live(self) -> list[Batch]:
        """List the batches that have not ended; the caller holds the state."""
        return list(self._live.values())

    def settle(self, batch: Batch | None, limit: float) -> None:
        """Wait until a batch (None: every one) is as far as the clock says, at most `limit` real seconds."""
        now = self._state.clock.now()
        with self._state.changed:
            if self.late(batch, now):
                self._woken.set()
                self._state.changed.wait_for(lambda: self.broken or not self.late(batch, now), limit)
        if self.broken is not None:
            raise RuntimeError("the runner of batches has stopped") from self.broken

    def late(self, batch: Batch | None, now: float) -> bool:
        """Say whether a batch (None: any) is behind the clock; the caller holds the state."""
        return any(self._due(one, now) for one in ([batch] if batch is not None else self._live.values()))

    def _due(self, batch: Batch, now: float) -> bool:
        return self._source.due(batch, now) is not None or self._source.late(batch, now)

    def _work(self) -> None:
        try:
            self._state.recall()
            while not self._stopping:
                self._woken.clear()
                self._woken.wait(self._pause() if self._tried() else _AFTER_FULL)
        except BaseException as error:  # shown by the next look, and by Python on stderr
            with self._state.changed:
                self.broken = error
                self._state.changed.notify_all()
            raise

    def _tried(self) -> bool:
        """Give batches their turns; a full disk is waited out, since nothing half written is kept."""
        try:
            self._round()
        except OSError as error:
            if not disk_full(error):
                raise
            sys.stderr.write(f"emulator: {self._state.root}: {error.strerror}; batches wait for room\n")
            return False
        return True

    def _round(self) -> None:
        """Give every live batch its turn until nothing is due."""
        busy = True
        while busy and not self._stopping:
            self._source.check()
            now = self._state.clock.now()
            self._state.clock_file.write(now)
            with self._state.changed:
                due = [batch for batch in self._live.values() if self._due(batch, now)]
            busy = bool(due)
            for batch in due:
                if not self._stopping:
                    self._turn(batch)

    def _pause(self) -> float:
        """Say how long nothing will be due, in real seconds."""
        speed, now = self._state.clock.speed, self._state.clock.now()
        pause = _LONGEST
        with self._state.changed:
            for batch in self._live.values():
                if batch.life.by == "time" and speed > 0 and batch.steps < len(batch.life.steps):
                    wait = (batch.life.steps[batch.steps].at - batch.x(now)) / speed
                    pause = min(pause, max(wait, 0.001), _TICK if batch.status == "in_progress" else wait)
        return max(pause, 0.001)

    def _turn(self, batch: Batch) -> None:
        """Do one piece of what is due for a batch."""
        state = self._state
        with state.changed:
            now = state.clock.now()
            step = self._source.due(batch, now)
            lines = self._source.late(batch, now)
        if lines:
            self._source.run(batch, now)
        elif step is not None:
            self._make(batch, step, now)
        with state.changed:
            state.changed.notify_all()

    def _make(self, batch: Batch, step: Step, now: float) -> None:
        stamp = int(batch.created + step.at) if batch.life.by == "time" else int(now)
        if step.status == "in_progress":
            self._validate(batch, stamp)
        elif step.status == "finalizing":
            self._commit(batch, batch.status, step.status, stamp)
        else:
            self._end(batch, step.status, stamp)

    def _commit(self, batch: Batch, seen: str, status: str, stamp: int, **changes: Any) -> bool:
        """Make a step, unless the batch was cancelled since its status was `seen`."""
        with self._state.changed:
            if batch.status != seen:
                return False
            stamps = batch.stamps | {status: stamp}
            self._state.batches.change(batch, status=status, stamps=stamps, steps=batch.steps + 1, **changes)
            return True

    def _validate(self, batch: Batch, stamp: int) -> None:
        state = self._state
        state.answers.scan()
        with state.changed:
            live = self.live()
        found = self._admitted(batch, live)
        facts: dict[str, Any] = {"model": found.model}
        if found.errors:
            if self._commit(batch, "validating", "failed", stamp, errors=found.errors, **facts):
                self._retire(batch)
            return
        facts |= {"total": found.total, "tokens": found.tokens, "errors": found.spared}
        self._commit(batch, "validating", "in_progress", stamp, **facts)

    def _admitted(self, batch: Batch, live: list[Batch]) -> Checked:
        """Have a batch checked; one on which we fail fails alone, and the others go on."""
        lane = lane_of(batch)
        try:
            return lane.admit(batch, self._state, live)
        except OSError:  # the disk's: for all of them
            raise
        except Exception:  # a bug of ours must not end the batches of everybody
            traceback.print_exc()
            return Checked(errors=[lane.BROKEN])

    def _end(self, batch: Batch, status: str, stamp: int) -> None:
        seen = batch.status
        self._source.leave(batch)
        made = lane_of(batch).deliver(batch, self._state, status, stamp)
        counts = {"completed": batch.completed, "failed": batch.failed, "usage": batch.usage}
        if self._commit(batch, seen, status, stamp, **counts, **made):
            self._state.ledgers.close(batch.id)
            self._retire(batch)

    def _retire(self, batch: Batch) -> None:
        with self._state.changed:
            self._live.pop(batch.id, None)
            if not any(other.input_file_id == batch.input_file_id for other in self._live.values()):
                self._state.files.discard(batch.input_file_id)
