"""Gemini over the Gemini API and on Vertex AI: what only these lanes have, and the default endpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.configure.compose import composed
from harness.emulator import Settings, serve_in_thread
from harness.errors import ConfigError
from harness.run.planning import plan_all
from tests.conftest import Project, lines
from tests.run.lanes import Lane, attempts, came, those
from tests.run.test_faults import events, outcomes
from tests.run.test_lanes import harness

DONE = (0, {"answered": 30})
ON_VERTEX = those(lambda lane: lane.name == "vertex")
ON_GEMINI = those(lambda lane: lane.name == "gemini")


@ON_VERTEX
def test_requests_and_answers_lie_in_a_folder_of_the_runs_key_until_they_are_cleaned(lane: Project) -> None:
    ended = lane.run("batch.clean=none")
    assert came(ended) == DONE
    [started] = events(ended, "started")
    files = [event["file"] for event in events(ended, "uploaded")]
    assert len(files) == 3
    assert all(file.startswith(f"gs://simulated/harness/{started['run_key']}-000") for file in files)
    folders = [event["files"]["output"] for event in events(ended, "ended")]
    assert sorted(folder.rsplit("/", 2)[0] for folder in folders) == sorted(file.rsplit("/", 1)[0] for file in files)


@ON_VERTEX
def test_an_id_stands_in_the_labels_too_where_that_is_wished_also_when_it_is_sent_again(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "line_error", "rows": [0, 1], "status": 503, "times": 1}])
    ended = lane.run("provider.id_as_label=true")
    assert came(ended) == DONE
    assert sorted(set(attempts(ended))) == [1, 2]
    for path in sorted(ended.folder.glob("batches/*/requests.jsonl")):
        for row in lines(path):
            assert row["request"]["labels"] == {"harness_id": row["custom_id"]}


@ON_VERTEX
@pytest.mark.parametrize("overlap", [0, 3])
def test_shards_are_read_where_the_final_file_is_missing_each_row_once(lane: Project, overlap: int) -> None:
    lane.emulator.set_faults([{"fault": "shards_only", "shards": 3, "overlap": overlap}])
    ended = lane.run()
    assert came(ended) == DONE
    assert set(attempts(ended)) == {1}
    written = [line for path in ended.folder.glob("batches/*/output.jsonl") for line in lines(path)]
    assert len(written) == 30


@ON_VERTEX
def test_a_job_that_succeeded_in_part_is_at_its_end(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "partially_succeeded"}])
    ended = lane.run()
    assert came(ended) == DONE
    assert {event["status"] for event in events(ended, "ended")} >= {"JOB_STATE_PARTIALLY_SUCCEEDED"}


@ON_VERTEX
def test_counts_that_are_missing_from_an_answer_are_no_reason_to_lose_it(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "missing_total", "share": 1.0}])
    assert came(lane.run()) == DONE


@ON_VERTEX
def test_a_bucket_that_is_not_there_is_named(lane: Project) -> None:
    ended = lane.run("provider.bucket=somebody-elses")
    assert ended.code == 3
    assert "provider.bucket: somebody-elses" in lane.said.getvalue()
    assert lane.emulator.audit()["executed"] == 0


@ON_VERTEX
def test_rows_that_the_importer_would_refuse_are_refused_before_a_folder_is_made(lane: Project) -> None:
    with pytest.raises(ConfigError, match=r"generate\.extra: tools\[\]\.google_search is an empty object"):
        lane.run("generate.extra={tools:[{google_search:{}}]}")
    assert not (lane.folder / "outputs").exists()


@ON_VERTEX
@pytest.mark.parametrize("missing", ["project", "bucket", "location"])
def test_a_setting_that_vertex_needs_is_asked_for_by_name(lane: Project, missing: str) -> None:
    with pytest.raises(ConfigError, match=f"provider.{missing}: not set; Vertex AI needs it"):
        lane.run(f"provider.{missing}=null")


NAMED = ("provider.project=p", "provider.bucket=bucket-1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "provider.project: not set"),
        (("provider.project=p", "provider.bucket=gs://b"), "provider.bucket: the bare name is expected"),
        (
            ("provider.project=p", "provider.bucket=bucket-1", "provider.location=global"),
            "https://aiplatform.googleapis.com",
        ),
        (
            ("provider.project=p", "provider.bucket=bucket-1"),
            "provider.access_token_env: no credentials; put an access token",
        ),
    ],
)
def test_what_calls_to_vertex_lack_is_said_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # google-auth would look for a metadata server
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("GOOGLE_APPLICATION_CREDENTIALS", "VERTEX_ACCESS_TOKEN", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    ended = harness(tmp_path, "model=gemini-2.5-flash", "provider=vertex", "endpoint=live", *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert not (tmp_path / "outputs").exists()


@ON_VERTEX
def test_a_token_goes_with_every_call_and_stays_out_of_the_files(
    lane: Project, facts: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "ya29.planted-token-of-a-test"
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", secret)
    books = lane.folder / "books"
    settings = Settings(speed=1000.0, api_key=secret, rates={"right": 1.0}, answers="key", books=books)
    with serve_in_thread(lane.folder / "locked", settings) as emulator:
        lane.emulator = emulator
        lane.more = facts.words(lane.url)
        assert came(lane.run()) == DONE
        monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.another-one")
        refused = lane.run()
    assert refused.code == 3
    for path in (lane.folder / "outputs").rglob("*"):
        assert not path.is_file() or b"ya29." not in path.read_bytes(), path


@ON_GEMINI
def test_a_file_that_is_gone_before_its_batch_was_made_is_uploaded_again(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "insufficient_quota", "on": "create_batch", "times": 1}])
    stopped = lane.run("batch.max_in_flight=1")
    assert stopped.code == 3
    lane.emulator.advance(49 * 3600.0)  # uploads live for 48 hours
    ended = lane.resume(stopped.folder)
    assert came(ended) == DONE
    assert [event["batch"] for event in events(ended, "uploaded")] == ["0001", "0001", "0002", "0003"]


@ON_VERTEX
@pytest.mark.parametrize("command", ["clean", "resume"])
def test_commands_on_a_run_say_what_calls_to_vertex_lack(
    lane: Project, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "t")
    folder = lane.run(until="submitted").folder
    (folder / "settings.json").write_text((folder / "settings.json").read_text().replace("127.0.0.1", "vertex.invalid"))
    for variable in ("GOOGLE_APPLICATION_CREDENTIALS", "VERTEX_ACCESS_TOKEN", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("HOME", str(lane.folder))
    ended = harness(lane.folder, command, str(folder))
    assert ended.returncode == 2
    assert "provider.access_token_env: no credentials" in ended.stderr


@ON_VERTEX
def test_an_approved_plan_binds_project_and_bucket(lane: Project) -> None:
    live = ["provider.project=simulated-p", "provider.bucket=simulated-b"]
    [plan] = plan_all(composed(lane.words(*live)))
    assert plan.destination["cloud"]["bucket"] == "simulated-b"
    for moved in (["provider.project=simulated-q", live[1]], [live[0], "provider.bucket=simulated-c"]):
        with pytest.raises(ConfigError, match="approved_plan"):
            lane.run(*moved, f"approved_plan={plan.digest}")
    assert came(lane.run(*live, f"approved_plan={plan.digest}")) == DONE


@ON_GEMINI
def test_a_lost_batch_is_found_behind_many_pages(lane: Project) -> None:
    from google import genai

    options = genai.types.HttpOptions(base_url=lane.url.rstrip("/"))
    with genai.Client(vertexai=False, api_key="k", http_options=options) as sdk:
        body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
        for _ in range(130):
            sdk.batches.create(model="gemini-2.5-flash", src=[body])
    lane.emulator.set_faults([{"fault": "create_answer_lost", "times": 1}])
    ended = lane.run("batch.size=2")
    assert came(ended) == DONE
    assert lane.emulator.audit()["executed_by_custom_id_max"] in (1, 130)  # theirs have no id


@ON_GEMINI
def test_what_a_cancelled_batch_had_answered_is_said_to_be_lost(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "stuck", "times": 9}])
    run = lane.run(until="look").folder
    ended = lane.resume(run, cancel=True)
    assert outcomes(ended) == {"cancelled": 30}
    said = {line["error"]["message"] for line in lines(run / "results.jsonl")}
    assert said <= {
        "the batch was cancelled, and what it had answered is not handed out",
        "the run was cancelled before this batch was sent",
    }


# ---- the default endpoint


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        *[("gemini-2.5-flash", "gemini"), ("gemini-3.8-flash", "gemini"), ("gemini-4-argon", "gemini")],
        *[("gemini-2.5-pro", "vertex"), ("gemini-3-flash-preview", "vertex")],
    ],
)
def test_a_model_runs_on_the_default_endpoint(tmp_path: Path, model: str, provider: str) -> None:
    ended = harness(tmp_path, f"model={model}", f"provider={provider}")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    [folder] = (tmp_path / "outputs").glob(f"*/*-sentiment-{model}")
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    assert summary["coverage"] == 1.0
    assert 0.55 <= summary["scores"]["accuracy"]["mean"] <= 1.0
    assert summary["outcomes"]["answered"] >= 100
    served = {line["model_served"] for line in lines(folder / "results.jsonl")} - {None}
    assert served == {model}


def test_a_project_and_a_bucket_of_ones_own_are_no_hindrance_to_a_simulation(tmp_path: Path) -> None:
    words = ["model=gemini-2.5-flash", "provider=vertex", "provider.project=mine", "provider.bucket=my-own"]
    ended = harness(tmp_path, *words, "task.dataset.limit=12")
    assert ended.returncode == 0, ended.stderr + ended.stdout


@pytest.mark.parametrize("task", ["arithmetic", "extraction", "routing", "summary"])
def test_every_task_is_answered_on_both_lanes(tmp_path: Path, task: str) -> None:
    words = ["model=gemini-2.5-flash", "provider=gemini,vertex", f"task={task}", "task.dataset.limit=24"]
    ended = harness(tmp_path, "-m", *words)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    found = [json.loads(path.read_text()) for path in (tmp_path / "outputs").glob("*/*-sweep/*/summary.json")]
    assert len(found) == 2
    assert all(summary["coverage"] == 1.0 for summary in found)
    assert all(summary["outcomes"].get("invalid", 0) <= 6 for summary in found)
