"""The doctor on every lane that conf/ has: what must work wherever it can, and what it may delete."""

from __future__ import annotations

from harness.configure.compose import composed
from harness.run.doctor import examine
from tests.conftest import Project
from tests.run.lanes import Lane, came, those

DONE = (0, {"answered": 30})
ORPHANED = "orphaned: no run folder under outputs/"


def doctor(lane: Project, *words: str, clean: bool = False) -> tuple[bool, list[str]]:
    """Return whether all is well, and what was said."""
    begun = len(lane.said.getvalue())
    well = examine(composed(lane.words(*words)), lane.console(), clean=clean, model=True)
    return well, lane.said.getvalue()[begun:].splitlines()


def test_all_is_well_and_no_trace_is_left(lane: Project, facts: Lane) -> None:
    well, said = doctor(lane)
    assert well, said
    assert not [line for line in said if line.startswith("FAILS")]
    assert ("was uploaded and deleted again" in "\n".join(said)) == (facts.deletes_files and facts.name != "anthropic")
    assert said[-1] == "ours at the provider, as far as it lists them: 0 files, 0 batches"
    audit = lane.emulator.audit()
    assert (audit["executed"], audit["creates"]) == (0, 0)


@those(lambda lane: lane.deletes_files and lane.name != "anthropic")
def test_the_input_files_of_a_run_that_is_gone_from_here_are_shown_and_deleted_and_answers_stay(lane: Project) -> None:
    assert came(lane.run("batch.clean=none")) == DONE
    _, said = doctor(lane)
    assert not any(ORPHANED in line for line in said)
    (lane.folder / "outputs").rename(lane.folder / "elsewhere")
    _, said = doctor(lane)
    assert sum(ORPHANED in line for line in said) == 1
    going = [line for line in said if line.startswith("  file") and line.endswith("may go")]
    assert len(going) == 3
    well, said = doctor(lane, clean=True)
    assert well, said
    assert said[-1] == "deleted at the provider: 3 of ours"
    _, said = doctor(lane)
    assert not [line for line in said if line.endswith("may go")]
    assert any("what it was answered may lie nowhere else" in line for line in said)


@those(lambda lane: lane.name == "vertex")
def test_a_bucket_that_is_not_there_is_named(lane: Project) -> None:
    well, said = doctor(lane, "provider.bucket=somebody-elses")
    assert not well
    [wrong] = [line for line in said if line.startswith("FAILS  files")]
    assert "provider.bucket: somebody-elses" in wrong


@those(lambda lane: lane.name == "gemini")
def test_a_model_that_is_not_served_is_named(lane: Project) -> None:
    well, said = doctor(lane, "model=custom", "model.id=gemini-0-nothing", "model.api=generate_content")
    assert not well
    assert any(line.startswith("FAILS  model") and "check model.id" in line for line in said)
