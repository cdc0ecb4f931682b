"""Whether an answer that fits the schema can have what a scorer wants to look at."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

EVERY = "*"  # in a path: all items of a list


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads."""

    problem: str | None  # why it certainly leads nowhere
    schema: Any = None  # the subschema there; None where it cannot be told
    types: frozenset[str] | None = None  # the JSON types that are allowed there; None where it cannot be told


def follow(path: str | None, start: Any, root: Schema) -> Place:
    """Walk a dotted path of names, list indexes and `*` from a subschema; `root` holds the definitions."""
    here = _local(start, root)
    walked: list[str] = []
    for part in path.split(".") if path else ():
        problem, inner = _step(here, part, walked)
        if problem:
            return Place(problem)
        here = _local(inner, root)
        walked.append(part)
    return Place(None, here, _types(here))


def _local(here: Any, root: Schema) -> Any:
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


def _types(here: Any) -> frozenset[str] | None:
    """Return the types that a subschema names."""
    named = here.get("type") if isinstance(here, Mapping) else None
    if isinstance(named, str):
        return frozenset({named})
    if isinstance(named, list) and all(isinstance(one, str) for one in named):
        return frozenset(named)
    return None


def _step(here: Any, part: str, walked: Sequence[str]) -> tuple[str | None, Any]:
    """Take one step of a path: what is certainly wrong with it, and the subschema it leads to (None: cannot tell)."""
    if not isinstance(here, Mapping):
        return None, None
    if not isinstance(kind := here.get("type"), str):  # whatever its type is: a name that is listed leads there
        listed = here.get("properties")
        return None, listed.get(part) if isinstance(listed, Mapping) else None
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
        first = here.get("prefixItems")
        if part == EVERY:
            return None, None if first else here.get("items")
        if part.isdigit():
            listed = first if isinstance(first, list) else []
            return None, listed[int(part)] if int(part) < len(listed) else here.get("items")
        return f"{place} is a list; give an index, not {part!r}", None
    return f"{place} is of type {kind} and has nothing inside", None
