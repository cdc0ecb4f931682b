"""`init`: a project that runs at once, and never a file that was there before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.configure.compose import composed
from harness.configure.starting import STARTER, begin_project
from harness.errors import ConfigError
from harness.run.planning import plan_all


def test_a_new_project_has_task_experiment_scorer_and_readme_and_plans_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = begin_project(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    assert {path.relative_to(tmp_path / "mine").parts[0] for path in written} == {
        *("README.md", "conf", "scorers", "templates")
    }
    [plan] = plan_all(composed([]))
    assert (plan.task["name"], plan.counts["requests"]) == ("tickets", 10)
    [other] = plan_all(composed(["experiment=tickets-two-models", "model=gpt-4.1-mini"]))
    assert other.model["parameters"]["temperature"] == 0


def test_its_readme_fits_a_screen_and_its_samples_have_the_labels_of_its_schema() -> None:
    assert len((STARTER / "README.md").read_text().splitlines()) <= 40
    samples = (STARTER / "templates" / "tickets" / "samples.jsonl").read_text().splitlines()
    schema = json.loads((STARTER / "templates" / "tickets" / "schema.json").read_text())
    assert {json.loads(line)["label"] for line in samples} == set(schema["properties"]["label"]["enum"])
    assert len(samples) == 10


def test_a_folder_with_other_files_is_fine(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "conf").mkdir()
    begin_project(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["README.md", "conf/task/tickets.yaml", "scorers/short_enough.py"])
def test_nothing_is_overwritten_and_nothing_is_half_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"nothing was written, it has .*{name} already"):
        begin_project(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "mine"


def test_what_cannot_be_written_is_a_sentence_and_leaves_no_files(tmp_path: Path) -> None:
    (tmp_path / "templates").write_text("a file where a folder is needed")
    with pytest.raises(ConfigError, match="cannot be written"):
        begin_project(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["templates"]
