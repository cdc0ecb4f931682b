"""The emulator that a run starts: a child process that ends with us, its state in the run's folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from harness.errors import HarnessError
from harness.settings import Endpoint

ENDS_WITHIN = 10.0  # s


class Emulator:
    """A running emulator; `url` is where it speaks as OpenAI does."""

    def __init__(self, state: Path, endpoint: Endpoint, *, now: float, models: Sequence[str]) -> None:
        """Start it; it answers at `url` once `ready` has returned."""
        state.mkdir(parents=True, exist_ok=True)
        self.log = (state / "emulator.log").open("ab")
        words = ["--child", "--port", "0", "--state", str(state)]
        words += _upstream(endpoint) if endpoint.url else _simulated(state / "books", endpoint.speed, now, models)
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

    def address(self) -> str:
        """Return its address, without the path at which it speaks as one of the providers."""
        url = self.url or self.ready()
        return url.removesuffix("/v1")

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


def _simulated(books: Path, speed: float, now: float, models: Sequence[str]) -> list[str]:
    """Return the options of one that answers from the runs' books."""
    books.mkdir(exist_ok=True)
    extra = [word for model in models for word in ("--extra-model", model)]  # a name it knows keeps its rules
    return ["--books", str(books), "--answers", "key", "--speed", repr(speed), "--now", repr(now), *extra]


def _upstream(endpoint: Endpoint) -> list[str]:
    """Return the options of one in front of the user's own server."""
    words = ["--upstream", str(endpoint.url), "--concurrency", str(endpoint.concurrency)]
    return words + (["--upstream-key-env", endpoint.api_key_env] if endpoint.api_key_env else [])
