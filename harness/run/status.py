"""Say where runs stand, from their journals alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import HarnessError
from harness.run import folder, journal
from harness.run.fold import fold
from harness.run.state import BatchState, State

NEWEST = 20  # runs that `status` lists
SHOWN = 50  # batches of one run that it lists one by one


def print_status(console: Console, path: Path, *, as_json: bool) -> None:
    """Print one run, batch by batch."""
    stored = folder.read(path)
    events = journal.of_run(path)
    state = fold(stored.batches, events)
    stands = word(path, state)
    if as_json:
        batches = [_facts(batch) for batch in state.batches.values()]
        data = {"state": stands, "stopped": state.stopped, "reason": state.reason, "batches": batches}
        console.print(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode(), soft_wrap=True)
        return
    console.print(f"{path}: {stands}{', SIMULATED' if stored.plan['simulated'] else ''}", soft_wrap=True)
    console.print(_table(list(state.batches.values())))
    if len(state.batches) > SHOWN:
        console.print(f"and {len(state.batches) - SHOWN} more batches")
    if not state.finished and stands != "running":
        for way in ways_on(path, state):
            console.print(f"go on:   {way}", soft_wrap=True)


def ways_on(path: Path, state: State) -> list[str]:
    """Return the commands that take a run up again; where it asks, those that answer."""
    command, found = f"python -m harness resume {path}", []
    for batch in state.batches.values():
        if batch.question is None:
            continue
        found += [f"{command} --adopt {batch.name}={one}   (it is this batch)" for one in batch.candidates]
        found += [f"{command} --resend {batch.name}   (send its requests again; they may be paid twice)"]
    return found or [command]


def print_newest(console: Console, outputs: Path) -> None:
    """Print the newest runs, a line each."""
    runs = sorted((found.parent for found in outputs.glob("**/journal.jsonl")), reverse=True)
    if not runs:
        console.print(f"no runs under {outputs}/ yet; start one with `python -m harness model=o3-mini`")
        return
    for path in runs[:NEWEST]:
        try:
            state = fold(folder.read(path).batches, journal.of_run(path))
        except HarnessError:
            console.print(f"{path}: damaged, or refused before anything was sent", soft_wrap=True)
            continue
        done = sum(not state.batches[name].resend for name in state.batches if name not in state.open)
        console.print(f"{path}: {word(path, state)}, {done}/{len(state.batches)} batches", soft_wrap=True)


def word(path: Path, state: State) -> str:
    """Say how a run stands."""
    if state.finished:
        return "finished"
    if folder.is_driven(path):
        return "running"
    return f"stopped ({state.stopped}): {state.reason}" if state.stopped else "interrupted"


def _table(batches: list[BatchState]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("batch", "requests", "phase", "at the provider", "since", "note"):
        table.add_column(title)
    for batch in batches[:SHOWN]:
        since = datetime.fromtimestamp(batch.created_at, UTC).strftime("%m-%d %H:%M:%S") if batch.created_at else ""
        note = batch.question or (f"{batch.resend} wait to be sent again" if batch.resend else "")
        where = f"{batch.id or ''} {batch.status}".strip()
        table.add_row(*map(Text, (batch.name, str(batch.count), batch.phase, where, since, note)))
    return table


def _facts(batch: BatchState) -> dict[str, Any]:
    return {
        "name": batch.name,
        "requests": batch.count,
        "phase": batch.phase,
        "id": batch.id,
        "status": batch.status,
        "completed": batch.completed,
        "failed": batch.failed,
        "question": batch.question,
        "outcomes": dict(batch.outcomes),
    }
