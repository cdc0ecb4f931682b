"""What a run can do next: small frozen values that the decisions return and the loop obeys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Upload:
    """Send a batch's input file."""

    batch: str


@dataclass(frozen=True, slots=True)
class Create:
    """Note the intent, then create by one call."""

    batch: str
    file: str
    submission: int
    key: str


@dataclass(frozen=True, slots=True)
class Find:
    """Look for a batch whose create answer was lost, or which no longer answers."""

    batch: str
    key: str
    file: str  # its input file, for servers that keep no label
    since: float


@dataclass(frozen=True, slots=True)
class Poll:
    """Look at all batches that run."""

    batches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Download what an ended batch left."""

    batch: str


@dataclass(frozen=True, slots=True)
class Take:
    """Take an ended batch as it is: results that it announced did not come within grace."""

    batch: str


@dataclass(frozen=True, slots=True)
class Collect:
    """Judge a fetched batch; `cancelled`: it was never sent."""

    batch: str
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Repack:
    """Pack the unanswered requests of these batches into new ones."""

    batches: tuple[str, ...]
    not_before: float


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask the provider to cancel."""

    batch: str


@dataclass(frozen=True, slots=True)
class Clean:
    """Delete files at the provider."""

    batch: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Only a person can tell."""

    batch: str
    reason: str


@dataclass(frozen=True, slots=True)
class Abandon:
    """Give a batch up and send its requests again: settings asked for it."""

    batch: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Leave the run resumable."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Every request has its final outcome."""


Action = (
    Upload | Create | Find | Poll | Fetch | Take | Collect | Repack | Cancel | Clean | Ask | Abandon | Stop | Finish
)
