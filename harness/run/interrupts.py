"""Ctrl-C, SIGTERM and a closed terminal detach: the first asks the loop to leave politely, the next leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType

RESUMABLE = 3
SHOW_CURSOR = b"\x1b[?25h" if os.isatty(2) else b""


class Interrupts:
    """While entered, note the signals that ask us to leave; only the main thread can listen."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        """Begin to listen."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self.before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, handler in self.before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None:
            # A call that hangs would hold up every ordinary way out; the journal is complete at any moment.
            os.write(2, SHOW_CURSOR + b"left at once; `resume` finds out what was sent\n")
            os._exit(RESUMABLE)
        self.reason = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
