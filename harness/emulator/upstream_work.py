"""A model server upstream as a source of lines: each is sent once, and kept as soon as its answer is there.

A line whose answer is in the ledger never runs again, whatever kills the process. One that was in flight at that moment
has to be sent again: whether the server finished it cannot be known. The batches at work take turns, a line each.
"""

from __future__ import annotations

import asyncio
import random
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeVar

from . import jobs, upstream_lines
from .batches import Batch
from .jobs import Step
from .journal import disk_full
from .ledger import Entry
from .state import State
from .upstream import Answer, Retries, Upstream, next_wait
from .upstream_lines import Line

T = TypeVar("T")
_AFTER_FULL = 1.0  # real seconds until a full disk is tried again


@dataclass(slots=True)
class _Job:
    """A batch at work."""

    batch: Batch
    lines: Iterator[Line]  # not sent yet
    flying: set[asyncio.Task[None]] = field(default_factory=set)


class UpstreamWork:
    """Sends lines from an event loop in a thread of its own, at most `concurrency` at a time over all batches."""

    def __init__(self, state: State, key: str | None) -> None:
        settings = state.settings
        assert settings.upstream is not None
        self._state = state
        self._base, self._key = settings.upstream, key
        self._retries = Retries(settings.upstream_attempts, settings.upstream_backoff)
        self._free = settings.concurrency  # requests that may still be sent
        self._jobs: dict[str, _Job] = {}
        self._turns: deque[_Job] = deque()  # those that may have lines to send, the next one first
        self._wake: Callable[[], None] = lambda: None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="emulator-upstream", daemon=True)
        self._broken: BaseException | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Start the thread."""
        self._wake = wake
        self._thread.start()
        self._server = self._do(self._connect())

    def stop(self) -> None:
        """Drop what is in flight; it is sent again at the next start."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def check(self) -> None:
        """Raise what broke the thread."""
        if self._broken is not None:
            raise self._broken

    def due(self, batch: Batch, now: float) -> Step | None:
        """Find the step that the work has come to."""
        if batch.ended:
            return None
        job = self._jobs.get(batch.id)
        left, flying = batch.limit - batch.done, len(job.flying) if job else 0
        x = batch.x(now)
        return jobs.due_by_work(batch.life, batch.steps, x, left=left, flying=flying, window=batch.window)

    def late(self, batch: Batch, now: float) -> bool:
        """Say whether a batch has lines to send and is not at work yet."""
        waits = batch.status == "in_progress" and batch.id not in self._jobs and batch.done < batch.limit
        return waits and self.due(batch, now) is None

    def run(self, batch: Batch, now: float) -> None:
        """Put a batch to work."""
        ran = {entry.row for entry in self._state.ledgers.entries(batch.id)}
        lines = upstream_lines.todo(self._state.files.path(batch.input_file_id), batch.limit, ran)
        self._do(self._enrol(_Job(batch, lines)))

    def leave(self, batch: Batch) -> None:
        """Drop what is in flight of a batch."""
        self._do(self._dismiss(batch.id))

    async def direct(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Call the server for a client that waits, from another event loop: at once, outside of the bound, one time."""
        future = asyncio.run_coroutine_threadsafe(self._server.call(method, path, body), self._loop)
        return await asyncio.wrap_future(future)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done by the thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # What follows runs in the thread.

    async def _connect(self) -> Upstream:
        return Upstream(self._base, self._key)

    async def _close(self) -> None:
        self._turns.clear()
        flying = asyncio.all_tasks() - {asyncio.current_task()}
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        await self._server.close()

    async def _enrol(self, job: _Job) -> None:
        self._jobs[job.batch.id] = job
        self._turns.append(job)
        self._send()

    async def _dismiss(self, batch_id: str) -> None:
        job = self._jobs.pop(batch_id, None)
        if job is None:
            return
        if job in self._turns:
            self._turns.remove(job)
        flying = list(job.flying)
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)

    def _send(self) -> None:
        """Send lines while there are some and the bound allows it."""
        while self._free and (taken := self._take()) is not None:
            job, line = taken
            self._free -= 1
            task = self._loop.create_task(self._execute(job, line))
            job.flying.add(task)
            task.add_done_callback(partial(self._landed, job))

    def _take(self) -> tuple[_Job, Line] | None:
        """Take one line from the batch whose turn it is."""
        while self._turns:
            job = self._turns.popleft()
            if job.batch.status == "in_progress" and (line := next(job.lines, None)) is not None:
                self._turns.append(job)
                return job, line
        return None

    def _landed(self, job: _Job, task: asyncio.Task[None]) -> None:
        job.flying.discard(task)
        self._free += 1
        try:
            if not task.cancelled():
                task.result()
            self._send()
        except BaseException as error:  # shown by the runner
            self._broken = error
        if self._broken is not None or not job.flying:
            self._wake()

    async def _execute(self, job: _Job, line: Line) -> None:
        entry = upstream_lines.not_sent(job.batch, line)
        if entry is None:
            entry = upstream_lines.finished(job.batch, line, await self._answer(line))
        while not self._kept(job.batch, entry):
            await asyncio.sleep(_AFTER_FULL)

    async def _answer(self, line: Line) -> Answer:
        """Call until an answer stands; a line that waits keeps its place: a server in trouble is not asked for more."""
        for attempt in count(1):
            answer = await self._server.call("POST", line.path, line.payload)
            pause = next_wait(answer, attempt, self._retries, luck=random.random())
            if pause is None:
                break
            await asyncio.sleep(pause)
        return answer

    def _kept(self, batch: Batch, entry: Entry) -> bool:
        """Add a line to the ledger; False while the disk is full, when nothing half written is kept."""
        with self._state.changed:
            try:
                self._state.ledgers.append(batch.id, [entry])
            except OSError as error:
                if not disk_full(error):
                    raise
                sys.stderr.write(f"emulator: {self._state.root}: {error.strerror}; an answer waits for room\n")
                return False
            batch.count([entry])
            self._state.changed.notify_all()
        return True
