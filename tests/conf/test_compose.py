"""Every YAML that ships composes and builds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.configure.compose import asset_dir, composed
from harness.settings import Capabilities, Settings

CONF = asset_dir("conf")
# What a group's file needs beside it.
BESIDE = {
    "model": {"custom": ["model.id=x"]},
    "batch": {},
    "endpoint": {"live": ["model=gpt-4o-mini"]},  # the default model is retired
    "executor": {},
    "experiment": {},
    "generate": {},
    "provider": {},
    "task": {"default": ["task.name=t", "+task.scorers={right: {kind: includes}}"]},
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose what ships, in a folder without a conf of its own."""
    monkeypatch.chdir(tmp_path)


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def settings(*overrides: str) -> Settings:
    return composed(overrides).jobs[0].settings


def _homes(model: str) -> list[str]:
    """Return the providers that a model names."""
    facts = yaml.safe_load((CONF / "model" / f"{model}.yaml").read_text())
    return [facts["home"], *facts["ids"]]


def test_every_group_is_looked_at_here() -> None:
    assert {path.name for path in CONF.iterdir() if path.is_dir()} == {*BESIDE, "capabilities"}


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in BESIDE for name in names(group)])
def test_a_file_of_a_group_composes_and_builds(group: str, name: str) -> None:
    serves = next((one for one in names("model") if name in _homes(one)), None) if group == "provider" else None
    found = settings(f"{group}={name}", *BESIDE[group].get(name, []), *([f"model={serves}"] if serves else []))
    if group in ("model", "provider", "task", "endpoint"):
        assert getattr(found, group).name == {"task/default": "t"}.get(f"{group}/{name}", name)


@pytest.mark.parametrize("name", names("capabilities"))
def test_a_family_is_called_as_its_file_and_gives_evidence_for_every_fact(name: str) -> None:
    facts = Capabilities.model_validate(yaml.safe_load((CONF / "capabilities" / f"{name}.yaml").read_text()))
    assert facts.family == name
    assert set(facts.evidence) == facts.model_fields_set - {"family", "evidence"}


def test_a_custom_model_takes_the_facts_of_any_family() -> None:
    found = settings("model=custom", "model.id=x", "capabilities@model.capabilities=openai_gpt_6_astra")
    assert found.model.capabilities is not None
    assert found.model.capabilities.family == "openai_gpt_6_astra"


def test_the_models_of_the_mission_and_of_every_family_are_there() -> None:
    wanted = {"o1-mini", "o3-mini", "o4-mini", "gpt-4o-mini", "gpt-4.1-mini", "gpt-5-mini", "gpt-5.1"}
    assert set(names("model")) >= wanted | {"gpt-5.6-terra", "gpt-6-luna", "gpt-6-astra", "custom"}


def test_the_defaults_are_those_of_the_mission() -> None:
    found = settings()
    assert (found.endpoint.name, found.endpoint.simulated) == ("local", True)
    batch = found.batch
    assert (batch.size, batch.window, batch.poll.min, batch.poll.max) == (12, "24h", 5, 10)
    assert (batch.retry.api_attempts, batch.retry.request_attempts) == (24, 24)
    assert found.output.txt_limit == 10_000


def test_large_batches_are_large() -> None:
    assert settings("batch=large").batch.size == 10_000


def test_what_a_user_would_guess_works() -> None:
    found = settings(
        *("model=custom", "model.id=my-tune", "endpoint=live", "provider.base_url=http://127.0.0.1:8000/v1"),
        *("provider.api_key_env=null", "batch.size=500", "generate.temperature=0", "generate.stop=[END]"),
        *(
            "task.dataset.limit=20",
            "batch.deadline=30h",
            "model.ids={openai: other}",
            "model.prices={input:1,output:2}",
            "task.scorers.accuracy.tolerance=0.5",
            "generate.extra.top_k=5",
            "task.messages.0.template=user.j2",
        ),
    )
    assert (found.model_id(), found.provider.base_url) == ("other", "http://127.0.0.1:8000/v1")
    assert (found.batch.size, found.task.dataset.limit, found.asked()["temperature"]) == (500, 20, 0)
    assert found.batch.window == "24h"
    assert found.task.scorers["accuracy"].options() == {"tolerance": 0.5}
    assert found.generate.extra == {"top_k": 5}
    assert found.task.messages[0].template == "user.j2"


def test_an_experiment_changes_what_it_names_and_can_be_changed_itself() -> None:
    found = settings("experiment=sentiment-temperature-0")
    assert (found.model.name, found.generate.temperature) == ("gpt-4o-mini", 0)
    found = settings("experiment=sentiment-temperature-0", "model=gpt-4.1-mini", "generate.temperature=1")
    assert (found.model.name, found.generate.temperature) == ("gpt-4.1-mini", 1)


def test_no_shipped_yaml_names_code() -> None:
    assert [path.name for path in CONF.rglob("*.yaml") if "_target_" in path.read_text(encoding="utf-8")] == []
