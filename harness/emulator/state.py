"""Everything that one emulator knows: what is on disk under its folder, and the parts that answer."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from . import anthropic_models, google_models, models
from .answers import Answers
from .anthropic_models import Family
from .batches import Batches
from .books import Books
from .clock import Clock, ClockFile
from .faults import Faults
from .files import Files
from .gemini_sessions import Uploads
from .ledger import Ledgers, read
from .models import Facts, Models
from .profiles import PROFILES
from .storage_objects import Objects
from .storage_sessions import Sessions


class BusyError(Exception):
    """Another emulator uses this folder."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may choose."""

    seed: int = 0
    speed: float = 1.0  # simulated seconds per real second; 0: time moves by `advance` only
    now: float | None = None  # start of the simulated clock; None: real time
    answers: str = "schema"  # or "key": look into the books first
    books: Path | None = None
    faults: Sequence[Any] | None = None
    looks: int | None = None  # a batch is completed at this look; None: lives by time
    api_key: str | None = None  # None: any key is right
    extra_models: tuple[str, ...] = ()
    rates: Mapping[str, float] | None = None  # of right, wrong, invalid, refused, truncated; None: those of each model
    enqueued_tokens: int | None = None  # limit for the unfinished batches of one model
    upstream: str | None = None  # URL of an OpenAI-compatible server that executes the lines; None: simulated
    concurrency: int = 8  # requests in flight upstream at most, over all batches
    upstream_key_env: str | None = None  # variable that holds the key for upstream
    upstream_attempts: int = 6  # of one line, before its failure stands
    upstream_backoff: float = 1.0  # real seconds before a second attempt; doubles from there
    max_batch_file: int = 200_000_000  # bytes
    max_file: int = 512_000_000  # bytes
    max_json: int = 50_000_000  # bytes of a JSON body
    max_message: int = 32_000_000  # the same, of a message of Anthropic's
    max_inline: int = 256_000_000  # bytes of a message batch, which comes as one body
    max_upload: int = 2_000_000_000  # bytes of a file of Gemini's
    max_object: int = 2_000_000_000  # bytes of an object of Cloud Storage
    max_contents: int = 20_971_520  # bytes of a body of Gemini's or Vertex AI's


@dataclass(slots=True)
class State:
    """The open state; `changed` guards it and tells of changes."""

    settings: Settings
    clock: Clock
    clock_file: ClockFile
    files: Files
    ledgers: Ledgers
    batches: Batches
    faults: Faults
    models: Mapping[str, Models[Facts]]  # of OpenAI's surface, by profile
    claude: Models[Family]
    gemini: Models[google_models.Family]  # of both of Google's surfaces
    answers: Answers
    objects: Objects  # of Cloud Storage
    sessions: Sessions
    uploads: Uploads  # to the Gemini API
    root: Path
    guard: BinaryIO
    changed: threading.Condition = field(default_factory=threading.Condition)

    def recall(self) -> None:
        """Count again what was executed before this start; answers wait for it, the port does not."""
        entries = (entry for _, entry in self.ledgers.all())
        self.answers.recall(entry.digest for entry in chain(entries, read(self.root / "direct.receipts")))

    def close(self) -> None:
        """Store the time and close every file."""
        self.clock_file.write(self.clock.now())
        self.clock_file.close()
        self.files.close()
        self.objects.close()
        self.batches.close()
        self.answers.close()
        self.guard.close()


def open_state(root: Path, settings: Settings, *, real_now: float, clock: Clock | None = None) -> State:
    """Open or begin the state in a folder; the simulated clock never goes back."""
    root.mkdir(parents=True, exist_ok=True)
    guard = _lock(root)
    clock_file = ClockFile(root / "clock")
    ledgers = Ledgers(root / "ledgers")
    files = Files(root)
    answers = Answers(settings.seed, Books(settings.books) if settings.answers == "key" else None)
    batches = Batches(root, ledgers)
    files.sweep(batches.holds())
    begun = settings.now if settings.now is not None else real_now
    start = max(begun, clock_file.read(), batches.latest())  # what a client was told is past stays past
    return State(
        settings=settings,
        clock=clock or Clock(start, settings.speed),
        clock_file=clock_file,
        files=files,
        ledgers=ledgers,
        batches=batches,
        faults=Faults(root / "faults.json", settings.faults),
        models={name: _models(name, settings) for name in PROFILES},
        claude=anthropic_models.load(extra=settings.extra_models, rates=settings.rates),
        gemini=google_models.load(extra=settings.extra_models, rates=settings.rates),
        answers=answers,
        objects=Objects(root),
        sessions=Sessions(root),
        uploads=Uploads(root),
        root=root,
        guard=guard,
    )


def _models(profile: str, settings: Settings) -> Models[Facts]:
    if settings.upstream is not None:
        return models.unruled()
    return models.load(profile, extra=settings.extra_models, rates=settings.rates)


def _lock(root: Path) -> BinaryIO:
    """Keep others out; the kernel lets go of the lock when the process dies, however it dies."""
    file = (root / "lock").open("ab")
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise BusyError(f"another emulator uses {root}") from None
    return file
