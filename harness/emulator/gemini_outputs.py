"""The output of a Gemini batch: there for a client only while its batch is, and only once that has succeeded."""

from __future__ import annotations

from .batches import Batch
from .files import StoredFile
from .gemini_names import NAME, stored
from .state import State

GENERATED = "batch_output"


def output_of(batch: Batch) -> str:
    """Name what a batch leaves in the store, by its id alone; that of an inline batch is no file of the client's."""
    return f"{batch.id}_responses.jsonl" if batch.request["inline"] else stored(f"batch-{batch.id}")


def wanted(batch: Batch) -> bool:
    """Say whether a client still waits for what a batch makes; the caller holds the state."""
    return not batch.deleted and batch.status != "cancelling"


def visible(file: StoredFile, state: State) -> bool:
    """Say whether a client may see a file: an upload always, an output through its batch."""
    if file.purpose != GENERATED:
        return True
    batch = state.batches.get(file.id.removeprefix(stored("batch-")), NAME)
    return batch is not None and batch.output_file_id == file.id


def discard(batch: Batch, state: State) -> None:
    """Remove what a batch has left, if it has left anything; the caller holds the state."""
    output = output_of(batch)
    if state.files.get(output, state.clock.now()) is not None:
        state.files.delete(output)
    state.files.discard(output)
