"""Batch prediction jobs of Vertex AI, as the engine sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

from .batches import Batch
from .draws import hexes
from .execution import Body, digest, execute
from .faults import strikes_line
from .google_contents import Contents, body_of
from .google_replies import time
from .lane import Checked
from .ledger import Entry
from .state import State
from .storage_objects import Objects, StoredObject
from .vertex_create import place
from .vertex_failures import SYSTEM, failure, failure_at_once
from .vertex_ids import name_of
from .vertex_importer import LONGEST, Importer, RefusedError
from .vertex_output import export
from .vertex_strikes import broken, failed_status

CONTENTS = Contents("v1beta1", "ON_DEMAND")
BROKEN = {"code": 13, "message": SYSTEM}


def admit(batch: Batch, state: State, _live: Sequence[Batch]) -> Checked:
    """Import the files of a job; `errors` of the result hold the one why it fails."""
    wrong = failure_at_once(batch, state.objects)
    if wrong is not None:
        return Checked(model=batch.model, errors=[wrong])
    name = batch.input_file_id
    draft, importer = state.files.draft(name), Importer()
    try:
        with ExitStack() as stack:
            with state.changed:  # what is open stays readable, whatever a client does to the object
                found = list(_inputs(batch, state.objects))
                importer.fit(sum(one.size for one in found))
                files = [stack.enter_context(state.objects.path(one).open("rb")) for one in found]
            for line in _lines(files):
                importer.look(line)
            if not importer.rows:
                raise RefusedError("The input has no rows.")
            with draft.open("wb") as sink:
                sink.writelines(importer.row(line) + b"\n" for line in _lines(files))
    except RefusedError as refused:
        draft.unlink(missing_ok=True)
        return Checked(model=batch.model, errors=[failure(batch, 3, str(refused))])
    size = draft.stat().st_size
    state.files.keep(name, draft)
    return Checked(total=importer.rows, model=batch.model, tokens=size // 4)


def _inputs(batch: Batch, objects: Objects) -> Iterator[StoredObject]:
    """Find the objects that a job reads; a name that ends in * stands for all that begin so."""
    for uri in batch.request["uris"]:
        bucket, name = place(uri)
        if name.endswith("*"):
            stem = name[:-1]
            names = [one for one in objects.names(bucket, stem) if one.startswith(stem)]
        else:
            names = [name]
        found = [one for name in names if (one := objects.get(bucket, name)) is not None]
        if not found:
            raise RefusedError(f"Not found: URI {uri}")
        yield from found


def _lines(files: Sequence[BinaryIO]) -> Iterator[bytes]:
    for file in files:
        file.seek(0)
        while line := file.readline(LONGEST + 1):  # one that is longer is refused
            if line.strip():
                yield line


def run(line: bytes, row: int, batch: Batch, state: State, now: int) -> Entry:
    """Run one row."""
    beside: Body = orjson.loads(line)
    request: Body = beside.pop("request")
    name = name_of({**beside, "request": request}, f"{batch.id}/{row}")
    body = body_of(request, batch.model or "")
    struck = [fault for fault in batch.faults if strikes_line(fault, row, name)]
    done = {"processed_time": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"), "request": request}
    if (fault := next((f for f in struck if f["fault"] == "line_error"), None)) is not None:
        mark = digest(body)
        state.answers.occurrence(mark)
        return _entry(name, {**beside, "status": "", **done, **broken(fault)}, mark, (0, 0, 0, 0), ok=False)
    key, seed = hexes(64, batch.id, row), state.settings.seed
    outcome = execute(body, CONTENTS, state.gemini, state.answers, seed=seed, now=now, key=key)
    if outcome.status != 200:
        status = failed_status(outcome.status, outcome.body)
        return _entry(name, {**beside, "status": status, **done}, outcome.digest, outcome.usage, ok=False)
    response = {**outcome.body, "createTime": time(now, nanoseconds=False)}
    if any(fault["fault"] == "missing_total" for fault in struck):
        usage = {key: value for key, value in response["usageMetadata"].items() if key != "totalTokenCount"}
        response |= {"usageMetadata": usage}
    said = {**beside, "status": "", **done, "response": response}
    return _entry(name, said, outcome.digest, outcome.usage, ok=True)


def _entry(name: str, row: Body, mark: str, usage: tuple[int, int, int, int], *, ok: bool) -> Entry:
    return Entry(ok, mark, usage, json.dumps(name), orjson.dumps(row))


def deliver(batch: Batch, state: State, status: str, _stamp: int) -> dict[str, Any]:
    """Write the rows that ran to the bucket, however the job ended: they are paid for."""
    if status == "failed":
        return {"errors": [failure(batch, 7)]}
    if "in_progress" not in batch.stamps:
        return {}
    return {"tally": {"exported": export(batch, state)}}
