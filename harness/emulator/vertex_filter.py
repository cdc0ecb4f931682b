"""The filter of a list of jobs: comparisons of the name that a client gave, the state and the labels, joined by AND."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from .google_replies import problem
from .problems import Problem

_TERM = re.compile(r'\s*([\w.]+)\s*(!=|=|:)\s*(?:"([^"]*)"|([^\s"]+))(?:\s+(AND)(?=\s)|\s*\Z)')
_NAMES = {"displayName": "displayName", "display_name": "displayName", "state": "state"}
Keep = Callable[[Mapping[str, Any]], bool]


def keeps(text: str) -> Keep | Problem:
    """Read a filter; an empty one keeps every job, as `vertex_view.show` makes it."""
    terms: list[Keep] = []
    start, more = 0, bool(text.strip())
    while more:
        found = _TERM.match(text, start)
        if found is None or not (found[1] in _NAMES or found[1].startswith("labels.")):
            return problem(f'Invalid filter "{text}".', field="filter")
        terms.append(_term(found))
        start, more = found.end(), found[5] is not None
    return lambda job: all(term(job) for term in terms)


def _term(found: re.Match[str]) -> Keep:
    name, sign, value = found[1], found[2], found[3] if found[3] is not None else found[4]

    def keep(job: Mapping[str, Any]) -> bool:
        label = job.get("labels", {}).get(name.removeprefix("labels."), "")
        told = label if name.startswith("labels.") else job[_NAMES[name]]
        same = fnmatchcase(told, value) if sign == ":" else told == value
        return same != (sign == "!=")

    return keep
