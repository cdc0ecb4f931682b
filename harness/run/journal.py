"""The journal: every step that matters, one JSON line each, appended and never rewritten."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from harness.errors import HarnessError

Event = Mapping[str, Any]  # t: seconds since the epoch; event: its name; the rest belongs to the event

# What must be on disk before the next step: losing one of these could pay twice or lose an answer.
SYNCED = frozenset(
    {
        *("started", "planned", "resumed", "cancel", "stopped", "finished"),
        *("intent", "created", "ended", "fetched", "collected"),
        *("repacked", "question", "abandoned"),
    }
)
# Looks that found nothing new shape the next step but are not worth a line.
UNWRITTEN = frozenset({"polled", "looked", "undecided"})


class Journal:
    """An append-only file; a torn last line, left by a crash, is cut off when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        repair(path)
        self.file = path.open("ab", buffering=0)

    def append(self, event: Event) -> None:
        """Write one event, synced where the next step depends on it. OSError leaves at most a torn line."""
        if event["event"] in UNWRITTEN:
            return
        data = orjson.dumps(event) + b"\n"
        if self.file.write(data) != len(data):
            raise OSError(28, "No space left on device", str(self.path))
        if event["event"] in SYNCED:
            os.fsync(self.file.fileno())

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def repair(path: Path) -> None:
    """Cut a last line without line end: its event was never acted upon."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        keep, block = size, 1 << 16
        while keep > 0:
            start = max(0, keep - block)
            file.seek(start)
            end = file.read(keep - start).rfind(b"\n")
            if end >= 0:
                keep = start + end + 1
                break
            keep = start
        if keep < size:
            file.truncate(keep)


def of_run(folder: Path) -> list[dict[str, Any]]:
    """Return the events of a planned run; HarnessError where they were lost, for the run may be under way."""
    path = folder / "journal.jsonl"
    events = read(path)
    if not any(event["event"] == "planned" for event in events):
        raise HarnessError(f"{path}: damaged, it does not say that the run was planned; restore the file from a copy")
    return events


def read(path: Path) -> list[dict[str, Any]]:
    """Return all whole events; HarnessError where the file is missing or damaged before its last line."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read ({error.strerror}); without it nothing can be resumed") from None
    events = []
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last line end is torn, or empty
        try:
            event = orjson.loads(line)
            event["event"], event["t"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise HarnessError(f"{path}:{number}: damaged; restore the file from a copy") from None
        events.append(event)
    return events
