"""What names a row of a job, which has no id of its own: a sibling of its request, or else a label inside of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]
_IDS = ("custom_id", "key", "id")  # what clients call it
_OWN = ("request", "status", "processed_time", "response")  # what is the API's in a row


def named(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the path of the name of a row; empty if nothing in it can be one."""
    siblings = {key: value for key, value in row.items() if key not in _OWN and type(value) in {str, int, float}}
    if siblings:
        return (next((name for name in _IDS if name in siblings), next(iter(siblings))),)
    labels = row["request"].get("labels")
    texts = [key for key, value in labels.items() if isinstance(value, str)] if isinstance(labels, dict) else []
    return ("request", "labels", texts[0]) if texts else ()


def name_of(row: Mapping[str, Any], otherwise: str) -> str:
    """Read the name of a row as text."""
    found: Any = row
    for key in named(row):
        found = found[key]
    if found is row:
        return otherwise
    return found if isinstance(found, str) else json.dumps(found)


def renamed(row: Body, name: Any) -> Body:
    """Give a row another name, in the place where it has one."""
    match named(row):
        case ("request", "labels", label):
            request = row["request"]
            return row | {"request": request | {"labels": request["labels"] | {label: name}}}
        case (sibling,):
            return row | {sibling: name}
        case _:
            return row | {_IDS[0]: name}
