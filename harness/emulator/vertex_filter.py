"""The filter of a list of jobs: comparisons of the name that a client gave, the state and the labels, joined by AND."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from .google_replies import problem
from .problems import Problem

_TERM = re.compile(r'\s*([\w.]+)\s*(!=|=|:)\s*(?:"([^"]*)"|([^\s"]+))\s*')
_NAMES = {"displayName": "displayName", "display_name": "displayName", "state": "state"}
Keep = Callable[[Mapping[str, Any]], bool]


def keeps(text: str) -> Keep | Problem:
    """Read a filter; an empty one keeps every job, as `vertex_view.show` makes it."""
    terms = [_term(term) for term in re.split(r"\s+AND\s+", text)] if text.strip() else []
    wrong = next((term for term in terms if isinstance(term, Problem)), None)
    return wrong or (lambda job: all(not isinstance(term, Problem) and term(job) for term in terms))


def _term(text: str) -> Keep | Problem:
    found = _TERM.fullmatch(text)
    if found is None or not (found[1] in _NAMES or found[1].startswith("labels.")):
        return problem(f'Invalid filter "{text}".', field="filter")
    name, sign, value = found[1], found[2], found[3] if found[3] is not None else found[4]

    def keep(job: Mapping[str, Any]) -> bool:
        label = job.get("labels", {}).get(name.removeprefix("labels."), "")
        told = label if name.startswith("labels.") else job[_NAMES[name]]
        same = fnmatchcase(told, value) if sign == ":" else told == value
        return same != (sign == "!=")

    return keep
