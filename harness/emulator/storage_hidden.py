"""Which objects a fault still hides: those that a job has written and that are to come late."""

from __future__ import annotations

from .state import State
from .storage_objects import StoredObject
from .visits import results_hidden


def hidden(one: StoredObject, state: State) -> bool:
    """Say whether an object cannot be seen yet."""
    if one.uploaded:
        return False
    held = (batch for batch in state.batches.all("vertex") if results_hidden(batch))
    return any(f"gs://{one.bucket}/{one.name}".startswith(batch.request["directory"] + "/") for batch in held)
