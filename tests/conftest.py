"""Fixtures: a small project of the user's own, and an emulator on a loopback port that the official SDK talks to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from rich.console import Console

from harness.configure.compose import composed
from harness.emulator import Running, Settings, serve_in_thread
from harness.prepare.plan import make_plan
from harness.providers.protocol import load
from harness.run.driver import Answers, Ended, begin, resume
from harness.run.planning import ready_all

# The same examples on every machine: a test that fails, fails for everybody.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("steady")

TASK = """
defaults: [default, _self_]
name: colours
target: label
messages:
  - {role: system, template: system.j2}
  - {role: user, content: "Which colour? {{ text }}"}
generate: {max_tokens: 400}
schema: schema.json
scorers:
  accuracy: {kind: choice, answer: colour}
"""
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
COLOURS = ("red", "green", "blue")


@dataclass
class Project:
    """A project folder that is the working directory, and runs against one emulator as a live provider."""

    folder: Path
    emulator: Running
    said: StringIO
    model: str = "gpt-4o-mini"
    path: str = "/v1"  # where the emulator speaks as the model's provider does
    more: tuple[str, ...] = ()  # overrides that every run of this project has

    def samples(self, count: int) -> None:
        """Write a dataset of this many rows."""
        rows = [{"id": f"s{n:05d}", "text": f"thing {n}", "label": COLOURS[n % 3]} for n in range(count)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.folder / "templates" / "colours" / "samples.jsonl").write_text(text)

    @property
    def url(self) -> str:
        """Return the address that a client of the model's provider takes."""
        return self.emulator.url.removesuffix("/v1") + self.path

    def words(self, *overrides: str) -> list[str]:
        """Return the overrides of a run over the emulator: like a live one, but with time that flies."""
        live = ["endpoint=live", "endpoint.speed=1000", f"provider.base_url={self.url}"]
        open_doors = ["provider.api_key_env=null", "provider.tokenizer=null", "model.allow_retired=true"]
        return [
            "task=colours",
            f"model={self.model}",
            *live,
            *open_doors,
            *self.more,
            *overrides,
        ]

    def learn(self, book: Path) -> None:
        """Write a book in which the emulator finds the right answer to each request of a run as it stands."""
        [job] = composed(self.words()).jobs
        [ready] = ready_all([job])
        provider = load(job.settings.provider.protocol)
        with tempfile.TemporaryDirectory(dir=self.folder) as drafts:
            encode = provider.encoder(ready.fixed)
            make_plan(ready, encode, provider.line, run_key="k", batches=Path(drafts), book=book)

    def console(self) -> Console:
        """Return a console that is no terminal; `said` holds its text."""
        return Console(file=self.said, width=200)

    def run(self, *overrides: str, until: str = "finished") -> Ended:
        """Run to the end, or to where it may leave."""
        return begin(composed(self.words(*overrides)), self.console(), until)[0]

    def resume(
        self,
        folder: Path,
        *overrides: str,
        adopt: Mapping[str, str] | None = None,
        resend: Sequence[str] = (),
        cancel: bool = False,
        until: str = "finished",
    ) -> Ended:
        """Take a run up again."""
        return resume(folder, Answers(adopt or {}, resend, cancel), overrides, self.console(), until)


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A user's folder with a task of 30 samples, and the emulator that answers it."""
    task = tmp_path / "templates" / "colours"
    task.mkdir(parents=True)
    (tmp_path / "conf" / "task").mkdir(parents=True)
    (tmp_path / "books").mkdir()
    (tmp_path / "conf" / "task" / "colours.yaml").write_text(TASK)
    (task / "system.j2").write_text("Name the colour.")
    (task / "schema.json").write_text(json.dumps(SCHEMA))
    monkeypatch.chdir(tmp_path)
    settings = Settings(speed=1000.0, rates={"right": 1.0}, answers="key", books=tmp_path / "books")
    with serve_in_thread(tmp_path / "emulator", settings) as emulator:
        project = Project(tmp_path, emulator, StringIO())
        project.samples(30)
        yield project
