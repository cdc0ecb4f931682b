"""The lane of Anthropic: no upload, no label, one file of results; over the wire and on the default endpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project, lines
from tests.run.test_faults import events, outcomes
from tests.run.test_lanes import harness

SERVED = ["claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-8", "claude-sonnet-5", "claude-opus-5-5"]


@pytest.fixture
def lane(project: Project) -> Project:
    project.model, project.path = "claude-haiku-4-5", "/"
    return project


def test_a_strangers_batch_of_equal_size_is_waited_for_and_left_alone(lane: Project) -> None:
    import anthropic

    params: Any = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    with anthropic.Anthropic(base_url=lane.url, api_key="k") as sdk:
        sdk.messages.batches.create(requests=[{"custom_id": f"theirs-{n}", "params": params} for n in range(12)])
    lane.emulator.set_faults([{"fault": "create_500_then_ok", "times": 1}])
    ended = lane.run()
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    audit = lane.emulator.audit()
    assert (audit["creates"], audit["executed"], audit["executed_by_custom_id_max"]) == (4, 42, 1)
    assert not any(event["adopted"] for event in events(ended, "created"))


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "rate_limited", "on": "create_batch", "retry_after": 400, "times": 3},
        {"fault": "create_answer_lost", "times": 3},
    ],
)
def test_a_folder_that_moves_while_batches_are_created_is_resumed(lane: Project, fault: dict[str, Any]) -> None:
    lane.emulator.set_faults([fault])
    run = lane.run(until="look").folder
    moved = run.with_name("moved")
    run.rename(moved)
    ended = lane.resume(moved)
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})
    audit = lane.emulator.audit()
    assert (audit["creates"], audit["executed_by_custom_id_max"]) == (3, 1)


def test_the_version_that_the_facts_choose_is_spoken(lane: Project) -> None:
    ended = lane.run("generate.temperature=0")  # refused by every model under the newer version
    assert (ended.code, outcomes(ended)) == (0, {"answered": 30})


@pytest.mark.parametrize(
    "words", [("model=custom", "provider=anthropic"), ("model=custom", "model.api=messages", "provider=openai")]
)
def test_a_model_whose_api_a_provider_does_not_speak_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = harness(tmp_path, "model.id=any", *words)
    assert ended.returncode == 2
    assert "choose another of them" in ended.stderr
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("model", SERVED)
def test_a_model_runs_on_the_default_endpoint(tmp_path: Path, model: str) -> None:
    ended = harness(tmp_path, f"model={model}")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    [folder] = (tmp_path / "outputs").glob(f"*/*-sentiment-{model}")
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    assert summary["coverage"] == 1.0
    assert 0.55 <= summary["scores"]["accuracy"]["mean"] <= 1.0
    assert summary["outcomes"]["answered"] >= 100


def test_models_of_four_providers_leave_four_folders_and_one_table(tmp_path: Path) -> None:
    models = "o3-mini,claude-haiku-4-5,gpt-oss-120b,gemma-3-27b-it"
    ended = harness(tmp_path, "-m", f"model={models}", "task.dataset.limit=24")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    [sweep] = tmp_path.glob("outputs/*/*-sweep")
    assert len(list(sweep.glob("*/summary.json"))) == 4
    assert all(f"model={model}" in (sweep / "sweep.md").read_text().replace("\\", "") for model in models.split(","))


def test_requests_of_many_tasks_go_out_and_come_back(tmp_path: Path) -> None:
    words = ["-m", "task=extraction,routing,summary", "model=claude-sonnet-4-5", "task.dataset.limit=24"]
    ended = harness(tmp_path, *words)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    for path in tmp_path.glob("outputs/*/*-sweep/*/results.jsonl"):
        assert sum(line["outcome"] == "answered" for line in lines(path)) >= 20
