"""The requests of a new Gemini batch, from a file or from the call: what the parser refuses fails the whole creation.

What only the model refuses shows in the result of its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from .google_contents import body_of, count, first_problem
from .google_fields import listed, mapping, read, record, text
from .google_models import Family
from .google_replies import problem
from .models import Models
from .problems import Problem

Body = dict[str, Any]
_FILE = record({"key": text, "request": mapping, "metadata": mapping})
_INLINE = record({"request": mapping, "metadata": mapping})
CREATE = record(
    {
        "batch": record(
            {
                "name": text,
                "model": text,
                "displayName": text,
                "inputConfig": record({"fileName": text, "requests": record({"requests": listed(_INLINE)})}),
                "priority": lambda _where, _value: None,
                "webhookConfig": mapping,
            }
        )
    }
)


@dataclass(frozen=True, slots=True)
class Goal:
    """Where requests go."""

    model: str
    models: Models[Family]
    version: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What came in."""

    total: int
    tokens: int


def from_file(source: Path, sink: Path, goal: Goal) -> Taken | Problem:
    """Take the lines of a file."""
    with source.open("rb") as lines:
        return _take(((f"line {i}", item) for i, item in _parsed(lines)), sink, goal)


def _parsed(lines: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    for i, line in enumerate(lines, 1):
        if line.strip():
            try:
                item = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                item = problem(f"Invalid JSON: {error}")
            yield i, item


def from_call(items: Iterable[Body], sink: Path, goal: Goal) -> Taken | Problem:
    """Take the requests that came with the call."""
    return _take(((f"request {i}", item) for i, item in enumerate(items)), sink, goal)


def _take(items: Iterable[tuple[str, Any]], path: Path, goal: Goal) -> Taken | Problem:
    """Write a line for each request: its key, its metadata, and the body that will run."""
    total = tokens = 0
    with path.open("wb") as sink:
        for where, item in items:
            row = _row(item, goal)
            if isinstance(row, Problem):
                return problem(f"The input of the batch is invalid at {where}: {row.message}", field=row.param)
            sink.write(orjson.dumps(row) + b"\n")
            total, tokens = total + 1, tokens + _tokens(row["body"])
    return Taken(total, tokens) if total else problem("The batch has no requests.")


def _tokens(body: Body) -> int:
    """Estimate the length of a prompt, if there is one."""
    contents = body.get("contents") or ()
    return count(body) if contents and all(content.get("parts") for content in contents) else 0


def _row(item: Any, goal: Goal) -> Body | Problem:
    if isinstance(item, Problem):
        return item
    if not isinstance(item, dict):
        return problem("It is not an object.")
    item = {name: value for name, value in item.items() if value is not None}
    if found := _FILE("", item):
        return found
    if "request" not in item:
        return problem("Missing required field `request`.")
    metadata = item.get("metadata") or {}
    key = item.get("key", metadata.get("key"))
    if any(not isinstance(value, str) for value in metadata.values()):
        return problem("Invalid value at 'metadata' (TYPE_STRING)", field="metadata")
    body = body_of(item["request"], str(item["request"].get("model") or goal.model))
    found = first_problem(body, goal.models, goal.version)
    if found is not None and found.param is not None:  # the parser's
        return found
    return {"key": key, "metadata": item.get("metadata"), "body": body}


def read_create(raw: bytes) -> Body | Problem:
    """Read the body of a creation; the names of all fields, those of its requests too, are then in camelCase."""
    try:
        body = orjson.loads(raw)
        body = read(body) if isinstance(body, dict) else body
    except (orjson.JSONDecodeError, RecursionError):
        return problem("Invalid JSON payload received. Unable to parse the body.")
    if found := CREATE("", body):
        return found
    batch: Body = body.get("batch") or {}
    source = batch.get("inputConfig") or {}
    if not ("fileName" in source) ^ ("requests" in source):
        return problem("* CreateBatchRequest.batch.input_config: exactly one of file_name and requests must be set")
    return batch
