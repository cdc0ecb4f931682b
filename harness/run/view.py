"""What a run shows while it waits: progress on a terminal, elsewhere one plain line per change of state."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.run.calls import Event
from harness.run.state import BatchState

if TYPE_CHECKING:
    from harness.run.loop import Run

REFRESH = 0.1  # real seconds between two drawings
FATAL = ("auth", "billing", "permanent")  # errors after which the run stops: there is no next try
SHOWN = 12  # batches with a line of their own


class View:
    """Watch runs; `live` where there is a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.begun = time.monotonic()
        self.drawn = 0.0
        self.live: Live | None = None
        if console.is_terminal:
            self.live = Live(console=console, auto_refresh=False, transient=True)
            self.live.start()

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.live:
            self.live.stop()
            self.live = None

    def changed(self, run: Run, event: Event) -> None:
        """Say what is new: a line each where nothing is drawn, and always what went wrong."""
        name, words = event["event"], line(run, event)
        loud = name in LOUD or event.get("unknown", False)
        if words is None or (self.live and not loud):
            return
        stamp = datetime.fromtimestamp(event["t"], UTC).strftime("%H:%M:%S")
        label = f"{run.label}  " if run.label else ""
        self.console.print(Text(f"{stamp}  {label}{words}"), style="yellow" if loud else None, soft_wrap=True)

    def waiting(self, runs: Sequence[Run]) -> None:
        """Draw where all runs stand, some times a second."""
        now = time.monotonic()
        if self.live and now - self.drawn >= REFRESH:
            self.drawn = now
            self.live.update(self._picture(runs), refresh=True)

    def _picture(self, runs: Sequence[Run]) -> Table:
        table = Table.grid(padding=(0, 2))
        for run in runs:
            for row in rows(run, time.monotonic() - self.begun, several=len(runs) > 1):
                table.add_row(*row)
        return table


LOUD = frozenset({"failed", "poll_failed", "unclear", "gone", "late", "question", "abandoned", "repacked"})


def line(run: Run, event: Event) -> str | None:
    """Return an event in words, or None where it is not worth a line."""
    batch = f"batch {event['batch']}" if "batch" in event else ""
    match event["event"]:
        case "created":
            return f"{batch}  {'found again' if event['adopted'] else 'submitted'} as {event['id']}"
        case "seen":
            unknown = ", a status that is not known here; still waiting" if event.get("unknown") else ""
            return f"{batch}  {event['status']}{unknown}"
        case "ended":
            why = f": {event['error']['message']}" if event.get("error") else ""
            return f"{batch}  {event['status']}, {event['completed']} done, {event['failed']} failed{why}"
        case "collected":
            counts = ", ".join(f"{n} {outcome}" for outcome, n in event["outcomes"].items() if n)
            again = f"; {event['resend']} will be sent again" if event["resend"] and not run.state.cancelled else ""
            said = (
                f" ({' '.join(event['said'].split())[:120]})" if event.get("said") and not run.state.cancelled else ""
            )
            return f"{batch}  collected: {counts}{said}{again}"
        case "failed" | "poll_failed":
            wait = max(0.0, event["retry_at"] - event["t"])
            again = "" if event["kind"] in FATAL else f"; next try in {wait:.0f} s"
            return f"{batch or 'poll'}  {event['message']}{again}"
        case "unclear":
            return f"{batch}  no clear answer ({event['message']}); looking for it before anything is sent again"
        case "gone":
            return f"{batch}  not found at the provider; looking again"
        case "late":
            return f"{batch}  {event['status']}, but its results are not there yet"
        case "question":
            return f"{batch}  needs your answer: {event['reason']}"
        case "abandoned":
            return f"{batch}  given up ({event['reason']}); its requests are sent again and may be paid twice"
        case "repacked":
            count = sum(one["count"] for one in event["batches"])
            return f"{count} unanswered requests packed into {len(event['batches'])} new batches"
        case "cancel":
            return "cancelling: nothing new is sent; what was answered is collected"
    return None


def rows(run: Run, elapsed: float, *, several: bool) -> list[tuple[Text, ...]]:
    """Return the picture of one run: a line for the whole, and one per batch that is under way."""
    state = run.state
    total = sum(batch.count for batch in state.batches.values() if batch.wave == 1)
    done = sum(_done(batch) for batch in state.batches.values() if batch.wave == 1)
    costs = [batch.cost for batch in state.batches.values() if batch.cost is not None]
    name = run.label or run.settings.model.name
    head = (
        Text(name, style="bold"),
        _bar(done, total),
        Text(f"{done}/{total}"),
        Text(f"{state.collected}/{len(state.batches)} batches"),
        Text(f"${sum(costs):.4f}" if costs else "no cost" if run.settings.endpoint.simulated else ""),
        Text(f"{_clock(elapsed)} elapsed, {_left(done, total, elapsed)}", style="dim"),
    )
    if several:
        return [head]
    flying = [state.batches[batch] for batch in state.open if state.batches[batch].phase not in ("planned", "uploaded")]
    lines = [
        (
            Text(f"  {batch.name}"),
            _bar(_done(batch), batch.count),
            Text(f"{_done(batch)}/{batch.count}"),
            Text(batch.status),
        )
        for batch in flying[:SHOWN]
    ]
    more = [(Text(f"  and {len(flying) - SHOWN} more", style="dim"),)] if len(flying) > SHOWN else []
    return [head, *lines, *more]


def _done(batch: BatchState) -> int:
    return batch.count if batch.phase in ("collected", "done") else min(batch.count, batch.completed + batch.failed)


def _bar(done: int, total: int, width: int = 20) -> Text:
    full = width * done // max(total, 1)
    return Text("━" * full, style="green").append("━" * (width - full), style="dim")


def _left(done: int, total: int, elapsed: float) -> str:
    """Estimate what is left by the pace so far; before a tenth is done nothing honest can be said."""
    if done * 10 < total or elapsed <= 0:
        return "time left unknown"
    return f"about {_clock(elapsed * (total - done) / done)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
