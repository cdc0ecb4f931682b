"""The lanes of Groq and kluster.ai: what a run does with each, over the wire and on the default endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from harness.configure.compose import composed
from harness.run.driver import clean
from tests.conftest import Project, lines
from tests.run.test_faults import events, outcomes

SERVED = [
    *("gpt-oss-120b", "gpt-oss-20b", "llama-3.3-70b-versatile", "llama-3.1-8b-instant", "llama-4-scout"),
    *("deepseek-r1-0528", "deepseek-v3-0324", "gemma-3-27b-it", "llama-3.3-70b-turbo", "qwen3-235b-a22b"),
]


@pytest.fixture
def kluster(project: Project) -> Project:
    project.model, project.path = "gemma-3-27b-it", "/kluster/v1"
    return project


@pytest.fixture
def groq(project: Project) -> Project:
    project.model, project.path = "gpt-oss-20b", "/openai/v1"
    return project


def client(project: Project) -> openai.OpenAI:
    return openai.OpenAI(base_url=project.url, api_key="k", max_retries=0)


def test_a_lost_batch_is_found_behind_many_pages(groq: Project) -> None:
    with client(groq) as sdk:
        line = {"custom_id": "x", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}}
        file = sdk.files.create(file=("in.jsonl", json.dumps(line).encode()), purpose="batch")
        for _ in range(45):
            sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    groq.emulator.set_faults([{"fault": "create_answer_lost", "times": 1}])
    ended = groq.run("batch.size=2")
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    assert groq.emulator.audit()["executed_by_custom_id_max"] == 1


def test_a_line_that_met_no_capacity_is_sent_again(groq: Project) -> None:
    groq.emulator.set_faults(
        [{"fault": "line_error", "rows": [0], "status": 498, "code": "capacity_exceeded", "times": 1}]
    )
    ended = groq.run()
    assert outcomes(ended) == {"answered": 30}
    attempts = [result["attempts"] for result in lines(ended.folder / "results.jsonl")]
    assert (attempts.count(1), attempts.count(2)) == (29, 1)


def test_the_input_files_are_deleted_where_that_is_possible(groq: Project) -> None:
    ended = groq.run()
    with client(groq) as sdk:
        left = sdk.files.with_raw_response.list().http_response.json()["data"]
    assert {file["purpose"] for file in left} == {"batch_output"}
    assert all(event["refused"] is None for event in events(ended, "cleaned"))
    assert clean(ended.folder, groq.console()) == 3
    assert clean(ended.folder, groq.console()) == 0


def test_clean_finds_what_was_uploaded_and_forgotten(groq: Project) -> None:
    groq.samples(240)
    run = groq.run("batch.clean=none", "batch.size=2").folder
    assert clean(run, groq.console()) == 240
    with client(groq) as sdk:
        assert sdk.files.with_raw_response.list().http_response.json()["data"] == []


# ---- windows


@pytest.mark.parametrize(
    ("deadline", "window"),
    [("1h", "1h"), ("150m", "1h"), ("6h", "6h"), ("11h", "6h"), ("1d", "24h"), ("60h", "48h"), ("30d", "72h")],
)
def test_a_deadline_picks_the_longest_window_that_fits(kluster: Project, deadline: str, window: str) -> None:
    [job] = composed(kluster.words(f"batch.deadline={deadline}")).jobs
    assert job.settings.batch.window == window


def test_a_batch_is_created_with_the_window_of_the_deadline(kluster: Project) -> None:
    ended = kluster.run("batch.deadline=6h")
    assert ended.code == 0
    with client(kluster) as sdk:
        assert {batch.completion_window for batch in sdk.batches.list()} == {"6h"}


def test_a_week_is_on_offer_at_groq(groq: Project) -> None:
    ended = groq.run("batch.window=7d", "batch.size=30")
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    with client(groq) as sdk:
        [batch] = sdk.batches.list().data
    assert batch.completion_window == "7d"


@pytest.mark.parametrize(
    ("model", "word", "said"),
    [
        ("gemma-3-27b-it", "batch.deadline=30m", "batch.deadline: no window on offer fits 30m; have: 1h, 3h, 6h"),
        ("gpt-oss-20b", "batch.deadline=6h", "batch.deadline: no window on offer fits 6h; have: 24h, 48h, 7d"),
        ("gemma-3-27b-it", "batch.window=7d", "batch.window: kluster does not offer 7d"),
        ("gpt-oss-20b", "provider=openai", "provider: gpt-oss-20b is not served by openai; have: groq"),
    ],
)
def test_what_is_not_on_offer_is_exit_2_and_leaves_no_folder(tmp_path: Path, model: str, word: str, said: str) -> None:
    ended = harness(tmp_path, f"model={model}", word)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert not (tmp_path / "outputs").exists()


def test_a_retired_model_needs_a_yes_on_the_live_endpoint(tmp_path: Path) -> None:
    ended = harness(tmp_path, "model=deepseek-r1-0528", "endpoint=live")
    assert ended.returncode == 2
    assert "deepseek-r1-0528 is retired" in ended.stderr


# ---- the default endpoint


def harness(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("model", SERVED)
def test_a_model_runs_on_the_default_endpoint(tmp_path: Path, model: str) -> None:
    ended = harness(tmp_path, f"model={model}")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    [folder] = (tmp_path / "outputs").glob(f"*/*-sentiment-{model}")
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    assert summary["coverage"] == 1.0
    assert 0.55 <= summary["scores"]["accuracy"]["mean"] <= 0.97
    assert summary["outcomes"]["answered"] >= 100
    served = {line["model_served"] for line in lines(folder / "results.jsonl")} - {None}
    assert len(served) == 1


@pytest.mark.parametrize("model", ["gpt-oss-120b", "gemma-3-27b-it"])
def test_a_run_that_was_left_is_taken_up_where_it_was(tmp_path: Path, model: str) -> None:
    left = harness(tmp_path, f"model={model}", "task.dataset.limit=24", "--detach")
    assert left.returncode == 3, left.stderr + left.stdout
    [folder] = (tmp_path / "outputs").glob("*/*")
    done = harness(tmp_path, "resume", str(folder))
    assert done.returncode == 0, done.stderr + done.stdout
    assert {line["attempts"] for line in lines(folder / "results.jsonl")} == {1}


def test_models_of_several_providers_run_in_one_sweep(tmp_path: Path) -> None:
    models = ["o3-mini", "claude-haiku-4-5", "gemini-2.5-flash", "gpt-oss-120b"]
    ended = harness(tmp_path, "-m", f"model={','.join(models)}", "task.dataset.limit=12")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert len(list((tmp_path / "outputs").glob("*/*-sweep/*/summary.json"))) == 4
    [table] = (tmp_path / "outputs").glob("*/*-sweep/sweep.md")
    assert all(f"model={model}" in table.read_text() for model in models)


def test_a_model_runs_at_each_provider_that_serves_it_under_the_name_it_has_there(tmp_path: Path) -> None:
    ended = harness(tmp_path, "model=llama-4-scout", "provider=kluster", "task.dataset.limit=12")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    [results] = (tmp_path / "outputs").glob("*/*/results.jsonl")
    assert {line["model_served"] for line in lines(results)} == {"meta-llama/Llama-4-Scout-17B-16E-Instruct"}


def test_thoughts_stay_in_the_text_and_out_of_the_verdict(tmp_path: Path) -> None:
    ended = harness(tmp_path, "model=deepseek-r1-0528", "task=summary", "task.dataset.limit=24")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    [folder] = (tmp_path / "outputs").glob("*/*-summary-*")
    answered = [line for line in lines(folder / "results.jsonl") if line["outcome"] == "answered"]
    assert answered
    assert all("<think>" in line["text"] for line in answered)
    other = harness(tmp_path, "model=deepseek-v3-0324", "task=summary", "task.dataset.limit=24")
    assert other.returncode == 0
    scores = [
        json.loads(path.read_text())["scores"] for path in sorted((tmp_path / "outputs").glob("*/*/summary.json"))
    ]
    [first, second] = [next(iter(score.values()))["mean"] for score in scores]
    assert abs(first - second) < 0.3


def test_the_plan_says_where_the_schema_goes_and_what_it_costs(tmp_path: Path) -> None:
    plan = harness(tmp_path, "plan", "model=gpt-oss-120b", "--format", "json")
    assert plan.returncode == 0, plan.stderr
    told = json.loads(plan.stdout)
    assert told["cost"]["expected"] > 0
    plan = harness(tmp_path, "plan", "model=gemma-3-27b-it")
    assert "takes no JSON Schema" in plan.stdout
