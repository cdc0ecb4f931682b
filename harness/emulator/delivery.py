"""What the lanes share when a batch ends: the lines of its ledger, and the faults that lines are delivered with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from .batches import Batch, Fault
from .faults import strikes_line
from .ledger import decode, row_of
from .state import State

_EDITS = {"missing_lines", "duplicate_lines", "stranger_lines", "cut_line", "not_json_line"}
Place = tuple[int, int]  # row, offset in the ledger
Line = tuple[int, str, bytes]  # row, custom_id, line
Alter = Callable[[bytes], bytes]  # makes a line say something else
Rename = Callable[[dict[str, Any], Any], dict[str, Any]]  # gives a line another name


def places(batch: Batch, state: State) -> Iterator[tuple[int, int, bool]]:
    """Find where the lines of a ledger begin: row, offset, and whether the line was answered."""
    path = state.ledgers.path(batch.id)
    if path.exists():
        offset = 0
        with path.open("rb") as file:
            for place, line in enumerate(file):
                yield row_of(line, place), offset, line.startswith(b"o")
                offset += len(line)


def ledger_lines(path: Path, found: Iterable[Place]) -> Iterator[Line]:
    """Read lines of a ledger by their places."""
    file = None
    try:
        for row, offset in found:
            file = file or path.open("rb")
            file.seek(offset)
            entry = decode(file.readline())
            yield row, entry.custom_id, entry.line
    finally:
        if file is not None:
            file.close()


def named(field: str) -> Rename:
    """Make what gives a line another name, which stands in this field."""
    return lambda row, name: row | {field: name}


_BY_CUSTOM_ID = named("custom_id")


def editor(batch: Batch, alter: Alter, *, rename: Rename = _BY_CUSTOM_ID) -> Callable[[int, str, bytes], list[bytes]]:
    """Make what turns a line into the lines that are delivered for it, by the faults of its batch."""
    # What makes a line unreadable comes last: the other edits read it.
    faults = sorted(
        (fault for fault in batch.faults if fault["fault"] in _EDITS),
        key=lambda fault: fault["fault"] in ("cut_line", "not_json_line"),
    )

    def edit(row: int, custom_id: str, line: bytes) -> list[bytes]:
        lines = [line + b"\n"]
        for fault in faults:
            if strikes_line(fault, row, custom_id.strip('"')):
                lines = [edited for one in lines for edited in _edited(fault, row, one, alter, rename)]
        return lines

    return edit


def _edited(fault: Fault, row: int, line: bytes, alter: Alter, rename: Rename) -> list[bytes]:
    kind = fault["fault"]
    if kind == "missing_lines":
        return []
    if kind == "cut_line":
        return [line[: len(line) // 2] + b"\n"]
    if kind == "not_json_line":
        return [b"upstream connect error or disconnect/reset before headers\n"]
    if kind == "duplicate_lines":
        return [line, alter(line) if fault.get("differ") else line]
    stranger = rename(orjson.loads(line), fault.get("id", f"stranger-{row}"))
    return [line, orjson.dumps(stranger) + b"\n"]
