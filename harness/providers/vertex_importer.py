"""What the importer of Vertex AI's batches refuses: it makes a table of the rows, so each key is a column. Pure.

One row of a run differs from another in its texts only, so the constant part of a request tells for all of them.
Read: live captures in OpenRouterTeam/docs, docs/batch-research/google-vertex.md, 2026-09-02.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MOST_LEVELS = 15


def refusals(request: Mapping[str, Any]) -> list[str]:
    """Return a line for everything in a request's constant part that makes the import of all rows fail."""
    kinds: dict[str, str] = {}
    return list(dict.fromkeys(_walk(request, "", 1, kinds)))


def _walk(value: Any, at: str, level: int, kinds: dict[str, str]) -> Iterator[str]:
    kind = _kind(value)
    if kind is not None and kinds.setdefault(at, kind) != kind:
        yield f"{at} is {kinds[at]} in one place and {kind} in another"
    if value is None:
        yield f"{at} is null"
    elif isinstance(value, Mapping):
        yield from _struct(value, at, level, kinds)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, list):
                yield f"{at} holds a list in a list"
            yield from _walk(item, f"{at}[]", level, kinds)


def _struct(value: Mapping[str, Any], at: str, level: int, kinds: dict[str, str]) -> Iterator[str]:
    if not value and at:
        yield f"{at} is an empty object"
    if level > MOST_LEVELS:
        yield f"{at} is nested more than {MOST_LEVELS} levels deep"
        return
    for key, inner in value.items():
        path = f"{at}.{key}" if at else str(key)
        if not COLUMN.fullmatch(str(key)):
            yield f"{path} has a name that is not letters, digits and _ only"
        yield from _walk(inner, path, level + 1, kinds)


def _kind(value: Any) -> str | None:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, Mapping) else None
