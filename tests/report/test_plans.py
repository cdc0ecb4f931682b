"""A plan for people: the destination first, in each of the three forms."""

from __future__ import annotations

import json
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.prepare.plan import Plan, make_plan
from harness.prepare.ready import make_ready
from harness.providers import openai
from harness.report.plans import print_plans
from tests.build import settings

LIVE = {"name": "live", "simulated": False, "speed": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The task `t` with 14 rows and a prompt that a terminal should not be sent as it is."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "templates" / "t"
    folder.mkdir(parents=True)
    text = "\x1b[31m[red]| pipe\n" + "long " * 1000
    rows = [json.dumps({"id": f"s{n}", "text": text, "label": "y"}) + "\n" for n in range(14)]
    (folder / "samples.jsonl").write_text("".join(rows))
    return folder


def plan(folder: Path, model_name: str = "gpt-4o-mini", **changes: Any) -> Plan:
    changes["provider"] = {"tokenizer": None}
    ready = make_ready(settings(model_name, **changes), (folder.parent,), lambda schema: [])
    return make_plan(ready, openai.encoder(ready.fixed), openai.line, run_key="k" * 13)


def shown(plans: list[Any], form: str) -> str:
    file = StringIO()
    print_plans(Console(file=file, width=200, markup=False, highlight=False, emoji=False), plans, form, "p-whole")
    return file.getvalue()


def test_json_is_the_plan_itself_and_of_a_sweep_all_of_them(folder: Path) -> None:
    found = plan(folder)
    expected = json.loads(json.dumps(asdict(found)))
    assert json.loads(shown([found], "json")) == expected
    assert json.loads(shown([found, expected], "json")) == {"digest": "p-whole", "plans": [expected, expected]}


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_the_destination_comes_first(form: str, folder: Path) -> None:
    lines = [line for line in shown([plan(folder, endpoint=LIVE)], form).splitlines() if "destination" in line]
    assert "LIVE: openai at https://api.openai.com/v1, key from OPENAI_API_KEY" in lines[0].replace("\\", "")
    assert "SIMULATED" in shown([plan(folder)], form)


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_rules_notes_digest_and_the_first_prompt_are_shown(form: str, folder: Path) -> None:
    found = plan(folder, "o3-mini", generate={"temperature": 0.2})
    text = shown([found], form)
    assert found.digest in text
    assert "2 of 2–12 requests, window 24h" in text
    assert "o3-mini is retired" in text
    assert "temperature 0.2 is not sent" in text
    assert "warning" in text
    assert "user of the first request:" in text.replace("`", "")


def test_equal_batches_have_one_size(folder: Path) -> None:
    assert "2 of 7 requests" in shown([plan(folder, batch={"size": 7})], "terminal")


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_a_prompt_cannot_paint_the_terminal_and_a_long_one_is_cut(form: str, folder: Path) -> None:
    text = shown([plan(folder)], form)
    assert "\x1b" not in text
    assert "[red]" in text
    assert " …" in text
    assert len(text) < 8000


def test_an_unknown_cost_is_not_shown_as_nothing(folder: Path) -> None:
    line = next(
        line for line in shown([plan(folder, "custom", model={"id": "x"})], "terminal").splitlines() if "cap" in line
    )
    assert "$0" not in line
    assert "cap –; no price known for x at openai; set model.prices" in line
