"""Lines of a batch that a model server upstream executes: which there are, and what is kept of one that finished."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from .batches import Batch
from .draws import hexes
from .execution import digest
from .faults import strikes_line
from .files import lines_of
from .ledger import Entry
from .openai_lines import broken
from .problems import Problem, error
from .upstream import Answer

_NOTHING = (0, 0, 0, 0)
_TOO_DEEP = json.dumps(error(Problem("The body is nested too deeply."))).encode()


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is to be executed."""

    row: int
    custom_id: str
    path: str  # below the URL of the server
    digest: str  # of the body
    payload: bytes | None  # the body; None: nested too deeply to be written again


def todo(path: Path, limit: int, ran: Container[int | None]) -> Iterator[Line]:
    """Read those of the first `limit` lines of a checked file that have not run."""
    for row, text in enumerate(islice(lines_of(path), limit)):
        if row not in ran:
            line = orjson.loads(text)
            below = line["url"].removeprefix("/v1")
            yield Line(row, line["custom_id"], below, digest(line["body"]), _payload(text))


def _payload(text: bytes) -> bytes | None:
    try:
        return json.dumps(json.loads(text)["body"]).encode()  # orjson would round whole numbers of more than 64 bits
    except RecursionError:
        return None


def not_sent(batch: Batch, line: Line) -> Entry | None:
    """Answer a line that a fault strikes, or that cannot be sent; None if it is to be executed."""
    for fault in batch.faults:
        if fault["fault"] == "line_error" and strikes_line(fault, line.row, line.custom_id):
            mark = hexes(64, batch.id, line.row)
            text = {"id": f"batch_req_{mark[:32]}", "custom_id": line.custom_id, **broken(fault, mark)}
            return _entry(line, json.dumps(text).encode(), ok=False, usage=_NOTHING)
    return finished(batch, line, Answer(400, _TOO_DEEP)) if line.payload is None else None


def finished(batch: Batch, line: Line, answer: Answer) -> Entry:
    """Make the entry of a line; the body stands in it byte for byte."""
    mark = hexes(64, batch.id, line.row)
    head = {"id": f"batch_req_{mark[:32]}", "custom_id": line.custom_id}
    response = {"status_code": answer.status, "request_id": mark[32:]}
    opened = f'{json.dumps(head)[:-1]}, "response": {json.dumps(response)[:-1]}, "body": '
    text = opened.encode() + answer.body + b'}, "error": null}'
    return _entry(line, text, ok=answer.ok, usage=used(answer))


def _entry(line: Line, text: bytes, *, ok: bool, usage: tuple[int, int, int, int]) -> Entry:
    return Entry(ok, line.digest, usage, json.dumps(line.custom_id), text, line.row)


def used(answer: Answer) -> tuple[int, int, int, int]:
    """Count input, cached, output and reasoning tokens, in the words of chat completions or of responses."""
    if not answer.ok:
        return _NOTHING
    body = orjson.loads(answer.body)
    usage = body.get("usage") if isinstance(body, dict) else None
    return (
        _count(usage, "prompt_tokens", "input_tokens"),
        _count(_part(usage, "prompt_tokens_details", "input_tokens_details"), "cached_tokens"),
        _count(usage, "completion_tokens", "output_tokens"),
        _count(_part(usage, "completion_tokens_details", "output_tokens_details"), "reasoning_tokens"),
    )


def _part(value: Any, *names: str) -> Any:
    return next((value[name] for name in names if name in value), None) if isinstance(value, dict) else None


def _count(value: Any, *names: str) -> int:
    count = _part(value, *names)
    return count if type(count) is int and count > 0 else 0
