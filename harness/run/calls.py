"""Carry out one action: call the provider or work on the run's files, and return the events that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import ProviderError
from harness.providers.protocol import Client, Provider
from harness.run.actions import Cancel, Clean, Collect, Create, Fetch, Find, Poll, Upload
from harness.run.state import BatchState
from harness.settings import Settings
from harness.types import BatchStatus, Error, run_key_in

NEVER_SENT = Error("cancelled", "the run was cancelled before this batch was sent")
SHORT_TRIES = 2  # downloads that may come short of the counters before these are taken to lie
CUT_TRIES = 8  # the same, of a file that ends within a line: there the counters are right

Event = dict[str, Any]
CollectBatch = Callable[[Path, Error | None], Event]  # batch folder, error of the whole batch → the event's fields


@dataclass(frozen=True)
class Lane:
    """What calls need: the provider's module and client, and the run's folder."""

    provider: Provider
    client: Client
    settings: Settings
    folder: Path
    run_key: str
    collect: CollectBatch
    scrub: Callable[[str], str]  # takes keys out of a provider's words

    def batch(self, name: str) -> Path:
        """Return a batch's folder."""
        return self.folder / "batches" / name


def input_of(lane: Lane, batch: str, file: str) -> str:
    """Return what the provider takes as input file: its id, or where there is no upload, the requests on our disk.

    The folder may have moved since the batch was prepared, so a path is never read from the journal.
    """
    return file if lane.provider.UPLOADS else str(lane.batch(batch) / "requests.jsonl")


def upload(lane: Lane, action: Upload) -> list[Event]:
    """Upload a batch's requests under a name that carries the run's key."""
    path = lane.batch(action.batch) / "requests.jsonl"
    file = lane.provider.upload(lane.client, path, f"{lane.run_key}-{action.batch}.jsonl")
    return [{"event": "uploaded", "batch": action.batch, "file": file}]


def create(lane: Lane, action: Create) -> list[Event]:
    """Create a batch; its intent is in the journal already."""
    file = input_of(lane, action.batch, action.file)
    identity = lane.provider.create(lane.client, file, action.key, lane.settings)
    return [{"event": "created", "batch": action.batch, "id": identity, "adopted": False}]


def find(lane: Lane, action: Find, known: str | None, taken: Collection[str]) -> list[Event]:
    """Look for a batch by its key; `known` is its id where it had answered before, `taken` are ids of other batches."""
    file = input_of(lane, action.batch, action.file)
    found = lane.provider.find(lane.client, action.key, file, action.since)
    found = [candidate for candidate in found if candidate.id not in taken]
    if known is None and (doubtful := [candidate.id for candidate in found if not candidate.proven]):
        if not (proven := [candidate for candidate in found if candidate.proven]):
            return [{"event": "undecided", "batch": action.batch, "candidates": doubtful}]
        found = proven
    if known is not None:
        found = [candidate for candidate in found if candidate.id == known]
    if not found:
        return [{"event": "not_found", "batch": action.batch}]
    if len(found) > 1:
        ids = [candidate.id for candidate in found]
        reason = f"several batches at the provider carry its key: {', '.join(ids)}"
        return [{"event": "question", "batch": action.batch, "reason": reason, "candidates": ids}]
    if known is not None:
        return [{"event": "looked", "batch": action.batch, "status": "listed", "completed": 0, "failed": 0}]
    return [{"event": "created", "batch": action.batch, "id": found[0].id, "adopted": True}]


def poll(lane: Lane, action: Poll, batches: dict[str, BatchState]) -> list[Event]:
    """Look at all running batches; only what is new becomes a line of the journal."""
    ids = [str(batches[name].id) for name in action.batches]
    statuses = lane.provider.poll(lane.client, ids)
    return [_seen(lane, batches[name], status) for name, status in zip(action.batches, statuses, strict=True)]


def _seen(lane: Lane, batch: BatchState, status: BatchStatus) -> Event:
    event: Event = {
        "batch": batch.name,
        "status": status.status,
        "completed": status.completed,
        "failed": status.failed,
        "total": status.total,
    }
    if status.look_after is not None:
        event["look_after"] = status.look_after
    if status.phase == "vanished":
        return {"event": "gone", "batch": batch.name}
    if status.phase == "unknown":
        event["unknown"] = True
    if status.phase != "ended":
        return {"event": "looked" if status.status == batch.status else "seen", **event}
    error = {**asdict(status.error), "message": lane.scrub(status.error.message)} if status.error else None
    return {"event": "late" if status.late else "ended", **event, "files": dict(status.files), "error": error}


def fetch(lane: Lane, action: Fetch, batch: BatchState) -> list[Event]:
    """Download what the provider kept of a batch."""
    status = BatchStatus(str(batch.id), "ended", batch.status, files=batch.files)
    fetched = lane.provider.fetch(lane.client, status, lane.batch(batch.name))
    short = _lines(fetched.output) < batch.completed or _lines(fetched.errors) < batch.failed
    cut = _is_cut(fetched.output) or _is_cut(fetched.errors)
    if short and batch.failures < (CUT_TRIES if cut else SHORT_TRIES):
        raise ProviderError("download: fewer lines than the batch's counters say", kind="retryable")
    return [{"event": "fetched", "batch": batch.name, "bytes": fetched.bytes}]


def _is_cut(path: Path | None) -> bool:
    """Tell whether a file ends within a line."""
    if path is None or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"


def _lines(path: Path | None) -> int:
    """Count the whole lines of a file."""
    if path is None:
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def collect(lane: Lane, action: Collect, batch: BatchState) -> list[Event]:
    """Judge a batch's answers."""
    error = Error(**batch.error) if batch.error else None
    if action.cancelled:
        error = NEVER_SENT
    return [{"event": "collected", "batch": batch.name, **lane.collect(lane.batch(batch.name), error)}]


def cancel(lane: Lane, action: Cancel, batch: BatchState) -> list[Event]:
    """Ask the provider to cancel a batch."""
    lane.provider.cancel(lane.client, str(batch.id))
    return [{"event": "cancelling", "batch": batch.name}]


def clean(lane: Lane, action: Clean) -> list[Event]:
    """Delete a batch's files at the provider; a file that cannot be deleted is no reason to stop."""
    provider, refused = lane.settings.provider, None
    if not provider.deletes_files:
        refused = f"{provider.name} has no call that deletes a file"
        return [{"event": "cleaned", "batch": action.batch, "files": [], "refused": refused}]
    try:
        lane.provider.clean(lane.client, action.files)
    except ProviderError as error:
        if error.kind == "retryable":
            raise
        refused = lane.scrub(str(error))
    return [{"event": "cleaned", "batch": action.batch, "files": list(action.files), "refused": refused}]


def stray(lane: Lane) -> set[str]:
    """Return the files at the provider that carry the run's key, such as an upload whose answer was lost."""
    if not lane.provider.UPLOADS:
        return set()
    ours = lane.provider.belongings(lane.client)
    return {one.id for one in ours if one.kind == "file" and run_key_in(one.name) == lane.run_key}
