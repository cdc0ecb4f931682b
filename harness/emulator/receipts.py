"""Receipts of direct calls: which bodies ran outside of batches."""

from __future__ import annotations

import os

from .journal import write_whole
from .ledger import Entry, encode
from .state import State


def remember(receipt: Entry, state: State) -> None:
    """Store that this body ran, so that its next answer is the next one after a restart too."""
    with state.changed:
        fd = os.open(state.root / "direct.receipts", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            write_whole(fd, encode(receipt))
        finally:
            os.close(fd)
