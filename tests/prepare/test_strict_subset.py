"""The promise of the strict subset, on schemas that nobody thought of: what it lets through, the original accepts."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.emulator.strict_schema import first_violation
from harness.prepare.dialects import fit
from harness.types import SentSchema

NAMES = st.sampled_from(["a", "b", "c"])
PLAIN = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 0, "title": "T"},
        {"type": ["string", "null"]},
        {"type": "null"},
        {"enum": ["x", "y"]},
        {"enum": ["x", None], "description": "why"},
        {"type": "string", "const": "x"},
        {"const": 3},
        {"type": "boolean", "default": True},
        {"$ref": "#/$defs/one"},
        {"$ref": "#/$defs/two", "description": "why"},
        {"$ref": "#"},
    ]
)


def objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make objects, open or closed, with some properties optional."""

    def made(properties: dict[str, Any], optional: set[str], closed: bool, typed: bool) -> dict[str, Any]:
        schema: dict[str, Any] = {"properties": properties, "required": [n for n in properties if n not in optional]}
        return schema | ({"type": "object"} if typed else {}) | ({"additionalProperties": False} if closed else {})

    names = st.dictionaries(NAMES, parts, min_size=1, max_size=3)
    return st.builds(made, names, st.sets(NAMES), st.booleans(), st.booleans())


def unions(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make choices between schemas."""
    several = st.lists(parts, min_size=1, max_size=3)
    return st.builds(lambda word, some: {word: some}, st.sampled_from(["anyOf", "oneOf", "allOf"]), several)


def grown(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make larger schemas of smaller ones."""
    lists = st.builds(lambda items: {"type": "array", "items": items, "maxItems": 2}, parts)
    return st.one_of(objects(parts), lists, unions(parts))


PARTS = st.recursive(PLAIN, grown, max_leaves=8)
ROOTS = st.builds(
    lambda root, one, two: {**root, "$defs": {"one": one, "two": two}}, objects(PARTS), PARTS, objects(PARTS)
)


def answer(data: st.DataObject, node: Any, root: Any, depth: int = 0) -> Any:
    """Draw an answer that a strict schema allows; deep down, only what ends."""
    if "$ref" in node:
        name = node["$ref"].removeprefix("#").removeprefix("/$defs/")
        return answer(data, root["$defs"][name] if name else root, root, depth + 1)
    if "anyOf" in node:
        branches = (
            node["anyOf"] if depth < 6 else sorted(node["anyOf"], key=lambda part: part.get("type") != "null")[:1]
        )
        return answer(data, data.draw(st.sampled_from(branches)), root, depth + 1)
    if "const" in node or "enum" in node:
        return data.draw(st.sampled_from(node["enum"] if "enum" in node else [node["const"]]))
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    kind = data.draw(st.sampled_from(kinds))
    if kind == "object":
        if depth > 40:
            raise RecursionError
        return {name: answer(data, part, root, depth + 1) for name, part in node["properties"].items()}
    if kind == "array":
        count = data.draw(st.integers(0, 2)) if depth < 6 else 0
        return [answer(data, node["items"], root, depth + 1) for _ in range(count)]
    simple = {"string": st.sampled_from(["x", "y", ""]), "integer": st.integers(0, 3), "boolean": st.booleans()}
    return None if kind == "null" else data.draw(simple[kind])


def without_nulls(value: Any, node: Any, paths: set[tuple[str, ...]], sent: SentSchema) -> Any:
    """Remove the nulls at the paths that were made nullable; `paths` are all the names of this place."""
    places = [(node, path) for path in paths]
    seen: list[tuple[Any, tuple[str, ...]]] = []
    visited: list[tuple[Any, tuple[str, ...]]] = []
    while places:
        here, path = places.pop()
        if (here, path) in visited:  # a definition may lead to itself
            continue
        visited.append((here, path))
        if "$ref" in here:
            name = here["$ref"].removeprefix("#").removeprefix("/$defs/")
            places.append((sent.schema["$defs"][name], ("$defs", name)) if name else (sent.schema, ()))
        elif "anyOf" in here:
            places += [(part, path) for part in here["anyOf"]]
        elif (here, path) not in seen:
            seen.append((here, path))
    for here, path in seen:
        if isinstance(value, list) and "items" in here:
            value = [without_nulls(child, here["items"], {(*path, "*")}, sent) for child in value]
        if isinstance(value, dict) and "properties" in here:
            gone = {
                name for name in here["properties"] if (*path, name) in sent.nullable and value.get(name, 0) is None
            }
            kept = {name: child for name, child in value.items() if name not in gone}
            known = here["properties"]
            value = {
                name: without_nulls(child, known[name], {(*path, name)}, sent) if name in known else child
                for name, child in kept.items()
            }
    return value


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(ROOTS, st.data())
def test_every_answer_of_the_strict_schema_is_valid_under_the_original(
    schema: dict[str, Any], data: st.DataObject
) -> None:
    sent, _ = fit("task", schema, "openai")
    if not sent.strict:
        assert dict(sent.schema) == schema
        return
    assert first_violation(dict(sent.schema)) is None
    try:
        drawn = answer(data, sent.schema, sent.schema)
    except RecursionError:
        return
    assert jsonschema_rs.is_valid(dict(sent.schema), drawn)
    assert jsonschema_rs.is_valid(schema, without_nulls(drawn, sent.schema, {()}, sent)), (sent, drawn)
