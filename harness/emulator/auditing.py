"""What was executed, counted from the state on disk: the proof that a client never paid twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from . import journal
from .ledger import Ledgers, read


def audit(state_dir: Path | str) -> dict[str, Any]:
    """Count what the emulator of this folder did; it may be running.

    `executed` counts lines that a model answered, which is what a client pays for; `refused` those that ran into an
    error. A row that stands in two batches counts twice.
    """
    root = Path(state_dir)
    rows: Counter[str] = Counter()
    bodies: Counter[str] = Counter()
    refused = 0
    ledgers = root / "ledgers"
    for _, entry in Ledgers(ledgers).all() if ledgers.exists() else ():
        if entry.ok:
            rows[entry.custom_id] += 1
            bodies[entry.digest] += 1
        else:
            refused += 1
    statuses, uploads = _statuses(root), _uploads(root)
    return {
        "executed": rows.total(),
        "executed_more_than_once": sum(times > 1 for times in rows.values()),
        "executed_by_custom_id_max": max(rows.values(), default=0),
        "bodies": len(bodies),
        "bodies_executed_more_than_once": sum(times > 1 for times in bodies.values()),
        "executed_by_body_max": max(bodies.values(), default=0),
        "refused": refused,
        "direct": sum(entry.ok for entry in read(root / "direct.receipts")),
        "batches": dict(sorted(Counter(statuses.values()).items())),
        "creates": len(statuses),
        "uploads": uploads,
    }


def _records(path: Path) -> list[dict[str, Any]]:
    """Read a journal that may be growing: a last line without an end is not there yet."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [journal.decode(line) for line in lines]


def _statuses(root: Path) -> dict[str, str]:
    statuses: dict[str, str] = {}
    for record in _records(root / "batches.jsonl"):
        if "status" in record:
            statuses[record["id"]] = record["status"]
    return statuses


def _uploads(root: Path) -> int:
    files = [record["file"] for record in _records(root / "files.jsonl") if "file" in record]
    objects = [record["object"] for record in _records(root / "objects.jsonl") if "object" in record]
    return sum([*(file["purpose"] != "batch_output" for file in files), *(bool(one["uploaded"]) for one in objects)])
