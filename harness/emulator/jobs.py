"""A batch's life as data: which status comes when, by simulated time, by the number of looks or by the work itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .draws import Draws

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
WINDOW = 86_400.0  # seconds; the only window of the OpenAI batch API is 24h, others have more
_GRACE = 5.0  # seconds that lines in flight have to finish when their batch is cancelled


@dataclass(frozen=True, slots=True)
class Step:
    """One change of status."""

    status: str
    at: float  # seconds since creation, or the number of the look that sees it first; by work: not before


@dataclass(frozen=True, slots=True)
class Life:
    """All changes of status that a batch is going to see, in order; it begins in `validating`."""

    by: str  # "time", "looks" or "work"
    steps: tuple[Step, ...]
    max_lines: int | None = None  # lines that get to run at most, when the batch is not to finish


def draw(seed: int, number: int) -> Life:
    """Draw the life of the batch with this number."""
    d = Draws(seed, "life", number)
    validated = d.between(1, 3)
    ran = validated + d.between(20, 60)
    done = ran + d.between(1, 5)
    return Life("time", (Step("in_progress", validated), Step("finalizing", ran), Step("completed", done)))


def by_looks(looks: int) -> Life:
    """Make a life that is completed at look number `looks`, counted from 1."""
    first = 2 if looks > 3 else 1
    last = max(first, looks - 1)
    return Life("looks", (Step("in_progress", first), Step("finalizing", last), Step("completed", looks)))


def by_work() -> Life:
    """Make a life whose steps come when the work is done."""
    return Life("work", (Step("in_progress", 0), Step("finalizing", 0), Step("completed", 0)))


def due_by_work(life: Life, made: int, x: float, *, left: int, flying: int, window: float) -> Step | None:
    """Find the next step of a life by work after `made` steps, at `x` seconds, if it is time for it.

    `left` lines have not finished, `flying` of them are being executed.
    """
    if made >= len(life.steps):
        return None
    step = life.steps[made]
    if step.status == "finalizing" and left:
        return Step("expired", window) if x >= window else None
    if step.status == "cancelled" and not flying:
        return step
    return step if step.at <= x else None


def bounded(life: Life, window: float) -> Life:
    """Let the window end a life by time that would be longer."""
    if life.by != "time":
        return life
    kept = tuple(step for step in life.steps if step.at < window)
    ends = bool(kept) and kept[-1].status in ENDED
    return life if ends else replace(life, steps=(*kept, Step("expired", window)))


def stuck(life: Life, status: str) -> Life:
    """Stop a life for ever in `status`, whatever the window says."""
    if status == "validating":
        return replace(life, steps=())
    names = [step.status for step in life.steps]
    return replace(life, steps=life.steps[: names.index(status) + 1]) if status in names else life


def expiring(life: Life, after: float, lines: int) -> Life:
    """Let a batch expire `after` seconds (or looks) with only `lines` lines done."""
    start = min(life.steps[0].at, after)
    return Life(life.by, (Step("in_progress", start), Step("expired", after)), max_lines=lines)


def cancelled(life: Life, made: int, x: float, seed: int, number: int, wait: float | None = None) -> Life:
    """Cut a life after `made` steps and end it as cancelled, after a while that is drawn or after `wait`.

    OpenAI takes up to 10 minutes, mostly seconds.
    """
    if wait is None:
        wait = _GRACE if life.by == "work" else 1.0
        if life.by == "time":
            wait = Draws(seed, "cancel", number).between(1, 10)
    return replace(life, steps=(*life.steps[:made], Step("cancelling", x), Step("cancelled", x + wait)))


def progress(life: Life, x: float) -> float:
    """Say which share of the lines should be done at time or look `x`, between 0 and 1."""
    for i, step in enumerate(life.steps):
        if step.status == "in_progress":
            if x < step.at:
                return 0.0
            if i + 1 == len(life.steps):  # stuck here: half of the work is done and no more
                return min(0.5, (x - step.at) / 60)
            end = life.steps[i + 1].at
            return 1.0 if x >= end else (x - step.at) / (end - step.at)
    return 0.0


def encode(life: Life) -> dict[str, Any]:
    """Turn a life into JSON values."""
    return {"by": life.by, "steps": [[s.status, s.at] for s in life.steps], "max_lines": life.max_lines}


def decode(data: dict[str, Any]) -> Life:
    """Turn JSON values into a life."""
    steps: Sequence[Sequence[Any]] = data["steps"]
    return Life(data["by"], tuple(Step(str(s), float(at)) for s, at in steps), data.get("max_lines"))
