"""Simulated time: every stamp, timer and expiry of the emulator is read from here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


class Clock:
    """Time that starts at `start` and runs `speed` times as fast as real time; speed 0 moves by `advance` only."""

    def __init__(self, start: float, speed: float, *, real: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._start = start
        self._real = real
        self._began = real()

    def now(self) -> float:
        """Read the simulated time, in seconds since 1970."""
        return self._start + (self._real() - self._began) * self.speed

    def advance(self, seconds: float) -> None:
        """Leap forward; never back."""
        self._start += max(0.0, seconds)


class ClockFile:
    """The last simulated time on disk, so that a restart goes on where a killed process stopped."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def read(self) -> float:
        """Read the stored time; 0 when there is none."""
        text = os.pread(self._fd, 64, 0).split(b"\n")[0]
        return float(text) if text else 0.0

    def write(self, now: float) -> None:
        """Store the time in place: one short write of fixed width cannot be torn by a kill."""
        os.pwrite(self._fd, b"%020.3f\n" % now, 0)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
