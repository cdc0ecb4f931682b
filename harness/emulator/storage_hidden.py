"""Which objects a fault still hides: those that a job has written and that are to come late."""

from __future__ import annotations

from .state import State
from .storage_objects import StoredObject
from .visits import results_hidden


def late_folders(state: State) -> tuple[str, ...]:
    """Name the folders of jobs whose results cannot be seen yet."""
    held = (batch for batch in state.batches.all("vertex") if batch.faults and results_hidden(batch))
    return tuple(batch.request["directory"] + "/" for batch in held)


def hidden(one: StoredObject, folders: tuple[str, ...]) -> bool:
    """Say whether an object cannot be seen yet."""
    return not one.uploaded and f"gs://{one.bucket}/{one.name}".startswith(folders)
