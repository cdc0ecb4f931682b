"""What is checked before the first row: everything, and all mistakes at once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, HarnessError, TemplateError
from harness.prepare.ready import Ready, make_ready, requests
from tests.build import settings

ROW = b'{"id":"1","text":"x","label":"y"}\n'
LEAVING = {"retired": False, "retires_on": "2027-01-02", "source": "s", "checked": "2026-11-01"}
SYSTEM_AND_USER = [{"role": "system", "template": "system.j2"}, {"role": "user", "template": "user.j2"}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The task `t` with one row."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "templates" / "t"
    folder.mkdir(parents=True)
    (folder / "samples.jsonl").write_bytes(ROW)
    (folder / "system.j2").write_text("S")
    (folder / "user.j2").write_text("{{ text }}")
    return folder


def ready(folder: Path, found: tuple[str, ...] = (), model_name: str = "gpt-4o-mini", **changes: Any) -> Ready:
    return make_ready(settings(model_name, **changes), (folder.parent,), lambda schema: list(found))


def mistakes(folder: Path, found: tuple[str, ...] = (), **changes: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        ready(folder, found, **changes)
    return list(caught.value.problems)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    (folder / "user.j2").write_text("{% if %}")
    (folder / "system.j2").write_text("\n{{ 1 // 0 }}")
    task = {
        "messages": [*SYSTEM_AND_USER, {"role": "user", "template": "nowhere.j2"}, {"role": "user", "content": "{{"}],
        "dataset": {"path": "nowhere.jsonl"},
        "target": "{{ label",
        "schema": "nowhere.json",
    }
    found = mistakes(folder, ("task.scorers.x: no such scorer",), task=task)
    starts = ["task.schema: there is no", "task.scorers.x: no such", "system.j2:2: ZeroDivisionError"]
    starts += ["user.j2:1: Expected an expression", "task.messages[2].template: there is no"]
    starts += ["task.messages[3].content:1: "]
    starts += ["task.target:1: ", "task.dataset.path: no such file"]
    assert [line[: len(start)] for line, start in zip(found, starts, strict=True)] == starts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type":\n object}', "task.schema: schema.json:2: not valid JSON"),
        ("[]", "task.schema: schema.json must hold a JSON object"),
        ("", "task.schema: schema.json:1: not valid JSON"),
    ],
)
def test_a_schema_that_is_no_json_object_is_refused(text: str, said: str, folder: Path) -> None:
    (folder / "schema.json").write_text(text)
    assert mistakes(folder, task={"schema": "schema.json"})[0].startswith(said)


def test_a_schema_keeps_the_order_of_its_keys(folder: Path) -> None:
    schema = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}, "required": ["z"]}
    (folder / "schema.json").write_text("\ufeff" + json.dumps(schema), encoding="utf-8")
    found = ready(folder, task={"schema": "schema.json"}).schema
    assert json.dumps(found) == json.dumps(schema)


def test_the_mistakes_of_the_judge_are_passed_on(folder: Path) -> None:
    assert mistakes(folder, ("task.scorers.x: unknown",)) == ["task.scorers.x: unknown"]


def test_a_task_without_a_user_message_is_refused(folder: Path) -> None:
    only_system = {"messages": [{"role": "system", "content": "S"}]}
    assert mistakes(folder, task=only_system) == ["task.messages: at least one user message is needed"]


def test_a_pinned_dataset_is_held_to_its_digest(folder: Path) -> None:
    digest = hashlib.sha256(ROW).hexdigest()
    assert ready(folder, task={"dataset": {"sha256": digest}}).dataset_digest == digest
    (found,) = mistakes(folder, task={"dataset": {"sha256": "0" * 64}})
    assert found.startswith("task.dataset.sha256: ")
    assert digest in found


def test_what_was_used_is_known_before_the_first_row_included_files_too(folder: Path) -> None:
    (folder / "user.j2").write_text("{% if text %}{% include 'parts/a.j2' %}{% endif %}")
    (folder / "parts").mkdir()
    (folder / "parts/a.j2").write_text("{% include 'parts/b.j2' %}")
    (folder / "parts/b.j2").write_text("b {{ text }}")
    (folder / "unused.j2").write_text("unused")
    found = ready(folder, task={"messages": SYSTEM_AND_USER})
    assert sorted(found.sources) == ["parts/a.j2", "parts/b.j2", "system.j2", "user.j2"]
    assert [turn.content for request in requests(found) for turn in request.messages] == ["S", "b x"]


def test_an_included_file_may_not_leave_the_tasks_folder(folder: Path) -> None:
    (folder.parent / "secret.j2").write_text("secret")
    (folder / "user.j2").write_text("{% include '../secret.j2' %}")
    (found,) = mistakes(folder, task={"messages": SYSTEM_AND_USER})
    assert "../secret.j2: leads out of" in found


def test_a_request_is_a_sample_times_an_epoch_in_the_datasets_order(folder: Path) -> None:
    (folder / "samples.jsonl").write_bytes(b"".join(b'{"id":"%d","text":"x","label":"y"}\n' % n for n in range(3)))
    found = ready(folder, task={"epochs": {"count": 2}, "dataset": {"offset": 1}})
    numbers = [(request.row, request.sample.id, request.epoch) for request in requests(found)]
    assert numbers == [(0, "1", 0), (1, "1", 1), (2, "2", 0), (3, "2", 1)]


def test_a_field_that_a_row_lacks_names_template_line_field_and_sample(folder: Path) -> None:
    (folder / "samples.jsonl").write_bytes(ROW + b'{"id":"two","txt":"x","label":"y"}\n')
    (folder / "user.j2").write_text("one\n{{ text }}")
    found = ready(folder, task={"messages": SYSTEM_AND_USER})
    with pytest.raises(TemplateError) as caught:
        list(requests(found))
    assert str(caught.value) == "user.j2:2: 'text' is undefined (sample 'two'; fields: id, txt, label)"


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        ("o3-mini", {}, "o3-mini is retired: it runs on the emulator, the provider no longer serves it"),
        ("custom", {"model": {"id": "my-tune"}}, "no price known for my-tune at openai; set model.prices"),
        (
            "gpt-4o-mini",
            {"model": {"lifecycle": LEAVING}},
            "gpt-4o-mini is announced to shut down on 2027-01-02 (s)",
        ),
    ],
)
def test_what_a_reviewer_should_know_is_noted(model: str, changes: Any, said: str, folder: Path) -> None:
    assert said in ready(folder, (), model, **changes).notes


def test_a_dataset_outside_the_project_is_allowed_and_noted(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "rows.jsonl"
    outside.write_bytes(ROW)
    (folder / "link.jsonl").symlink_to(outside)
    for name in (str(outside), "link.jsonl"):
        notes = ready(folder, task={"dataset": {"path": name}}).notes
        assert [note for note in notes if note.startswith("the dataset lies outside the project: ")]
    assert not [note for note in ready(folder).notes if "outside" in note]


def test_nothing_but_harness_errors_comes_out_of_a_wrong_task(folder: Path) -> None:
    (folder / "samples.jsonl").unlink()
    (folder / "samples.jsonl").mkdir()
    with pytest.raises(HarnessError, match="no such file"):
        ready(folder)
