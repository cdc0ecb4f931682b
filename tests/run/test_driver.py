"""Resume, sweeps and endings, over the wire."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from harness.configure.compose import Asked, composed
from harness.errors import Stopped
from harness.run import folder
from harness.run.driver import Ended, begin
from tests.conftest import Project, lines


def test_a_changed_dataset_is_noted_and_the_plan_is_kept(project: Project) -> None:
    ended = project.run(until="submitted")
    project.samples(5)
    again = project.resume(ended.folder)
    assert again.summary["requests"] == 30
    assert "the dataset has changed" in project.said.getvalue()


def test_a_scorer_that_went_missing_stops_the_run_and_loses_nothing(project: Project) -> None:
    (project.folder / "scorers").mkdir()
    (project.folder / "scorers" / "mine.py").write_text("def score(result, target):\n    return 1.0\n")
    ended = project.run("+task.scorers.own={kind: mine}", until="submitted")
    copy = ended.folder / "task" / "scorers" / "mine.py"
    code = copy.read_text()
    copy.unlink()
    stopped = project.resume(ended.folder)
    assert (stopped.code, stopped.stopped) == (3, "error")
    assert "mine" in stopped.reason
    copy.write_text(code)
    again = project.resume(ended.folder)
    assert (again.code, again.summary["scores"]["own"]["mean"]) == (0, 1.0)
    assert project.emulator.audit()["executed_by_custom_id_max"] == 1


def test_a_run_of_a_sweep_that_stops_does_not_touch_the_others(project: Project) -> None:
    dead = ["provider.base_url=http://127.0.0.1:9/v1", "batch.retry.api_attempts=2"]
    words = [project.words("hydra.run.dir=outputs/good"), project.words("hydra.run.dir=outputs/dead", *dead)]
    good, bad = begin(Asked(tuple(composed(word).jobs[0] for word in words)), project.console())
    assert (good.code, good.summary["outcomes"]["answered"]) == (0, 30)
    assert (bad.code, bad.stopped, bad.summary["outcomes"]["pending"]) == (3, "attempts", 30)


def test_a_second_process_is_told_who_drives_the_run(project: Project) -> None:
    ended = project.run(until="submitted")
    lock = folder.Lock(ended.folder)
    with pytest.raises(Stopped, match="drives this run"):
        project.resume(ended.folder)
    lock.release()


def test_a_note_from_elsewhere_cancels_a_run_that_is_driven(project: Project) -> None:
    ended: list[Ended] = []
    words = ["batch.max_in_flight=1", "endpoint.speed=50"]
    thread = threading.Thread(target=lambda: ended.append(project.run(*words)))
    thread.start()
    while not list(project.folder.glob("outputs/*/*/lock")):
        time.sleep(0.005)
    folder.leave_note(next(project.folder.glob("outputs/*/*/lock")).parent, "cancel")
    thread.join(20)
    assert ended[0].stopped is None
    assert ended[0].summary["outcomes"]["cancelled"] > 0


def test_a_folder_that_is_deleted_under_the_run_prints_what_flies(project: Project) -> None:
    import shutil

    ended: list[Ended] = []
    thread = threading.Thread(target=lambda: ended.append(project.run("endpoint.speed=20")))
    thread.start()
    while not list(project.folder.glob("outputs/*/*/batches/0003/samples.jsonl")):
        time.sleep(0.005)
    while project.emulator.audit()["creates"] < 3:
        time.sleep(0.005)
    time.sleep(0.05)
    shutil.rmtree(next(project.folder.glob("outputs/*/*")))
    thread.join(20)
    assert (ended[0].code, ended[0].stopped) == (3, "folder")
    assert "batch_" in ended[0].reason


def test_epochs_ask_each_sample_several_times_and_reduce(project: Project) -> None:
    ended = project.run("task.epochs.count=3", "task.epochs.reducer=pass_at_k", "task.epochs.k=2")
    results = lines(ended.folder / "results.jsonl")
    assert [(result["row"], result["epoch"]) for result in results] == [(n, n % 3) for n in range(90)]
    assert ended.summary["scores"]["accuracy"]["n"] == 30
    assert len(list((ended.folder / "results").iterdir())) == 90


def test_a_run_that_is_finished_can_be_resumed_without_a_call(project: Project) -> None:
    ended = project.run()
    before = project.emulator.audit()
    again = project.resume(ended.folder)
    assert again.code == 0
    assert project.emulator.audit() == before


def test_a_provider_key_is_never_written(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = "sk-planted-0123456789abcdef"
    monkeypatch.setenv("PLANTED_KEY", key)
    project.emulator.set_faults([{"fault": "echo_key", "on": "create_batch"}])
    ended = project.run("provider.api_key_env=PLANTED_KEY")
    assert ended.stopped == "auth"
    assert key not in project.said.getvalue() + ended.reason
    assert not any(key.encode() in path.read_bytes() for path in ended.folder.rglob("*") if path.is_file())
