"""What a job leaves in its bucket: rows in no order, in shards while it runs, then as one file."""

from __future__ import annotations

import secrets
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

_SHARDS = 2  # how Google cuts is not known
_FINAL = "predictions.jsonl"
_OCTETS = "application/octet-stream"


def export(batch: Batch, state: State) -> int:
    """Write all rows that ran; returns how many there are. A repetition after a kill writes the same."""
    ran = _ran(batch, state)
    for index in range(-(-len(ran) // _size(batch))):
        _shard(index, ran, batch, state)
    if batch.fault("shards_only") is None:
        Draws(state.settings.seed, "order", batch.number, "predictions").shuffle(ran)
        _write(_FINAL, ran, batch, state)
    return len(ran)


def export_early(batch: Batch, state: State) -> None:
    """Write the shards that are full while a job still runs."""
    with state.changed:  # holds up the end of the job, after which its ledger may be gone
        full = 0 if batch.ended else batch.done // _size(batch)
        bucket, folder = place(batch.request["directory"])
        new = [i for i in range(full) if state.objects.get(bucket, f"{folder}/{_name(i)}") is None]
        if new:
            ran = _ran(batch, state)
            for index in new:
                _shard(index, ran, batch, state)


def _size(batch: Batch) -> int:
    """Count the rows of a full shard."""
    shards: int = (batch.fault("shards_only") or {}).get("shards", _SHARDS)
    return max(1, -(-batch.total // max(1, shards)))


def _name(index: int) -> str:
    return f"incremental_predictions/predictions-{index:05}.jsonl"


def _ran(batch: Batch, state: State) -> list[tuple[int, int]]:
    """Find the rows that ran, in that order: row, offset in the ledger."""
    return [(row, offset) for row, offset, _ in places(batch, state)]


def _shard(index: int, ran: list[tuple[int, int]], batch: Batch, state: State) -> None:
    """Write a shard; by a fault it begins with the last rows of the one before."""
    size, overlap = _size(batch), (batch.fault("shards_only") or {}).get("overlap", 0)
    mine = ran[max(0, index * size - overlap) : (index + 1) * size]
    Draws(state.settings.seed, "order", batch.number, index).shuffle(mine)
    _write(_name(index), mine, batch, state)


def _write(name: str, ran: list[tuple[int, int]], batch: Batch, state: State) -> None:
    """Make an object of rows, as faults have them."""
    draft, edit = state.objects.draft(secrets.token_hex(8)), editor(batch, _altered)
    with draft.open("wb") as sink:
        for row, custom_id, line in ledger_lines(state.ledgers.path(batch.id), ran):
            sink.writelines(edit(row, custom_id, line))
    _put(name, draft, batch, state)


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
