"""What the runs of one process share: the clock, and the emulator where they are simulated."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.errors import ConfigError
from harness.run.clock import RunClock
from harness.run.local import Emulator
from harness.settings import Settings


@dataclass(frozen=True)
class World:
    """What the runs of one process share."""

    clock: RunClock
    console: Console
    emulator: Emulator | None
    books: Path | None


@contextmanager
def world_of(
    settings: Sequence[Settings], folders: Sequence[Path], home: Path | None, last: float, console: Console
) -> Iterator[World]:
    """Start the clock, and the emulator where a run is simulated.

    Simulated time goes on where the journal ended, so a run that is resumed next week has not expired meanwhile.
    """
    local = [one for one in settings if one.endpoint.simulated]
    if local and len(local) < len(settings):
        raise ConfigError("endpoint: a sweep is either simulated or live; make two sweeps of it")
    speed = settings[0].endpoint.speed
    start = max(last, 0.0 if local and last else time.time())
    if not local:
        yield World(RunClock(start, speed), console, None, None)
        return
    state = (home or folders[0]) / ".emulator"
    emulator = Emulator(state, speed=speed, now=start, models=sorted({one.model_id() for one in local}))
    try:
        yield World(RunClock(start, speed), console, emulator, state / "books")
    finally:
        emulator.stop()
