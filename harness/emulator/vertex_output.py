"""What a job leaves in its bucket: rows in no order, in shards while it runs, then as one file."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import orjson

from .batches import Batch
from .delivery import editor, ledger_lines, places
from .draws import Draws
from .execution import Body
from .state import State
from .storage_hashes import hashes
from .vertex_create import place
from .vertex_ids import renamed
from .vertex_strikes import failed_status

_SHARDS = 2  # how Google cuts is not known
_FINAL = "predictions.jsonl"
_OCTETS = "application/octet-stream"


def export(batch: Batch, state: State) -> int:
    """Write all rows that ran; returns how many there are. A repetition after a kill writes the same."""
    ran = _ran(batch, state)
    for index in range(-(-len(ran) // _size(batch))):
        _put(_name(index), _shard(index, ran, batch, state), batch, state, _always)
    if batch.fault("shards_only") is None:
        Draws(state.settings.seed, "order", batch.number, "predictions").shuffle(ran)
        _put(_FINAL, _written(ran, batch, state), batch, state, _always)
    return len(ran)


def export_early(batch: Batch, state: State) -> None:
    """Write the shards that are full while a job still runs; they are written while nobody has to wait."""

    def missing(name: str) -> bool:
        bucket, folder = place(batch.request["directory"])
        return not batch.ended and state.objects.get(bucket, f"{folder}/{name}") is None

    with state.changed:
        new = [index for index in range(batch.done // _size(batch)) if missing(_name(index))]
    try:
        ran = _ran(batch, state) if new else []
        for index in new:
            _put(_name(index), _shard(index, ran, batch, state), batch, state, missing)
    except FileNotFoundError:  # the ledger: the job has ended meanwhile, and all that ran is written
        return


def _always(_name: str) -> bool:
    return True


def _size(batch: Batch) -> int:
    """Count the rows of a full shard."""
    shards: int = (batch.fault("shards_only") or {}).get("shards", _SHARDS)
    return max(1, -(-batch.total // max(1, shards)))


def _name(index: int) -> str:
    return f"incremental_predictions/predictions-{index:05}.jsonl"


def _ran(batch: Batch, state: State) -> list[tuple[int, int]]:
    """Find the rows that ran, in that order: row, offset in the ledger."""
    return [(row, offset) for row, offset, _ in places(batch, state)]


def _shard(index: int, ran: list[tuple[int, int]], batch: Batch, state: State) -> Path:
    """Write a shard; by a fault it begins with the last rows of the one before."""
    size, overlap = _size(batch), (batch.fault("shards_only") or {}).get("overlap", 0)
    mine = ran[max(0, index * size - overlap) : (index + 1) * size]
    Draws(state.settings.seed, "order", batch.number, index).shuffle(mine)
    return _written(mine, batch, state)


def _written(ran: list[tuple[int, int]], batch: Batch, state: State) -> Path:
    """Write rows to a draft, as faults have them."""
    draft, edit = state.objects.draft(secrets.token_hex(8)), editor(batch, _altered, rename=renamed)
    try:
        with draft.open("wb") as sink:
            for row, custom_id, line in ledger_lines(state.ledgers.path(batch.id), ran):
                sink.writelines(edit(row, custom_id, line))
    except FileNotFoundError:
        draft.unlink()
        raise
    return draft


def _put(name: str, draft: Path, batch: Batch, state: State, wanted: Callable[[str], bool]) -> None:
    """Make an object of what was written, if it still is wanted."""
    bucket, folder = place(batch.request["directory"])
    found = hashes(draft)
    facts = {"crc32c": found.crc32c, "md5": found.md5, "content_type": _OCTETS, "metadata": {}, "uploaded": False}
    with state.changed:
        if wanted(name):
            state.objects.put(draft, bucket, f"{folder}/{name}", state.clock.now(), **facts)
        else:
            draft.unlink()


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
