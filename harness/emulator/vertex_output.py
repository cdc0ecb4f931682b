"""What a job leaves in its bucket: rows in no order, first in shards, then as one file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson

from .batches import Batch
from .delivery import editor, ledger_lines, places
from .draws import Draws
from .execution import Body
from .state import State
from .storage_hashes import hashes
from .vertex_create import place
from .vertex_strikes import failed_status

_SHARD = 5000  # rows; how Google cuts is not known
_OCTETS = "application/octet-stream"


def export(batch: Batch, state: State) -> int:
    """Write all rows that ran; returns how many lines that were. A repetition after a kill writes the same."""
    fault, whole = batch.fault("shards_only"), state.objects.draft(f"{batch.id}-predictions")
    with whole.open("wb") as sink:
        count = 0
        for line in _rows(batch, state):
            sink.write(line)
            count += 1
    size, overlap = _SHARD, 0
    if fault is not None:
        size, overlap = max(1, -(-count // fault.get("shards", 2))), fault.get("overlap", 0)
    shards = max(1, -(-count // size))
    with whole.open("rb") as source:
        for index, lines in enumerate(_cut(source, size, overlap)):
            draft = state.objects.draft(f"{batch.id}-shard")
            with draft.open("wb") as sink:
                sink.writelines(lines)
            _put(f"incremental_predictions/predictions-{index:05}-of-{shards:05}.jsonl", draft, batch, state)
    if fault is None:
        _put("predictions.jsonl", whole, batch, state)
    whole.unlink(missing_ok=True)
    return count


def _rows(batch: Batch, state: State) -> Iterator[bytes]:
    """Read the rows that ran, in a drawn order and as faults have them."""
    ran = [(row, offset) for row, offset, _ in places(batch, state)]
    Draws(state.settings.seed, "order", batch.number, "predictions").shuffle(ran)
    edit = editor(batch, _altered)
    for row, custom_id, line in ledger_lines(state.ledgers.path(batch.id), ran):
        yield from edit(row, custom_id, line)


def _cut(lines: Iterable[bytes], size: int, overlap: int) -> Iterator[list[bytes]]:
    """Cut lines into shards, each beginning with the last `overlap` lines of the one before."""
    left, last = iter(lines), deque[bytes](maxlen=overlap)
    while shard := list(islice(left, size)):
        yield [*last, *shard]
        last.extend(shard)


def _put(name: str, draft: Path, batch: Batch, state: State) -> None:
    """Make an object of what was written."""
    bucket, folder = place(batch.request["directory"])
    found = hashes(draft)
    facts = {"crc32c": found.crc32c, "md5": found.md5, "content_type": _OCTETS, "metadata": {}, "uploaded": False}
    with state.changed:
        state.objects.put(draft, bucket, f"{folder}/{name}", state.clock.now(), **facts)


def _altered(line: bytes) -> bytes:
    """Change what a row says."""
    row: Body = orjson.loads(line)
    candidates = (row.get("response") or {}).get("candidates") or [{}]
    parts = (candidates[0].get("content") or {}).get("parts") or []
    if parts:
        parts[0]["text"] = "another answer"
    else:
        row["status"] = failed_status(500, {"error": {"code": 500, "message": "Internal error encountered."}})
    return orjson.dumps(row) + b"\n"
