"""Which life a new batch gets: drawn, by looks or by work, and bent by its faults."""

from __future__ import annotations

from . import jobs
from .batches import Fault
from .state import Settings


def life(settings: Settings, number: int, faults: list[Fault], window: float = jobs.WINDOW) -> jobs.Life:
    """Give the batch with this number its life."""
    return _fated(jobs.bounded(_drawn(settings, number), window), faults)


def _drawn(settings: Settings, number: int) -> jobs.Life:
    if settings.upstream is not None:
        return jobs.by_work()
    return jobs.draw(settings.seed, number) if settings.looks is None else jobs.by_looks(settings.looks)


def _fated(life: jobs.Life, faults: list[Fault]) -> jobs.Life:
    for fault in faults:
        if fault["fault"] == "expire_after_lines":
            life = jobs.expiring(life, fault.get("after", 60), fault.get("lines", 1))
        elif fault["fault"] == "stuck":
            life = jobs.stuck(life, fault.get("status", "in_progress"))
    return life
