"""A bug of ours in one line, or in the checks of one batch, is an error of that line or batch and of nobody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.emulator import jobs
from harness.emulator.answers import Answers, Question, Reply
from harness.emulator.batches import Batch
from harness.emulator.runner import Runner
from harness.emulator.simulated import Simulated
from harness.emulator.state import Settings, State, open_state

from .conftest import CHAT, request
from .gemini import FLASH
from .gemini import request as contents


class Fragile(Answers):
    """Breaks on one question."""

    def reply(self, question: Question) -> Reply:
        if question.user_text == "break":
            raise ZeroDivisionError
        return super().reply(question)


def told(text: str) -> dict[str, Any]:
    return {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}


def chat(custom_id: str, text: str) -> dict[str, Any]:
    line = request(custom_id)
    return line | {"body": line["body"] | {"messages": [{"role": "user", "content": text}]}}


LANES: dict[str, tuple[Any, dict[str, Any], str]] = {  # lane → line of an id and a text, request, words of an error
    "openai": (chat, {"endpoint": CHAT}, '"status_code": 500'),
    "anthropic": (
        lambda name, text: {"custom_id": name, "params": told(text)},
        {"version": "2023-06-01", "betas": []},
        '"type":"api_error"',
    ),
    "gemini": (
        lambda name, text: {"key": name, "metadata": None, "body": contents(text) | {"model": FLASH}},
        {"inline": False, "version": "v1"},
        '"error":{"code":13',
    ),
    "vertex": (
        lambda name, text: {"custom_id": name, "request": contents(text)},
        {"uris": ["gs://simulated/in"], "prefix": "gs://simulated/out", "directory": "gs://simulated/out/x"},
        '"status":"Internal Server Error: ',
    ),
}


def begun(state: State, lane: str, rows: list[tuple[str, str]]) -> tuple[Runner, Batch]:
    """Put a batch of these ids and texts before a runner."""
    line, asked, _ = LANES[lane]
    text = "".join(json.dumps(line(*row)) + "\n" for row in rows)
    draft = state.files.draft("lines")
    draft.write_text(text)
    state.files.keep("lines", draft)
    facts: dict[str, Any] = {"crc32c": "", "md5": "", "content_type": "", "metadata": {}, "uploaded": True}
    draft = state.objects.draft("in")
    draft.write_text(text)
    state.objects.put(draft, "simulated", "in", state.clock.now(), **facts)
    life = jobs.draw(0, 1)
    one = Batch("b", 1, state.clock.now(), life, "lines", asked, lane=lane, model=FLASH, total=len(rows))
    runner = Runner(state, Simulated(state))
    with state.changed:
        state.batches.add(one)
        runner.add(one)
    return runner, one


@pytest.mark.parametrize("lane", LANES)
def test_a_line_on_which_we_fail_is_an_error_of_that_line(
    tmp_path: Path, lane: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = open_state(tmp_path, Settings(speed=0), real_now=1e9)
    state.answers = Fragile(0, None)
    runner, batch = begun(state, lane, [("a", "fine"), ("b", "break"), ("c", "fine too")])
    runner.start()
    state.clock.advance(100)
    runner.settle(None, 30)
    assert (batch.status, batch.completed, batch.failed) == ("completed", 2, 1)
    (bad,) = [entry for entry in state.ledgers.entries("b") if not entry.ok]
    assert LANES[lane][2] in bad.line.decode()
    assert "ZeroDivisionError" in capsys.readouterr().err
    runner.stop()
    state.close()


@pytest.mark.parametrize("lane", ["openai"])
def test_a_batch_on_whose_checks_we_fail_fails_alone(
    tmp_path: Path, lane: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = open_state(tmp_path, Settings(speed=0), real_now=1e9)
    runner, batch = begun(state, lane, [("a", "x")])
    batch.profile = "nobody"
    runner.start()
    state.clock.advance(100)
    runner.settle(None, 30)
    assert (batch.status, [error["code"] for error in batch.errors]) == ("failed", ["server_error"])
    assert "KeyError" in capsys.readouterr().err
    runner.stop()
    state.close()
