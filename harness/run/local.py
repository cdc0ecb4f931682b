"""The emulator of a simulated run: a child process that ends with us, its state in the run's folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from harness.errors import HarnessError

ENDS_WITHIN = 10.0  # s


class Emulator:
    """A running emulator; `url` is what an OpenAI client takes as base_url."""

    def __init__(self, state: Path, *, speed: float, now: float, models: Sequence[str]) -> None:
        """Start it; it answers at `url` once `ready` has returned."""
        state.mkdir(parents=True, exist_ok=True)
        books = state / "books"
        books.mkdir(exist_ok=True)
        self.log = (state / "emulator.log").open("ab")
        words = ["--child", "--port", "0", "--state", str(state), "--books", str(books), "--answers", "key"]
        words += ["--speed", repr(speed), "--now", repr(now)]
        words += [word for model in models for word in ("--extra-model", model)]  # a name it knows keeps its rules
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.emulator", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,  # Ctrl-C is for us; it ends when we let go of its standard input
        )
        self.url = ""

    def ready(self) -> str:
        """Wait for its address."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise HarnessError(f"the emulator did not start; see {self.log.name}")
        self.url = str(orjson.loads(line)["url"])
        return self.url

    def stop(self) -> None:
        """Let it end, and wait for that."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.close()
