"""What a job writes while it runs keeps nobody waiting, and what comes too late is not written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.emulator import jobs
from harness.emulator.batches import Batch
from harness.emulator.ledger import Entry
from harness.emulator.state import Settings, State, open_state
from harness.emulator.storage_objects import Objects
from harness.emulator.vertex_importer import Importer, RefusedError
from harness.emulator.vertex_output import export, export_early


class Told(Objects):
    """Tells when somebody begins to write."""

    def __init__(self, root: Path, tell: Callable[[], None]) -> None:
        super().__init__(root)
        self._tell = tell

    def draft(self, name: str) -> Path:
        self._tell()
        return super().draft(name)


def begun(state: State) -> Batch:
    """Have three of four rows run."""
    asked = {"directory": "gs://simulated/out/x", "uris": [], "prefix": "gs://simulated/out"}
    life = jobs.draw(0, 1)
    batch = Batch("7", 1, 0.0, life, "lines", asked, lane="vertex", status="in_progress", total=4, completed=3)
    state.batches.add(batch)
    state.ledgers.append("7", [Entry(True, "0" * 16, (0, 0, 0, 0), f'"q-{i}"', b"{}") for i in range(3)])
    return batch


def names(state: State) -> list[str]:
    return [name.split("/", 2)[2] for name in state.objects.names("simulated", "")]


def test_a_shard_is_written_while_others_may_go_on(tmp_path: Path) -> None:
    state, free = open_state(tmp_path, Settings(speed=0), real_now=1e9), []

    def look() -> None:
        with state.changed:
            free.append(True)

    def tell() -> None:
        other = threading.Thread(target=look, daemon=True)
        other.start()
        other.join(5)

    batch = begun(state)
    state.objects.close()
    state.objects = Told(tmp_path, tell)
    export_early(batch, state)
    assert free == [True]
    assert names(state) == ["incremental_predictions/predictions-00000.jsonl"]
    export_early(batch, state)
    assert free == [True]  # it is there already
    state.close()


@pytest.mark.parametrize("ledger", ["kept", "gone"])
def test_a_job_that_ends_meanwhile_has_written_all_itself(tmp_path: Path, ledger: str) -> None:
    state = open_state(tmp_path, Settings(speed=0), real_now=1e9)
    batch = begun(state)

    def tell() -> None:
        state.batches.change(batch, status="completed")
        if ledger == "gone":
            state.ledgers.path("7").unlink()

    state.objects.close()
    state.objects = Told(tmp_path, tell)
    export_early(batch, state)
    assert (names(state), list((tmp_path / "objects").iterdir())) == ([], [])
    state.close()


def test_all_rows_that_ran_are_written(tmp_path: Path) -> None:
    state = open_state(tmp_path, Settings(speed=0), real_now=1e9)
    assert export(begun(state), state) == 3
    assert len(names(state)) == 3
    state.close()


def test_an_input_that_is_too_large_is_not_even_read() -> None:
    with pytest.raises(RefusedError, match="more than 1073741824 bytes"):
        Importer().fit((1 << 30) + 1)
    with pytest.raises(RefusedError, match="Row 1 has more than 100000000 bytes"):
        Importer().look(b" " * 100_000_001)
