"""`score`: the answers that are here, judged anew beside the old results, without a call."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

import harness
from harness.errors import ConfigError
from harness.report.check import check
from harness.run.rescore import Rescored, rescore
from tests.conftest import Project, lines

SCORER = "def score(result, target):\n    return result['answer'] != target\n"


def again(project: Project, run: Path, *overrides: str) -> Rescored:
    return rescore(run, overrides, [project.folder / "templates"], project.folder / "scorers")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "rescored" not in path.parts
    }


def test_the_same_judging_gives_the_same_results_and_touches_nothing(project: Project) -> None:
    run = project.run().folder
    before, sent = files(run), project.emulator.audit()
    found = again(project, run)
    assert files(run) == before
    assert project.emulator.audit() == sent
    assert (found.folder / "results.jsonl").read_bytes() == (run / "results.jsonl").read_bytes()
    assert found.summary == harness.open(run).summary
    assert found.folder.parent == run / "rescored"
    assert sorted(path.name for path in found.folder.iterdir()) == [
        *("errors.jsonl", "metadata.json", "report.md", "results.jsonl", "settings.json", "summary.json", "task")
    ]


def test_other_scorers_give_other_scores(project: Project) -> None:
    run = project.run().folder
    (project.folder / "scorers").mkdir()
    (project.folder / "scorers" / "wrong.py").write_text(SCORER)
    found = again(project, run, "task.scorers.opposite={kind: wrong, answer: colour}")
    right, opposite = (score["mean"] for score in found.summary["scores"].values())
    assert right == harness.open(run).summary["scores"]["accuracy"]["mean"]
    assert opposite == pytest.approx(1 - right)
    assert (found.folder / "task" / "scorers" / "wrong.py").read_text() == SCORER
    alone = again(project, run, "task.scorers.opposite={kind: wrong, answer: colour}", "~task.scorers.accuracy")
    assert (alone.summary["headline"], list(alone.summary["scores"])) == ("opposite", ["opposite"])
    assert check(alone.summary, f"score=={opposite}").holds


def test_a_changed_schema_of_the_project_judges_and_is_told(project: Project) -> None:
    run = project.run().folder
    path = project.folder / "templates" / "colours" / "schema.json"
    schema = json.loads(path.read_text())
    schema["properties"]["colour"]["maxLength"] = 4
    path.write_text(json.dumps(schema))
    green = sum(line["parsed"] == {"colour": "green"} for line in lines(run / "results.jsonl"))
    found = again(project, run)
    assert found.summary["outcomes"]["invalid"] == green > 0
    notes = harness.open(found.folder).metadata["notes"]
    assert notes[:2] == ["judged anew", f"schema.json has changed since the run, from {path}"]
    assert {line["outcome"] for line in lines(run / "results.jsonl")} == {"answered"}


def test_without_the_project_the_runs_own_copies_judge(project: Project, tmp_path: Path) -> None:
    run = project.run().folder.resolve()
    found = rescore(run, [], [tmp_path / "elsewhere"], tmp_path / "elsewhere")
    assert found.summary == harness.open(run).summary


def test_every_file_is_valid_under_its_schema(project: Project) -> None:
    found = again(project, project.run().folder, "task.extract=strict")
    for name in ("summary", "metadata"):
        schema = json.loads((Path(next(iter(harness.__path__))) / "schemas" / f"{name}.json").read_text())
        jsonschema_rs.validate(schema, json.loads((found.folder / f"{name}.json").read_text()))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task.dataset.limit=3"], "task.dataset.limit: answers that are here can be judged anew, not asked for"),
        (["task.epochs.count=2"], "task.epochs.count: answers that are here"),
        (["task=other"], "task: answers that are here"),
        (["task.extract=loose"], "task.extract: input should be 'strict', 'fenced' or 'anywhere'"),
        (["task.extract"], "task.extract: write task.extract=VALUE to set it"),
        (["~task.scorers.other"], "task.scorers.other: no such setting"),
        (["~task.scorers.accuracy"], "task.scorers: name at least one scorer"),
        (["task.scorers.accuracy.kind=none"], "task.scorers.accuracy: unknown scorer 'none'"),
        (["task.scorers.accuracy.answer=color"], "task.scorers.accuracy: answer: color leads nowhere"),
        (["task.scorers.n={kind: numeric, answer: colour}"], "sample 's00000': the target must be a number"),
        (["task.schema=none.json"], "task.schema: there is no none.json in"),
        (["task.schema=../../../plan.json"], "task.schema: ../../../plan.json: a schema lies in its task's folder"),
        (["task.schema=/etc/hostname"], "task.schema: /etc/hostname: a schema lies in its task's folder"),
        (["task.schema=broken.json"], "task.schema: broken.json:1: not valid JSON"),
        (["task.epochs={reducer: mode}"], "task.epochs: answers that are here"),
        (["task.epochs.reducer=pass_at_k", "task.epochs.k=2"], "task.epochs: pass_at_k needs k between 1 and"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(project: Project, words: list[str], said: str) -> None:
    run = project.run().folder
    (project.folder / "templates" / "colours" / "broken.json").write_text("{")
    with pytest.raises(ConfigError) as caught:
        again(project, run, *words)
    assert str(caught.value).startswith(said)
    assert not (run / "rescored").exists()


def test_what_is_not_answered_yet_is_pending(project: Project) -> None:
    run = project.run(until="submitted").folder
    found = again(project, run)
    assert found.summary["outcomes"]["pending"] + found.summary["outcomes"]["answered"] == 30
    assert found.summary["outcomes"]["pending"] > 0
