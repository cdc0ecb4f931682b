"""Resume, sweeps and endings, over the wire."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.configure.compose import Asked, composed
from harness.errors import ConfigError, HarnessError, Stopped
from harness.run import folder
from harness.run.conclude import rebuild
from harness.run.driver import Answers, Ended, begin, clean, resume
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


def test_a_crash_while_requests_are_packed_again_leaves_a_run_that_can_be_resumed(project: Project) -> None:
    project.emulator.set_faults([{"fault": "missing_lines", "rows": [0], "batch": [1]}])
    ended = project.run(until="submitted")
    half = ended.folder / "batches" / "0004"
    half.mkdir()
    (half / "requests.jsonl").write_bytes(b"half a li")
    again = project.resume(ended.folder)
    assert (again.code, again.summary["outcomes"]["answered"]) == (0, 30)


@pytest.mark.parametrize("answer", [{"adopt": {"0001": "batch_x"}}, {"resend": ["0002"]}, {"resend": ["0009"]}])
def test_an_answer_that_nobody_asked_for_is_refused(project: Project, answer: dict[str, Any]) -> None:
    ended = project.run(until="submitted")
    with pytest.raises(ConfigError, match=r"asks nothing|there is no batch"):
        project.resume(ended.folder, **answer)
    assert project.resume(ended.folder).code == 0
    assert project.emulator.audit()["executed_by_custom_id_max"] == 1


def test_settings_are_not_changed_by_a_process_that_may_not_drive(project: Project) -> None:
    ended = project.run(until="submitted")
    before = (ended.folder / "settings.json").read_bytes()
    lock = folder.Lock(ended.folder)
    with pytest.raises(Stopped):
        project.resume(ended.folder, "batch.on_stuck=resend")
    lock.release()
    assert (ended.folder / "settings.json").read_bytes() == before


@pytest.mark.parametrize("word", ["batch={}", "batch.size.x=1", "batch.min_coverage.x=1", "output.txt_limit=["])
def test_an_override_that_cannot_be_taken_is_one_line(project: Project, word: str) -> None:
    ended = project.run(until="submitted")
    with pytest.raises(ConfigError, match=r"^(batch|output)"):
        project.resume(ended.folder, word)


def test_a_resume_cannot_go_around_the_budget(project: Project) -> None:
    ended = project.run("max_cost=100", until="submitted")
    with pytest.raises(ConfigError, match="max_cost"):
        project.resume(ended.folder, "batch.retry.paid_outcomes=[truncated]")


def test_a_download_that_is_cut_without_a_sign_is_fetched_again_and_not_paid_again(project: Project) -> None:
    project.emulator.set_faults([{"fault": "truncated_download", "silent": True}])
    ended = project.run()
    assert (ended.code, ended.summary["outcomes"]["answered"]) == (0, 30)
    assert project.emulator.audit()["executed"] == 30


def test_a_key_in_the_error_of_a_line_is_scrubbed_from_everything_but_the_raw_bytes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-planted-0123456789abcdef"
    monkeypatch.setenv("PLANTED_KEY", key)
    words = {"status": 401, "message": f"Incorrect API key provided: {key}."}
    project.emulator.set_faults([{"fault": "line_error", "rows": [0], **words}])
    ended = project.run("provider.api_key_env=PLANTED_KEY")
    assert ended.stopped == "auth"
    written = [path for path in ended.folder.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert {path.name for path in written} <= {"errors.jsonl"}
    assert all(path.parent.parent.name == "batches" for path in written)
    assert key not in project.said.getvalue() + ended.reason


def test_bytes_that_went_lost_are_not_blamed_on_the_provider(project: Project) -> None:
    run = project.run().folder
    path = run / "batches" / "0001" / "output.jsonl"
    before, whole = (run / "summary.json").read_bytes(), path.read_bytes()
    path.write_bytes(whole[:200])
    with pytest.raises(HarnessError, match=r"batch 0001 have 200 bytes, but [\d,]+ were fetched; restore them"):
        rebuild(run)
    assert (run / "summary.json").read_bytes() == before
    path.write_bytes(whole)
    assert rebuild(run)["outcomes"]["answered"] == 30


@pytest.mark.parametrize("name", ["task/schema.json", "batches/0001/samples.jsonl"])
def test_a_damaged_folder_says_what_to_restore(project: Project, name: str) -> None:
    run = project.run().folder
    (run / name).write_bytes((run / name).read_bytes()[:40])
    with pytest.raises(HarnessError, match=r"damaged.*from a copy"):
        rebuild(run)


def test_a_journal_without_its_plan_is_no_new_run(project: Project) -> None:
    run = project.run(until="submitted").folder
    path = run / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:50])
    created = project.emulator.audit()["creates"]
    with pytest.raises(HarnessError, match="damaged, it does not say that the run was planned"):
        project.resume(run)
    assert project.emulator.audit()["creates"] == created


def test_a_second_clean_finds_nothing(project: Project) -> None:
    run = project.run("batch.clean=none").folder
    assert clean(run, project.console()) > 0
    assert clean(run, project.console()) == 0


def test_what_failed_is_part_of_why_a_run_stopped(project: Project) -> None:
    ended = project.run("provider.base_url=http://127.0.0.1:1/v1", "batch.retry.api_attempts=2")
    assert ended.stopped == "attempts"
    assert "2 calls in a row failed: " in ended.reason
    assert ended.flying == 0


def test_a_cancelled_run_does_not_speak_of_sending_again(project: Project) -> None:
    run = project.run("batch.size=10", until="submitted").folder
    resume(run, Answers({}, (), cancel=True), [], project.console(), "finished")
    assert "collected: " in project.said.getvalue()
    assert "sent again" not in project.said.getvalue()
