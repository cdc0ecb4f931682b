"""Takes back the nulls that a strict schema dialect forced upon the model.

A dialect that wants every property required turns an optional property into a nullable one. The original schema judges
the answer, so a null in such a place becomes what it stands for: an absent property.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

Path = tuple[str, ...]
DEFINITIONS = ("$defs", "definitions")
BRANCHES = ("anyOf", "oneOf", "allOf")


@dataclass(eq=False, slots=True)
class Place:
    """One subschema: what to drop there and where its values go on."""

    drops: set[str] = field(default_factory=set)
    properties: dict[str, Place] = field(default_factory=dict)
    items: Place | None = None
    same: list[Place] = field(default_factory=list)  # subschemas of the same value: branches and what $ref names

    def next(self) -> Iterator[Place]:
        """Yield the places that can be reached in one step."""
        yield from self.properties.values()
        yield from self.same
        if self.items:
            yield self.items


def make_trim(schema: Mapping[str, Any], nullable: Sequence[Sequence[str]]) -> Callable[[Any], Any]:
    """Return a function that drops null properties at the `nullable` paths; it copies what it changes.

    A path holds property names, "*" for the items of an array, and begins with "$defs" and a name for what holds
    wherever that definition is used. Branches of anyOf, oneOf and allOf add nothing to a path.
    """
    if not nullable:
        return lambda value: value
    places: dict[int, Place] = {}
    root = _survey(schema, (), {tuple(path) for path in nullable}, places)
    _link(schema, schema, places)
    _prune(places.values())
    return lambda value: _trim(value, root)


def _survey(schema: Any, path: Path, nullable: Collection[Path], places: dict[int, Place]) -> Place:
    """Make a place for each subschema in the tree, references not followed."""
    place = places[id(schema)] = Place()
    if not isinstance(schema, Mapping):
        return place
    for name, child in _mapping(schema, "properties").items():
        inner = (*path, name)
        place.properties[name] = _survey(child, inner, nullable, places)
        if inner in nullable:
            place.drops.add(name)
    if isinstance(schema.get("items"), Mapping):
        place.items = _survey(schema["items"], (*path, "*"), nullable, places)
    for word in BRANCHES:
        place.same += [_survey(branch, path, nullable, places) for branch in _branches(schema, word)]
    for word in DEFINITIONS:
        for name, child in _mapping(schema, word).items():
            _survey(child, (word, name), nullable, places)
    return place


def _link(schema: Any, root: Mapping[str, Any], places: Mapping[int, Place]) -> None:
    """Join each local $ref with the place that it names."""
    if not isinstance(schema, Mapping):
        return
    target = _resolve(root, schema.get("$ref"))
    if target is not None and id(target) in places:
        places[id(schema)].same.append(places[id(target)])
    children = [*_mapping(schema, "properties").values(), schema.get("items")]
    for word in BRANCHES:
        children += _branches(schema, word)
    for word in DEFINITIONS:
        children += _mapping(schema, word).values()
    for child in children:
        _link(child, root, places)


def _prune(places: Collection[Place]) -> None:
    """Cut the ways that lead to no drop, so that a trim visits only what it may change."""
    useful = {id(place) for place in places if place.drops}
    grown = True
    while grown:
        more = {id(place) for place in places if any(id(step) in useful for step in place.next())}
        grown = not more <= useful
        useful |= more
    for place in places:
        place.properties = {name: step for name, step in place.properties.items() if id(step) in useful}
        place.same = [step for step in place.same if id(step) in useful]
        place.items = place.items if id(place.items) in useful else None
    closures = [_close(place) for place in places]
    for place, closure in zip(places, closures, strict=True):
        place.same = closure


def _close(place: Place) -> list[Place]:
    """Return all other places that look at the same values, over any number of references."""
    found, waiting = [place], list(place.same)
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.append(other)
            waiting += other.same
    return found[1:]


def _trim(value: Any, place: Place) -> Any:
    """Return the value without the nulls that any place drops which looks at it."""
    for here in (place, *place.same):
        if isinstance(value, dict):
            value = _trim_object(value, here)
        elif isinstance(value, list) and here.items:
            trimmed = [_trim(child, here.items) for child in value]
            changed = any(new is not old for new, old in zip(trimmed, value, strict=True))
            value = trimmed if changed else value
    return value


def _trim_object(value: dict[str, Any], place: Place) -> dict[str, Any]:
    """Drop from one object and go on into its properties."""
    if any(name in value and value[name] is None for name in place.drops):
        value = {name: child for name, child in value.items() if child is not None or name not in place.drops}
    for name, step in place.properties.items():
        if name in value and (trimmed := _trim(value[name], step)) is not value[name]:
            value = value | {name: trimmed}
    return value


def _resolve(root: Any, reference: Any) -> Any:
    """Return the subschema that a local JSON pointer names, or None."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    here = root
    for part in unquote(reference[1:]).split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        elif isinstance(here, Mapping) and key in here:
            here = here[key]
        else:
            return None
    return here


def _mapping(schema: Mapping[str, Any], word: str) -> Mapping[str, Any]:
    """Return a keyword that maps names to subschemas."""
    found = schema.get(word)
    return found if isinstance(found, Mapping) else {}


def _branches(schema: Mapping[str, Any], word: str) -> Sequence[Any]:
    """Return a keyword that lists subschemas."""
    found = schema.get(word)
    return found if isinstance(found, list) else []
