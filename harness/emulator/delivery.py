"""The output and error file of a batch that ends, written from its ledger; faults of lines are applied here."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from .batches import Batch, Fault
from .draws import Draws, base62
from .endpoints import APIS, Endpoint
from .faults import strikes_line
from .files import StoredFile
from .ledger import decode, row_of
from .openai_lines import lines_of, unfinished
from .state import State

_MONTH = 2_592_000  # seconds; how long result files are kept
_EDITS = {"missing_lines", "duplicate_lines", "stranger_lines", "cut_line", "not_json_line"}
Place = tuple[int, int]  # row, offset in the ledger
Line = tuple[int, str, bytes]  # row, custom_id, line


@dataclass(frozen=True, slots=True)
class Delivered:
    """The files that a batch ends with."""

    output: StoredFile | None
    error: StoredFile | None
    total: int


def write(batch: Batch, state: State, status: str, stamp: int) -> Delivered:
    """Write both files; one that would have no lines is not made. Ids depend on the batch only, so a repeat is safe."""
    good, bad = _sorted_out(batch, state)
    ran = {row for row, _ in (*good, *bad)}
    never_ran = _unfinished(batch, state, status, ran) if status in {"expired", "cancelled"} else iter(())
    output = _write(batch, state, "output", good, iter(()), stamp)
    error = _write(batch, state, "error", bad, never_ran, stamp)
    return Delivered(output, error, batch.total or _lines(batch, state))


def _sorted_out(batch: Batch, state: State) -> tuple[list[Place], list[Place]]:
    """Find where the good and the bad lines of a ledger begin."""
    good: list[Place] = []
    bad: list[Place] = []
    path = state.ledgers.path(batch.id)
    if path.exists():
        offset = 0
        with path.open("rb") as file:
            for place, line in enumerate(file):
                (good if line.startswith(b"o") else bad).append((row_of(line, place), offset))
                offset += len(line)
    return good, bad


def _lines(batch: Batch, state: State) -> int:
    """Count the lines of a batch that was cancelled before its file was read."""
    path = state.files.path(batch.input_file_id)
    return sum(1 for _ in lines_of(path)) if path.exists() else 0


def _unfinished(batch: Batch, state: State, status: str, ran: Container[int]) -> Iterator[Line]:
    path = state.files.path(batch.input_file_id)
    for row, line in enumerate(lines_of(path) if path.exists() else ()):
        if row not in ran and (said := unfinished(line, row, batch, status)):
            yield row, *said


def _write(
    batch: Batch, state: State, name: str, places: list[Place], rest: Iterator[Line], stamp: int
) -> StoredFile | None:
    """Write one file."""
    file_id = f"file-{base62(22, state.settings.seed, batch.id, name)}"
    draft = state.files.draft(file_id)
    edit = _editor(batch)
    with draft.open("wb") as sink:
        for row, custom_id, line in _in_order(batch, state, name, places, rest):
            sink.writelines(edit(row, custom_id, line))
        size = sink.tell()
    if not size:
        draft.unlink()
        return None
    keep = (batch.request.get("output_expires_after") or {}).get("seconds", _MONTH)
    file = StoredFile(file_id, "batch_output", f"{batch.id}_{name}.jsonl", size, stamp, stamp + keep)
    with state.changed:
        state.files.add(file, draft)
    return file


def _in_order(batch: Batch, state: State, name: str, places: list[Place], rest: Iterator[Line]) -> Iterator[Line]:
    """Order the lines of a file: by the input where real work was done, where a batch is simulated shuffled.

    The API promises no order, and clients must not rely on one.
    """
    path = state.ledgers.path(batch.id)
    if batch.life.by == "work":
        return merge(_ledger_lines(path, sorted(places)), rest, key=itemgetter(0))
    Draws(state.settings.seed, "order", batch.number, name).shuffle(places)
    return chain(_ledger_lines(path, places), rest)


def _ledger_lines(path: Path, places: list[Place]) -> Iterator[Line]:
    if places:
        with path.open("rb") as file:
            for row, offset in places:
                file.seek(offset)
                entry = decode(file.readline())
                yield row, entry.custom_id, entry.line


def _editor(batch: Batch) -> Callable[[int, str, bytes], list[bytes]]:
    api = APIS.get(batch.request["endpoint"])  # None: an endpoint that only a server upstream knows
    # What makes a line unreadable comes last: the other edits read it.
    faults = sorted(
        (fault for fault in batch.faults if fault["fault"] in _EDITS),
        key=lambda fault: fault["fault"] in ("cut_line", "not_json_line"),
    )

    def edit(row: int, custom_id: str, line: bytes) -> list[bytes]:
        lines = [line + b"\n"]
        for fault in faults:
            if strikes_line(fault, row, custom_id.strip('"')):
                lines = [edited for one in lines for edited in _edited(fault, row, one, api)]
        return lines

    return edit


def _edited(fault: Fault, row: int, line: bytes, api: Endpoint | None) -> list[bytes]:
    name = fault["fault"]
    if name == "missing_lines":
        return []
    if name == "cut_line":
        return [line[: len(line) // 2] + b"\n"]
    if name == "not_json_line":
        return [b"upstream connect error or disconnect/reset before headers\n"]
    if name == "duplicate_lines":
        return [line, _altered(line, api) if fault.get("differ") else line]
    stranger = orjson.loads(line) | {"custom_id": fault.get("id", f"stranger-{row}")}
    return [line, orjson.dumps(stranger) + b"\n"]


def _altered(line: bytes, api: Endpoint | None) -> bytes:
    """Change what a line says."""
    row: dict[str, Any] = orjson.loads(line)
    body = (row.get("response") or {}).get("body")
    if api is None or not isinstance(body, dict) or not api.contradict(body):
        row["response"] = {"status_code": 500, "request_id": "0" * 32, "body": {}}
    return orjson.dumps(row) + b"\n"
