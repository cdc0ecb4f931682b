"""Whether an answer that fits the schema can have what a scorer wants to look at."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any


def path_problems(path: str, schema: Mapping[str, Any] | None) -> list[str]:
    """Say why an answer of this schema can never have this path; empty when it may."""
    if schema is None:
        return [f"answer: {path} needs JSON, but the task has no schema; the schema {{}} accepts any JSON"]
    here: Any = schema
    walked: list[str] = []
    for part in path.split("."):
        here = _local(here, schema)
        problem, here = _step(here, part, walked)
        if problem:
            return [f"answer: {path} leads nowhere: {problem}"]
        walked.append(part)
    return []


def _local(here: Any, root: Mapping[str, Any]) -> Any:
    """Follow plain references to definitions; anything else stays as it is."""
    for _ in range(20):
        reference = here.get("$ref") if isinstance(here, Mapping) else None
        parts = reference.split("/") if isinstance(reference, str) else []
        if parts == ["#"]:
            here = root
        elif len(parts) == 3 and parts[0] == "#" and isinstance(root.get(parts[1]), Mapping):
            here = root[parts[1]].get(parts[2])
        else:
            break
    return here


def _step(here: Any, part: str, walked: Sequence[str]) -> tuple[str | None, Any]:
    """Take one step of a path: what is certainly wrong with it, and the subschema it leads to (None: cannot tell)."""
    if not isinstance(here, Mapping) or not isinstance(kind := here.get("type"), str):
        return None, None
    place = ".".join(walked) or "the answer"
    if kind == "object":
        names = here.get("properties")
        names = names if isinstance(names, Mapping) else {}
        if part in names or here.get("additionalProperties") is not False or "patternProperties" in here:
            return None, names.get(part)
        near = difflib.get_close_matches(part, list(names), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{place} has no {part!r}; {hint}has: {', '.join(names)}", None
    if kind == "array":
        if part.isdigit():
            return None, here.get("items")
        return f"{place} is a list; give an index, not {part!r}", None
    return f"{place} is of type {kind} and has nothing inside", None
