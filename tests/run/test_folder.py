"""The run folder: claimed once, locked while driven, refused when damaged."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import HarnessError, Stopped
from harness.run import folder
from harness.run.clock import RunClock
from tests.conftest import Project


def test_runs_that_start_together_get_folders_of_their_own(tmp_path: Path) -> None:
    wanted = tmp_path / "outputs" / "day" / "run"
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: folder.claim(wanted).path, range(8)))
    assert {path.name for path in claimed} == {"run", *(f"run-{n}" for n in range(2, 9))}


def test_a_refused_run_leaves_no_folder_but_touches_no_other(tmp_path: Path) -> None:
    first, second = folder.claim(tmp_path / "day" / "run"), folder.claim(tmp_path / "day" / "run")
    folder.discard(second)
    assert first.path.is_dir()
    folder.discard(first)
    assert list(tmp_path.iterdir()) == []


def test_a_run_key_fits_every_provider() -> None:
    assert all(re.fullmatch(r"k(?=[a-z]*[2-7])[a-z2-7]{12}", folder.new_run_key()) for _ in range(100))


def test_a_second_driver_hears_who_holds_the_run(tmp_path: Path) -> None:
    lock = folder.Lock(tmp_path)
    assert folder.is_driven(tmp_path)
    with pytest.raises(Stopped, match=r"process \d+ on .* drives this run"):
        folder.Lock(tmp_path)
    lock.release()
    assert not folder.is_driven(tmp_path)
    folder.Lock(tmp_path).release()


@pytest.mark.parametrize("missing", ["settings.json", "plan.json", "journal.jsonl"])
def test_a_damaged_run_folder_is_refused_with_what_is_missing(project: Project, missing: str) -> None:
    ended = project.run(until="submitted")
    (ended.folder / missing).unlink()
    with pytest.raises(HarnessError, match=missing):
        project.resume(ended.folder)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no such run folder"):
        folder.read(tmp_path / "nowhere")
    with pytest.raises(HarnessError, match=r"settings\.json is missing"):
        folder.read(tmp_path)


def test_a_clock_at_speed_counts_more_than_passes_and_never_starts_before_its_time() -> None:
    clock = RunClock(5_000_000_000.0, 1000.0)
    before = clock.now()
    clock.sleep(5.0)
    assert before >= 5_000_000_000.0
    assert clock.now() - before >= 5.0
