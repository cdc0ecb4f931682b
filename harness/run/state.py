"""The state of a run: what its journal adds up to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Phase = Literal["planned", "uploaded", "intended", "created", "ended", "fetched", "collected", "done"]

GONE_LOOKS = 5  # a 404 this often in a row, and absence from the list, says that a batch has vanished


@dataclass(frozen=True, slots=True)
class BatchState:
    """Where one batch stands."""

    name: str
    count: int
    tokens: int
    phase: Phase = "planned"
    file: str | None = None  # the input file at the provider
    submission: int = 0  # how many creates were intended
    key: str = ""  # the label of the last one
    intent_at: float = 0.0
    id: str | None = None
    created_at: float = 0.0
    status: str = ""
    completed: int = 0
    failed: int = 0
    files: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None  # the provider failed the batch as a whole
    doubt_at: float = 0.0  # when the answer to the last create turned out unclear
    looked_at: float = 0.0  # the last look at the provider that is part of this state
    late_since: float | None = None
    gone: int = 0  # looks in a row that found nothing
    looks: int = 0  # searches for a lost create that found nothing
    failures: int = 0  # calls in a row that failed
    not_before: float = 0.0
    question: str | None = None
    candidates: tuple[str, ...] = ()
    cancelling: bool = False
    resend: int = 0  # unanswered requests that wait to be packed again
    wave: int = 1  # 1: as planned; resends count up
    first_row: int = 0
    ended_at: float = 0.0
    cleaned: bool = False
    outcomes: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None


@dataclass(slots=True)
class State:
    """A run, as its journal tells it. `fold.apply` is the only thing that changes it."""

    batches: dict[str, BatchState] = field(default_factory=dict)
    open: dict[str, None] = field(default_factory=dict)  # names of batches that are not done, in order
    run_key: str = ""
    first_at: float = 0.0
    since: float = 0.0  # last start or resume: patience counts from here
    poll_at: float = 0.0
    poll_interval: float = 0.0
    poll_failures: int = 0
    hold_until: float = 0.0  # the provider's queue is full: nothing is submitted before
    queue_failures: int = 0
    last_failure: str = ""  # what the last call that failed was told
    cancelled: bool = False
    stopped: str | None = None  # the kind of stop
    reason: str = ""
    refused: str | None = None  # the first batch came back wholly refused, with these words
    fatal: tuple[str, str] | None = None  # billing, auth or refused, and the provider's words
    collected: int = 0  # batches
    finished: bool = False

    def count(self, *phases: Phase) -> int:
        """Return how many open batches are in these phases."""
        return sum(self.batches[name].phase in phases for name in self.open)
