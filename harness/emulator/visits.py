"""Visits of a client to a batch, whatever the protocol: looks that count, cancelling, and what faults let it see."""

from __future__ import annotations

from anyio import to_thread

from . import jobs
from .batches import Batch
from .site import Site

_PATIENCE = 0.1  # real seconds that a look waits for work which is due
_LONG_PATIENCE = 60.0  # the same, where the look itself makes the work due


async def look(batch: Batch, site: Site) -> None:
    """Look at a batch, which counts: some lives and faults go by looks."""
    patience = _LONG_PATIENCE if batch.life.by == "looks" else _PATIENCE
    with site.state.changed:
        if (batch.life.by == "looks" and not batch.ended) or batch.faults:  # looks matter, so each is stored
            late = batch.late_looks + batch.ended
            site.state.batches.change(batch, looks=batch.looks + 1, late_looks=late)
        waits = site.runner.late(batch, site.state.clock.now())
    if waits:
        await to_thread.run_sync(site.runner.settle, batch, patience)


async def settle(batch: Batch, site: Site) -> None:
    """Wait a moment for the work that is due, so that what comes next meets the batch as it should be."""
    await to_thread.run_sync(site.runner.settle, batch, _PATIENCE)


async def cancelled(batch: Batch, site: Site, *, queued: float | None = None) -> bool:
    """Cancel a batch; False if it has ended already.

    `queued`: seconds or looks from now until one ends that does not run yet; None: as one that runs.
    """
    await settle(batch, site)
    with site.state.changed:
        if batch.ended:
            return False
        cancel(batch, site, queued if batch.status == "validating" else None)
        return True


def cancel(batch: Batch, site: Site, wait: float | None = None) -> None:
    """Cancel a batch that has not ended: lines that ran stay. The caller holds the state.

    `wait`: seconds or looks from now until it ends; None: as the protocols do that tell nothing of it.
    """
    state = site.state
    if batch.status == "cancelling" or batch.ended:
        return
    now = state.clock.now()
    life = jobs.cancelled(batch.life, batch.steps, batch.x(now), state.settings.seed, batch.number, wait)
    stamps = batch.stamps | {"cancelling": int(now)}
    state.batches.change(batch, life=life, steps=batch.steps + 1, status="cancelling", stamps=stamps)


def gone(batch: Batch, *, listed: bool = False) -> bool:
    """Say whether a batch has vanished from looks, or from the list."""
    fault = batch.fault("vanished")
    if fault is None or (listed and fault.get("listed")):
        return False
    first, looks = fault.get("after", 1), fault.get("looks")
    return batch.looks > first and (looks is None or batch.looks <= first + looks)


def seen_status(batch: Batch) -> str | None:
    """Name the status that a fault shows in place of the true one, if it does."""
    fault = batch.fault("unknown_status")
    if fault is None:
        return None
    looks = fault.get("looks", 2)
    return str(fault.get("status", "paused")) if looks is None or batch.looks <= looks else None


def results_hidden(batch: Batch) -> bool:
    """Say whether a fault still hides the results of an ended batch."""
    late = batch.fault("files_late")
    return late is not None and batch.late_looks <= late.get("looks", 2)
