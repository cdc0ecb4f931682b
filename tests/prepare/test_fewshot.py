"""Few-shot turns from a file: drawn by seed, the same for every sample, and never a sample that is evaluated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, DatasetError, HarnessError
from harness.prepare.ready import Ready, make_ready, requests
from tests.build import settings

SHOTS = [{"q": f"shot {n}", "a": f"answer {n}"} for n in range(6)]
ITEM = {"fewshot": "shots.jsonl", "num": 2, "seed": 0, "user": "user.j2", "assistant": "answer.j2"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "templates" / "t"
    folder.mkdir(parents=True)
    write(folder, "samples.jsonl", [{"id": "1", "q": "first", "label": "x"}, {"id": "2", "q": "second", "label": "y"}])
    write(folder, "shots.jsonl", SHOTS)
    (folder / "user.j2").write_text("Q: {{ q }}")
    (folder / "answer.j2").write_text('{"a": {{ a | tojson }}}')
    return folder


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def ready(folder: Path, model: str = "gpt-4o-mini", **changes: Any) -> Ready:
    messages = [{"role": "system", "content": "S"}, ITEM | changes, {"role": "user", "template": "user.j2"}]
    return make_ready(settings(model, task={"messages": messages}), (folder.parent,), lambda schema: [])


def turns(found: Ready) -> list[list[tuple[str, str]]]:
    return [[(turn.role, turn.content) for turn in request.messages] for request in requests(found)]


def test_shots_stand_before_every_sample_as_turns_of_user_and_assistant(folder: Path) -> None:
    first, second = turns(ready(folder))
    assert [role for role, _ in first] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert first[:-1] == second[:-1]
    assert (first[-1], second[-1]) == (("user", "Q: first"), ("user", "Q: second"))
    for (_, asked), (_, said) in zip(first[1:5:2], first[2:5:2], strict=True):
        assert json.loads(said)["a"] == asked.replace("Q: shot", "answer")


def test_the_seed_decides_which_are_shown_and_null_shows_all_in_their_order(folder: Path) -> None:
    def drawn(**changes: Any) -> tuple[str, ...]:
        return tuple(text for role, text in turns(ready(folder, **changes))[0][1:-1] if role == "user")

    assert drawn(seed=1) == drawn(seed=1)
    assert len({drawn(seed=seed) for seed in range(10)}) > 1
    assert drawn(num=None) == tuple(f"Q: shot {n}" for n in range(6))


def test_they_may_lie_in_a_csv_file_and_are_part_of_what_was_used(folder: Path) -> None:
    (folder / "shots.csv").write_text("q,a\none,1\n")
    found = ready(folder, fewshot="shots.csv", num=None)
    assert turns(found)[0][1:3] == [("user", "Q: one"), ("assistant", '{"a": "1"}')]
    assert set(found.sources) == {"shots.csv", "user.j2", "answer.j2"}


def test_a_model_without_a_system_role_gets_the_system_text_before_the_first_shot(folder: Path) -> None:
    first = turns(ready(folder, "o1-mini"))[0]
    assert first[0][0] == "user"
    assert first[0][1].startswith("S\n\nQ: shot")


@pytest.mark.parametrize("question", ["shot 3", " SHOT\n 3 "])
def test_a_sample_that_is_also_a_shot_is_refused_shown_or_not(folder: Path, question: str) -> None:
    write(folder, "samples.jsonl", [{"id": "1", "q": "first", "label": "x"}, {"id": "2", "q": question, "label": "y"}])
    for seed in range(4):
        with pytest.raises(DatasetError) as caught:
            turns(ready(folder, seed=seed))
        assert str(caught.value).endswith(
            "sample '2' is also the few-shot example on line 4 of shots.jsonl; leave it out of one of the two"
        )


def test_samples_without_the_fields_of_a_shot_are_no_shots(folder: Path) -> None:
    (folder / "ask.j2").write_text("{{ q }} {{ hint }}")
    write(folder, "shots.jsonl", [shot | {"hint": "h"} for shot in SHOTS])
    assert len(turns(ready(folder, user="ask.j2"))) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num": 7}, "task.messages[1].num: 7 of shots.jsonl, but it has 6 rows"),
        ({"fewshot": "shots.parquet"}, "task.messages[1].fewshot: shots.parquet: the name must end in .jsonl or .csv"),
        ({"fewshot": "none.jsonl"}, "task.messages[1].fewshot: there is no none.jsonl in"),
        ({"fewshot": "../t/shots.jsonl"}, None),
        ({"user": "none.j2"}, "task.messages[1].user: there is no none.j2 in"),
        ({"assistant": "bad.j2"}, "bad.j2:1: 'nothing' is undefined (shots.jsonl:"),
    ],
)
def test_a_wrong_item_is_explained(folder: Path, changes: dict[str, Any], said: str | None) -> None:
    (folder / "bad.j2").write_text("{{ nothing }}")
    if said is None:  # the file lies in the task's own folder after all
        assert len(turns(ready(folder, **changes))) == 2
        return
    with pytest.raises(HarnessError) as caught:
        ready(folder, **changes)
    assert str(caught.value).startswith(said)


def test_the_settings_refuse_what_is_no_item(folder: Path) -> None:
    for wrong in ({"num": 0}, {"user": ""}, {"nun": 3}, {"role": "user"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ready(folder, **wrong)


def test_shots_alone_ask_nothing(folder: Path) -> None:
    with pytest.raises(ConfigError, match="at least one user message"):
        make_ready(settings("gpt-4o-mini", task={"messages": [ITEM]}), (folder.parent,), lambda schema: [])
