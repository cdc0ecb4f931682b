"""Anthropic's message batches, as the engine sees them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from .anthropic_messages import Messages
from .anthropic_replies import error, problem
from .anthropic_rules import Call
from .anthropic_strikes import broken
from .batches import Batch
from .delivery import editor, ledger_lines, places
from .draws import Draws, hexes
from .execution import Body, digest, execute
from .faults import strikes_line
from .lane import Checked
from .ledger import Entry
from .state import State

_REST = {"expired": "expired", "cancelled": "canceled"}  # status → result of the lines that never ran
_STRIKES = {"line_error", "unfinished_lines"}
BROKEN: dict[str, Any] = error(problem("Internal server error", 500))  # no word of the API: its batches do not fail
_SEEN = {"details": {"error_visibility": "user_facing"}}


def admit(batch: Batch, _state: State, _live: Sequence[Batch]) -> Checked:
    """Let every batch run: what makes one fail as a whole is refused when it is created."""
    return Checked(total=batch.total, tokens=batch.tokens)


def run(line: bytes, row: int, batch: Batch, state: State, now: int) -> Entry:
    """Run one line."""
    request = orjson.loads(line)
    custom_id: str = request["custom_id"]
    body: Body = request["params"]
    struck = (f for f in batch.faults if f["fault"] in _STRIKES and strikes_line(f, row, custom_id))
    if (fault := next(struck, None)) is not None:
        mark = digest(body)
        state.answers.occurrence(mark)
        return _entry(custom_id, broken(fault), mark, (0, 0, 0, 0), ok=False)
    asked = batch.request
    api = Messages(Call(asked["version"], "batch", frozenset(asked["betas"])))
    key, seed = hexes(64, batch.id, row), state.settings.seed
    outcome = execute(body, api, state.claude, state.answers, seed=seed, now=now, key=key)
    if outcome.status == 200:
        return _entry(custom_id, {"type": "succeeded", "message": outcome.body}, outcome.digest, outcome.usage, ok=True)
    shaped = outcome.body | {"error": outcome.body["error"] | _SEEN, "request_id": None}
    return _entry(custom_id, {"type": "errored", "error": shaped}, outcome.digest, outcome.usage, ok=False)


def _entry(custom_id: str, result: Body, mark: str, usage: tuple[int, int, int, int], *, ok: bool) -> Entry:
    return Entry(ok, mark, usage, json.dumps(custom_id), _line(custom_id, result))


def _line(custom_id: str, result: Body) -> bytes:
    return json.dumps({"custom_id": custom_id, "result": result}, separators=(",", ":")).encode()


def deliver(batch: Batch, state: State, status: str, _stamp: int) -> dict[str, Any]:
    """Write the one file of results, every row of it, in no order; its name depends on the batch only."""
    path, ledger = state.files.path(batch.input_file_id), state.ledgers.path(batch.id)
    ran = [(row, offset) for row, offset, _ in places(batch, state)]
    rest = _never_ran(path, {row for row, _ in ran})
    order = [(row, offset, True) for row, offset in ran] + [(row, offset, False) for row, offset in rest]
    Draws(state.settings.seed, "order", batch.number, "results").shuffle(order)
    done = ledger_lines(ledger, [(row, offset) for row, offset, ended in order if ended])
    edit, tally = editor(batch, _altered), dict.fromkeys(("succeeded", "errored", "canceled", "expired"), 0)
    name = f"{batch.id}_results.jsonl"
    draft = state.files.draft(name)
    with draft.open("wb") as sink, path.open("rb") as source:
        for row, offset, ended in order:
            if ended:
                _, custom_id, line = next(done)
            else:
                source.seek(offset)
                custom_id = orjson.loads(source.readline())["custom_id"]
                line = _line(custom_id, {"type": _REST[status]})
            kind = orjson.loads(line)["result"].get("type")
            tally[kind] = tally.get(kind, 0) + 1
            sink.writelines(edit(row, custom_id, line))
    state.files.keep(name, draft)
    return {"output_file_id": name, "tally": tally}


def _never_ran(path: Path, ran: set[int]) -> list[tuple[int, int]]:
    """Find where the lines that never ran begin: row, offset."""
    found, offset = [], 0
    with path.open("rb") as source:
        for row, line in enumerate(source):
            if row not in ran:
                found.append((row, offset))
            offset += len(line)
    return found


def _altered(line: bytes) -> bytes:
    """Change what a line says."""
    row: Body = orjson.loads(line)
    message = row["result"].get("message")
    blocks = [block for block in message["content"] if block["type"] == "text"] if message else []
    if blocks:
        blocks[0]["text"] = "another answer"
    else:
        row["result"] = {"type": "expired"}
    return orjson.dumps(row) + b"\n"
