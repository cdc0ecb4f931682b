"""An emulator in a thread of your own process, for tests and notebooks."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .clock import Clock
from .server import Emulator, prepare
from .state import Settings


class Running:
    """A running emulator; leaving its `with` block stops it."""

    def __init__(self, emulator: Emulator, thread: threading.Thread) -> None:
        self._emulator = emulator
        self._thread = thread
        self.url = emulator.url  # ends in /v1; give it to an OpenAI client as base_url, with any key
        self.root = emulator.url.removesuffix("/v1")  # the same for a client of Anthropic's or Google's

    def audit(self) -> dict[str, Any]:
        """Count what was executed."""
        counts: dict[str, Any] = self._call("GET", "audit")
        return counts

    def set_faults(self, plan: Sequence[Any]) -> None:
        """Replace the plan of faults; a name alone stands for a fault with its defaults."""
        self._call("PUT", "faults", list(plan))

    def advance(self, seconds: float) -> float:
        """Move the simulated clock, wait for all that became due, return the new time."""
        return float(self._call("POST", "advance", {"seconds": seconds})["now"])

    def stop(self) -> None:
        """Stop; the state stays on disk."""
        self._emulator.server.should_exit = self._emulator.server.force_exit = True
        self._thread.join()

    def _call(self, method: str, name: str, body: object = None) -> Any:
        url = self.root + "/_emulator/" + name
        data = None if body is None else json.dumps(body).encode()
        headers = {"Connection": "close"}
        request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310 - loopback, our own URL
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return json.load(response)

    def __enter__(self) -> Running:
        """Begin a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def serve_in_thread(
    state: Path, settings: Settings | None = None, *, clock: Clock | None = None, port: int = 0
) -> Running:
    """Start an emulator over the folder `state`; its port accepts when this returns.

    With `Settings(speed=0)` simulated time stands still and moves by `advance` only.
    """
    ready = threading.Event()
    emulator = prepare(state, settings or Settings(), port=port, ready=lambda _url: ready.set(), clock=clock)
    thread = threading.Thread(target=emulator.run, name="emulator", daemon=True)
    thread.start()
    ready.wait()
    return Running(emulator, thread)
