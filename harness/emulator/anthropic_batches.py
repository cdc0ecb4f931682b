"""The Message Batches API: create, look, list, cancel, results, delete."""

from __future__ import annotations

import secrets

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from . import fates, visits
from .anthropic_headers import call_of
from .anthropic_intake import Taken, receive, split
from .anthropic_replies import answer, listing, page, problem, refusal
from .anthropic_strikes import NAME
from .anthropic_view import archived, has_results, show
from .batches import Batch
from .downloads import download
from .draws import base62
from .problems import Problem
from .site import Site

_POLITE = {"retry-after": "10"}  # seconds; comes with every look at a batch that has not ended
_TOO_LARGE = "Request exceeds the maximum size"
_NOT_ENDED = "In progress batches cannot be deleted. Consider canceling the batch instead."


async def create_batch(request: Request, site: Site) -> Response:
    """Create a batch of the requests in the body; what is wrong inside one of them shows in its result."""
    state, name = site.state, secrets.token_hex(8)
    draft, lines = state.files.draft(f"{name}-body"), state.files.draft(f"{name}-lines")
    try:
        size, digest = await receive(request, draft, state.settings.max_inline)
        if size > state.settings.max_inline:
            return refusal(problem(_TOO_LARGE, 413))
        taken = await to_thread.run_sync(split, draft, lines)
        if isinstance(taken, Problem):
            return refusal(taken)
        with state.changed:
            batch = _new(request, taken, digest, site)
            state.files.keep(batch.input_file_id, lines)
            state.batches.add(batch)
            site.runner.add(batch)
            return _shown(batch, request, site)
    finally:
        draft.unlink(missing_ok=True)
        lines.unlink(missing_ok=True)


def _new(request: Request, taken: Taken, digest: str, site: Site) -> Batch:
    state = site.state
    number = len(state.batches) + 1
    faults = state.faults.of_batch(NAME, number, None)
    batch_id = "msgbatch_01" + base62(22, state.settings.seed, number, digest)
    call = call_of(request.headers, "batch")
    return Batch(
        id=batch_id,
        number=number,
        created=state.clock.now(),
        life=fates.life(state.settings, number, faults),
        input_file_id=f"{batch_id}_requests.jsonl",
        request={"version": call.version, "betas": sorted(call.betas)},
        faults=faults,
        lane=NAME,
        total=taken.total,
        tokens=taken.characters // 4,
    )


def _shown(batch: Batch, request: Request, site: Site) -> Response:
    return answer(show(batch, site.state.clock.now(), str(request.base_url)))


def _find(request: Request, site: Site) -> Batch | Response:
    batch_id = request.path_params["batch_id"]
    batch = site.state.batches.get(batch_id, NAME)
    return batch if batch is not None else _no_batch(batch_id)


def _no_batch(batch_id: str) -> Response:
    return refusal(problem(f"Message Batch {batch_id} not found.", 404))


async def get_batch(request: Request, site: Site) -> Response:
    """Look at a batch."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.look(batch, site)
    with site.state.changed:
        if visits.gone(batch):
            return _no_batch(batch.id)
        headers = {} if batch.ended else _POLITE
        return answer(show(batch, site.state.clock.now(), str(request.base_url)), headers=headers)


async def list_batches(request: Request, site: Site) -> Response:
    """List batches, newest first; one that was deleted can still be the place where a page begins."""
    with site.state.changed:
        known = [one for one in reversed(site.state.batches.all(NAME)) if not visits.gone(one, listed=True)]
        deleted = {batch.id for batch in known if batch.deleted}
        found = page(request, [batch.id for batch in known], deleted)
        if isinstance(found, Problem):
            return refusal(found)
        places, more = found
        now, base = site.state.clock.now(), str(request.base_url)
        return answer(listing([show(known[i], now, base) for i in places], more=more))


async def cancel_batch(request: Request, site: Site) -> Response:
    """Cancel a batch: lines that ran stay, the others come back as canceled."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    if not await visits.cancelled(batch, site):
        return refusal(problem(f"Message Batch {batch.id} has already ended and cannot be canceled."))
    with site.state.changed:
        return _shown(batch, request, site)


async def delete_batch(request: Request, site: Site) -> Response:
    """Delete a batch that has ended, and its results."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.settle(batch, site)
    with site.state.changed:
        if not batch.ended:
            return refusal(problem(_NOT_ENDED))
        site.state.batches.change(batch, deleted=True)
        _discard(batch, site)
    return answer({"id": batch.id, "type": "message_batch_deleted"})


async def batch_results(request: Request, site: Site) -> Response:
    """Send the results of a batch."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    with site.state.changed:
        now = site.state.clock.now()
        if archived(batch, now):
            _discard(batch, site)
        if visits.gone(batch):
            return _no_batch(batch.id)
        if not has_results(batch, now) or batch.output_file_id is None:
            return refusal(problem(f"Message Batch {batch.id} has no available results.", 404))
    return download(request, site.state.files.path(batch.output_file_id), "application/x-jsonl", {})


def _discard(batch: Batch, site: Site) -> None:
    if batch.output_file_id is not None:
        site.state.files.discard(batch.output_file_id)
