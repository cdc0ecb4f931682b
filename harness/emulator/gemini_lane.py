"""Gemini's batches, as the engine sees them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import orjson

from .batches import Batch
from .delivery import editor, ledger_lines, named, places
from .draws import hexes
from .execution import Body, digest, execute
from .faults import strikes_line
from .files import StoredFile
from .gemini_names import NAME
from .gemini_outputs import GENERATED, discard, output_of, wanted
from .gemini_strikes import broken
from .google_contents import Contents
from .google_replies import problem, rpc
from .lane import Checked
from .ledger import Entry
from .problems import Problem
from .state import State

BROKEN = rpc(problem("An internal error has occurred. Please retry.", 500))


def admit(batch: Batch, _state: State, _live: Sequence[Batch]) -> Checked:
    """Let every batch run that no fault strikes: what is malformed was refused when it was created."""
    found = Checked(total=batch.total, model=batch.model, tokens=batch.tokens)
    if (fault := batch.fault("batch_failed")) is not None:
        words = fault.get("message", "The batch could not be processed.")
        found.errors = [{"code": fault.get("code", BROKEN["code"]), "message": words}]
    return found


def run(line: bytes, row: int, batch: Batch, state: State, now: int) -> Entry:
    """Run one line."""
    request = orjson.loads(line)
    key, body = request["key"], request["body"]
    name = f"{batch.id}/{row}" if key is None else key
    said = {"metadata": request["metadata"]} if batch.request["inline"] else {}
    said = {"key": key, **said} if key is not None else said
    struck = (f for f in batch.faults if f["fault"] == "line_error" and strikes_line(f, row, name))
    if (fault := next(struck, None)) is not None:
        mark = digest(body)
        state.answers.occurrence(mark)
        return _entry(name, said | broken(fault), mark, (0, 0, 0, 0), ok=False)
    api, seed = Contents(batch.request["version"]), state.settings.seed
    outcome = execute(body, api, state.gemini, state.answers, seed=seed, now=now, key=hexes(64, batch.id, row))
    if outcome.status == 200:
        return _entry(name, said | {"response": outcome.body}, outcome.digest, outcome.usage, ok=True)
    error = outcome.body["error"]
    found: Problem = problem(error["message"], error["code"], kind=error["status"])
    return _entry(name, said | {"error": rpc(found)}, outcome.digest, outcome.usage, ok=False)


def _entry(name: str, row: Body, mark: str, usage: tuple[int, int, int, int], *, ok: bool) -> Entry:
    return Entry(ok, mark, usage, json.dumps(name), json.dumps(row, separators=(",", ":")).encode())


def deliver(batch: Batch, state: State, status: str, stamp: int) -> dict[str, Any]:
    """Write the rows in the order of the input; of a batch that did not succeed, or was deleted, nothing is left."""
    if status != "completed" or batch.deleted:
        with state.changed:
            discard(batch, state)
        return {}
    found = sorted((row, offset) for row, offset, _ in places(batch, state))
    edit, sha256, size = editor(batch, _altered, rename=named("key")), hashlib.sha256(), 0
    inline, file_id = batch.request["inline"], output_of(batch)
    draft = state.files.draft(file_id)
    with draft.open("wb") as sink:
        for row, name, line in ledger_lines(state.ledgers.path(batch.id), found):
            for edited in edit(row, name, line):
                sink.write(edited)
                sha256.update(edited)
                size += len(edited)
    kind, digest = "application/jsonl", sha256.hexdigest()
    with state.changed:
        if not wanted(batch):  # not since a moment ago
            draft.unlink()
            return {}
        if inline:
            state.files.keep(file_id, draft)
        else:
            state.files.add(StoredFile(file_id, GENERATED, "", size, stamp, None, NAME, kind, digest), draft)
    return {"output_file_id": file_id}


def _altered(line: bytes) -> bytes:
    """Change what a row says."""
    row: Body = orjson.loads(line)
    candidates = (row.get("response") or {}).get("candidates")
    if candidates:
        candidates[0]["content"] = {"parts": [{"text": "another answer"}], "role": "model"}
    else:
        row = {name: row[name] for name in ("key", "metadata") if name in row}
        row["error"] = rpc(problem("An internal error has occurred. Please retry.", 500))
    return orjson.dumps(row) + b"\n"
