"""The output and error file of an OpenAI batch that ends."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import partial
from heapq import merge
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson

from .batches import Batch
from .delivery import Line, Place, editor, ledger_lines, places
from .draws import Draws
from .files import StoredFile, lines_of
from .openai_lines import unfinished
from .profiles import PROFILES
from .state import State

_MONTH = 2_592_000  # seconds; how long result files are kept


def deliver(batch: Batch, state: State, status: str, stamp: int) -> dict[str, Any]:
    """Write both files; one that would have no lines is not made. Ids depend on the batch only, so a repeat is safe."""
    ran = list(places(batch, state))
    good = [(row, offset) for row, offset, ok in ran if ok]
    bad = [(row, offset) for row, offset, ok in ran if not ok]
    rows = {row for row, *_ in ran}
    never_ran = _unfinished(batch, state, status, rows) if status in {"expired", "cancelled"} else iter(())
    output = _write(batch, state, "output", good, iter(()), stamp)
    error = _write(batch, state, "error", bad, never_ran, stamp)
    return {
        "output_file_id": output and output.id,
        "error_file_id": error and error.id,
        "total": batch.total or _lines(batch, state),
    }


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
    batch: Batch, state: State, name: str, found: list[Place], rest: Iterator[Line], stamp: int
) -> StoredFile | None:
    """Write one file."""
    file_id = PROFILES[batch.profile].file_id(state.settings.seed, batch.id, name)
    draft = state.files.draft(file_id)
    edit = editor(batch, partial(_altered, batch))
    with draft.open("wb") as sink:
        for row, custom_id, line in _in_order(batch, state, name, found, rest):
            sink.writelines(edit(row, custom_id, line))
        size = sink.tell()
    if not size:
        draft.unlink()
        return None
    keep = (batch.request.get("output_expires_after") or {}).get("seconds", _MONTH)
    file = StoredFile(file_id, "batch_output", f"{batch.id}_{name}.jsonl", size, stamp, stamp + keep, batch.profile)
    with state.changed:
        state.files.add(file, draft)
    return file


def _in_order(batch: Batch, state: State, name: str, found: list[Place], rest: Iterator[Line]) -> Iterator[Line]:
    """Order the lines of a file: by the input where real work was done, where a batch is simulated shuffled.

    The API promises no order, and clients must not rely on one.
    """
    path = state.ledgers.path(batch.id)
    if batch.life.by == "work":
        return merge(ledger_lines(path, sorted(found)), rest, key=itemgetter(0))
    Draws(state.settings.seed, "order", batch.number, name).shuffle(found)
    return chain(ledger_lines(path, found), rest)


def _altered(batch: Batch, line: bytes) -> bytes:
    """Change what a line says."""
    endpoint = batch.request["endpoint"]
    api = PROFILES[batch.profile].apis.get(endpoint)  # None: an endpoint that only a server upstream knows
    row: dict[str, Any] = orjson.loads(line)
    body = (row.get("response") or {}).get("body")
    if api is None or not isinstance(body, dict) or not api.contradict(body):
        row["response"] = {"status_code": 500, "request_id": "0" * 32, "body": {}}
    return orjson.dumps(row) + b"\n"
