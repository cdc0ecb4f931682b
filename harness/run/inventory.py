"""Sort what lies at the provider by run, and say of each thing whether it may go. Pure.

Rules, in doubt for keeping: a running batch needs its input file; a run that is not finished here may need all of its
files; what an orphan was answered may lie nowhere else; a fresh upload of a run elsewhere waits for its batch.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from harness.types import Belonging, run_key_in

FRESH = 3600.0  # s; an upload of a run elsewhere has become a batch by then, or is uploaded again
INPUT = re.compile(r"k[a-z2-7]{12}-[0-9a-z-]+\.jsonl")  # the name of an input file; its batch's label begins alike


@dataclass(frozen=True, slots=True)
class Here:
    """A run whose folder is here."""

    folder: str
    word: str  # how it stands, such as finished or interrupted
    finished: bool  # all that was answered is in the folder
    results: frozenset[str] = frozenset()  # ids under which the provider keeps what was answered
    batches: Mapping[str, Belonging] = field(default_factory=dict)  # id → what the journal calls it; deleted ones aside
    address: str | None = None  # where it was sent; None: to the emulator, or unknown


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that lies there."""

    thing: Belonging
    kept: str  # why it has to stay; "" where it may go


@dataclass(frozen=True, slots=True)
class Group:
    """What one run left."""

    key: str
    here: Here | None  # None: no folder of it is here, it is orphaned
    items: tuple[Item, ...]  # newest first


def by_run(things: Iterable[Belonging]) -> dict[str, list[Belonging]]:
    """Return what each run has there, in the order given."""
    found: dict[str, list[Belonging]] = {}
    for thing in things:
        if key := run_key_in(thing.name):
            found.setdefault(key, []).append(thing)
    return found


def doubtful(things: Mapping[str, list[Belonging]], runs: Mapping[str, Here]) -> list[str]:
    """Return the ids of batches that have to be looked at before something of their run may go."""
    found = []
    for key, owned in things.items():
        here = runs.get(key)
        results = here.results if here else frozenset()
        if (here is None or here.finished) and any(one.kind == "file" or one.id in results for one in owned):
            found += [one.id for one in owned if one.kind == "batch"]
    return found


def sorted_out(
    things: Mapping[str, list[Belonging]], runs: Mapping[str, Here], *, ended: Collection[str], now: float
) -> list[Group]:
    """Return the groups: orphaned ones first, then those whose run has finished, then the others.

    `ended`: ids of batches that have surely ended.
    """
    groups = []
    for key, owned in things.items():
        here = runs.get(key)
        items = (Item(thing, _kept(thing, here, owned, ended, now)) for thing in owned)
        groups.append(Group(key, here, tuple(items)))
    return sorted(groups, key=lambda group: 0 if group.here is None else 1 if group.here.finished else 2)


def _kept(thing: Belonging, here: Here | None, owned: Iterable[Belonging], ended: Collection[str], now: float) -> str:
    """Say why a thing has to stay; "" where it may go."""
    batches = [one for one in owned if one.kind == "batch"]
    if here is not None and not here.finished:
        return "its run is not finished"
    if thing.kind == "batch":
        if here is None:
            return "what it was answered may lie nowhere else"
        if thing.id not in here.results:
            return "the provider keeps its list of batches"
        return "" if thing.id in ended else "it has not ended"
    if any(batch.id not in ended for batch in batches):
        return "a batch of its run has not ended"
    if here is not None:
        return ""
    if not INPUT.fullmatch(thing.name):
        return "it may be results that lie nowhere else"
    label = re.compile(re.escape(thing.name.removesuffix(".jsonl")) + r"-[0-9]+")  # its submissions are numbered
    used = any(label.fullmatch(batch.name) for batch in batches)
    fresh = thing.created_at is None or now - thing.created_at < FRESH
    return "just uploaded, a run elsewhere may need it" if fresh and not used else ""
