"""What a report says above its numbers, and one run as a line of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SIMULATED = "SIMULATED: answered by the emulator on this machine; nothing was sent or paid."


@dataclass(frozen=True, slots=True)
class Heading:
    """What ran."""

    task: str
    model: str  # as asked
    provider: str
    host: str
    simulated: bool
    started: str | None  # ISO 8601
    finished: str | None
    batches: int
    rules: Sequence[Mapping[str, Any]]  # name, subject, note, asked
    estimate: Mapping[str, float | None] | None  # USD: low, expected, cap
    notes: Sequence[str] = ()  # what a reader of the results should know


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One run of a sweep."""

    name: str  # what sets it apart, such as model=o3-mini
    state: str  # finished, running, stopped …
    summary: Mapping[str, Any] | None  # None: no results yet
