"""The run's clock: real time, or time that runs faster on the emulator."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where a run takes its time from."""

    speed: float  # seconds of the run's time per real second

    def now(self) -> float:
        """Return seconds since the epoch."""

    def sleep(self, seconds: float) -> None:
        """Let this many of the run's seconds pass."""


class RunClock:
    """Time from `start` onwards at `speed`; it never goes back, whatever happens to the machine's clock.

    It counts the time that a laptop sleeps, since the provider's window runs on meanwhile.
    """

    def __init__(self, start: float, speed: float) -> None:
        self.start, self.speed = start, speed
        self.begin = _ticks()

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.start + (_ticks() - self.begin) * self.speed

    def sleep(self, seconds: float) -> None:
        """Let this many of the run's seconds pass."""
        time.sleep(max(0.0, seconds) / self.speed)


def _ticks() -> float:
    """Return a monotonic time that includes suspension where the system offers one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
