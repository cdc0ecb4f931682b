"""Nothing is left of a Gemini batch that is cancelled or deleted while its output is being written."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.emulator import jobs
from harness.emulator.batches import Batch
from harness.emulator.gemini_files import find
from harness.emulator.gemini_lane import deliver
from harness.emulator.gemini_outputs import discard, output_of, visible
from harness.emulator.problems import Problem
from harness.emulator.runner import Runner
from harness.emulator.simulated import Simulated
from harness.emulator.site import Site
from harness.emulator.state import Settings, State, open_state


def begun(state: State, *, inline: bool) -> Batch:
    life = jobs.draw(0, 1)
    asked = {"inline": inline, "version": "v1"}
    batch = Batch("b", 1, 0.0, life, "lines", asked, lane="gemini", status="finalizing", total=1, completed=1)
    state.batches.add(batch)
    return batch


def left(state: State) -> list[str]:
    return [path.name for path in (state.root / "files").iterdir()]


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("change", [{"deleted": True}, {"status": "cancelling"}])
def test_an_output_that_nobody_wants_any_more_is_not_kept(tmp_path: Path, inline: bool, change: dict[str, str]) -> None:
    state = open_state(tmp_path, Settings(speed=0), real_now=1e9)
    batch = begun(state, inline=inline)
    made = deliver(batch, state, "completed", 5)
    assert made == {"output_file_id": output_of(batch)}
    state.batches.change(batch, **change)  # before the runner has noted what was made
    if batch.deleted:
        discard(batch, state)
    else:
        assert deliver(batch, state, "cancelled", 6) == {}
    assert left(state) == []
    assert deliver(batch, state, "completed", 7) == {}
    assert left(state) == []
    state.close()


def test_an_output_is_seen_through_its_batch_alone(tmp_path: Path) -> None:
    state = open_state(tmp_path, Settings(speed=0), real_now=1e9)
    site = Site(state, Runner(state, Simulated(state)))
    batch = begun(state, inline=False)
    made = deliver(batch, state, "completed", 5)
    assert isinstance(find("files/batch-b", site), Problem)
    state.batches.change(batch, status="completed", **made)
    file = find("files/batch-b", site)
    assert not isinstance(file, Problem)
    state.batches.change(batch, deleted=True)
    assert not visible(file, state)
    state.close()
