"""Read which runs have their folder here, and what their journals say of what lies at the provider."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import orjson

from harness.errors import HarnessError
from harness.run import folder, journal
from harness.run.fold import fold
from harness.run.inventory import Here
from harness.run.status import word
from harness.types import Belonging

NEWEST = 100  # runs that are read although nothing at the provider carries their key: it may keep no labels


def runs_here(outputs: Path) -> dict[str, Path]:
    """Return the folder of each run, by run key, the newest first; of copies the first by name."""
    found: dict[str, Path] = {}
    for path in sorted((path.parent for path in outputs.glob("**/journal.jsonl")), reverse=True):
        if key := _key_of(path):
            found.setdefault(key, path)
    return found


def _key_of(path: Path) -> str | None:
    """Read the key in the first line of a journal; None where that is damaged."""
    try:
        with (path / "journal.jsonl").open("rb") as lines:
            return str(orjson.loads(lines.readline())["run_key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_runs(folders: Mapping[str, Path], keys: frozenset[str]) -> dict[str, Here]:
    """Return what is known here of the runs with these keys, and of the newest others."""
    others = set(islice((key for key in folders if key not in keys), NEWEST))
    return {key: _read(key, path) for key, path in folders.items() if key in keys or key in others}


def _read(key: str, path: Path) -> Here:
    try:
        stored, events = folder.read(path), journal.of_run(path)
    except HarnessError:
        return Here(str(path), "damaged, or refused before anything was sent", False)
    state, endpoint = fold(stored.batches, events), stored.settings.endpoint
    gone = {file for event in events if event["event"] == "cleaned" for file in event["files"]}
    batches = {
        batch.id: Belonging("batch", batch.id, f"{key}-{batch.name}", batch.created_at or None, batch.status)
        for batch in state.batches.values()
        if batch.id and batch.id not in gone
    }
    return Here(
        str(path),
        word(path, state),
        state.finished and not folder.is_driven(path),
        frozenset(file for batch in state.batches.values() for file in batch.files.values()),
        batches,
        stored.settings.provider.base_url if endpoint.name == "live" else None,
    )
