"""Answers questions about a JSON Schema: does it take null, do its alternatives exclude each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]
Refs = Mapping[str, Node]  # what a `$ref` may say → the schema that it names

# Keywords that never decide whether an answer is valid.
ANNOTATIONS = frozenset(
    {
        *("$schema", "$comment", "title", "default", "examples", "example"),
        *("readOnly", "writeOnly", "deprecated", "discriminator"),
    }
)
NOT_REGULAR = re.compile(r"\(\?<?[=!]|\\[1-9]")  # look-around, or a reference back to a group
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null", list: "array"}


def references(schema: Node) -> dict[str, Node]:
    """Return what `$ref` can name: the root and its definitions."""
    found: dict[str, Node] = {"#": schema}
    for key in ("definitions", "$defs"):
        found |= {f"#/{key}/{name}": node for name, node in schema.get(key, {}).items() if isinstance(node, Mapping)}
    return found


def types(node: Node) -> list[Any]:
    """Return the types that a schema states, in its order."""
    kind = node.get("type", [])
    return kind if isinstance(kind, list) else [kind]


def values(node: Node) -> list[Any] | None:
    """Return the values that a schema lists by enum or const; None where it lists none."""
    return [node["const"]] if "const" in node else node.get("enum")


def kinds(listed: Sequence[Any]) -> list[str]:
    """Return the types of values, each once."""
    return list(dict.fromkeys(KINDS.get(type(value), "object") for value in listed))


def regular(pattern: Any) -> bool:
    """Tell whether a pattern does without look-around and back references, which linear-time engines lack."""
    return not NOT_REGULAR.search(re.sub(r"\\[^1-9]", "", str(pattern)))


def leaves(node: Any, refs: Refs, seen: tuple[str, ...] = ()) -> Iterator[Node]:
    """Yield the alternatives of a schema, references followed."""
    if not isinstance(node, Mapping):
        return
    ref = node.get("$ref")
    if isinstance(ref, str):
        parts: Sequence[Any] = [refs.get(ref)] if ref not in seen else []
        seen = (*seen, ref)
    elif isinstance(node.get("allOf"), list) and len(node["allOf"]) == 1:
        parts = node["allOf"]
    else:
        parts = node.get("anyOf") or node.get("oneOf") or ()
        if not parts:
            yield node
    for part in parts:
        yield from leaves(part, refs, seen)


def takes_null(node: Any, refs: Refs) -> bool:
    """Tell whether null is valid."""
    return any(_null_fits(leaf) for leaf in leaves(node, refs))


def _null_fits(leaf: Node) -> bool:
    listed = values(leaf)
    stated = "null" in types(leaf) if "type" in leaf else listed is not None
    return stated and (listed is None or None in listed)


def disjoint(parts: Sequence[Any], refs: Refs) -> bool:
    """Tell whether it is certain that no value fits two of these schemas."""
    return all(
        _apart(one, other, refs)
        for i, first in enumerate(parts)
        for second in parts[i + 1 :]
        for one in [*leaves(first, refs)] or [{}]
        for other in [*leaves(second, refs)] or [{}]
    )


def _apart(a: Node, b: Node, refs: Refs) -> bool:
    """Tell whether two alternatives differ by their types, their listed values, or a property that tells them apart."""
    kinds_a, kinds_b = _possible(a), _possible(b)
    if kinds_a and kinds_b and not kinds_a & kinds_b:
        return True
    if _differ(values(a), values(b)):
        return True
    if types(a) != ["object"] or types(b) != ["object"]:
        return False
    shared = {*a.get("required", ())} & {*b.get("required", ())} & a.get("properties", {}).keys()
    return any(_tells(a["properties"][name], b.get("properties", {}).get(name), refs) for name in shared)


def _tells(a: Any, b: Any, refs: Refs) -> bool:
    one, other = [*leaves(a, refs)], [*leaves(b, refs)]
    return len(one) == len(other) == 1 and _differ(values(one[0]), values(other[0]))


def _possible(leaf: Node) -> set[str]:
    listed = values(leaf)
    stated = {*types(leaf)} or {*kinds(listed if listed is not None else ())}
    return stated | {"integer", "number"} if stated & {"integer", "number"} else stated


def _differ(a: list[Any] | None, b: list[Any] | None) -> bool:
    """Tell whether two lists of values have nothing in common; 1 equals 1.0, and true is not 1."""
    if a is None or b is None:
        return False
    one, other = (
        {(isinstance(v, bool), v if v.__hash__ else json.dumps(v, sort_keys=True)) for v in x} for x in (a, b)
    )
    return not one & other


def ambiguous(
    nodes: Sequence[Any], refs: Refs, at: str = "", seen: frozenset[frozenset[int]] = frozenset()
) -> str | None:
    """Find a place where one alternative may leave a property out and another takes null for it.

    All of `nodes` describe the same place. Returns its path; None where there is no such place.
    """
    open_nodes = [leaf for node in nodes for leaf in leaves(node, refs)]
    state = frozenset(map(id, open_nodes))
    if not state or state in seen:
        return None
    children: dict[str, list[tuple[Any, bool]]] = {}
    for leaf in open_nodes:
        for name, part in leaf.get("properties", {}).items():
            children.setdefault(name, []).append((part, name in leaf.get("required", ())))
        if "items" in leaf:
            children.setdefault("*", []).append((leaf["items"], True))
    for name, parts in children.items():
        nulls = [takes_null(part, refs) for part, _ in parts]
        optional = [not required and not null for (_, required), null in zip(parts, nulls, strict=True)]
        if any(nulls) and any(optional):
            return f"{at}/{name}"
        if deeper := ambiguous([part for part, _ in parts], refs, f"{at}/{name}", seen | {state}):
            return deeper
    return None


def nodes(node: Any, depth: int = 1) -> Iterator[tuple[Node, int]]:
    """Walk through a strict schema and yield each schema in it with its depth: objects and arrays inside each other."""
    yield node, depth
    for part in node.get("$defs", {}).values():
        yield from nodes(part)
    for part in [*node.get("properties", {}).values(), *([node["items"]] if "items" in node else ())]:
        yield from nodes(part, depth + ("properties" in part or "items" in part))
    for part in node.get("anyOf", ()):
        yield from nodes(part, depth)
