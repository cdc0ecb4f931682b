"""Batches of the Gemini API: create, look, list, cancel, delete."""

from __future__ import annotations

import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from . import fates, visits
from .batches import Batch
from .gemini_files import find
from .gemini_intake import Goal, Taken, from_call, from_file, read_create
from .gemini_names import NAME, batch_id, version_of
from .gemini_outputs import discard
from .gemini_view import show
from .google_models import bare
from .google_replies import answer, page, problem, refusal
from .google_rules import find as find_model
from .problems import Problem
from .replies import read_body
from .site import Site
from .state import State

Body = dict[str, Any]
WINDOW = 172_800.0  # seconds until a batch expires: 48 hours
_MOST = 100  # batches that have not ended
_EXHAUSTED = "Resource has been exhausted (e.g. check quota)."
TOO_LARGE = "Request payload size exceeds the limit: {} bytes. Please attach files after uploading via the Files API."


async def create_batch(request: Request, site: Site) -> Response:
    """Create a batch of the requests in a file or in the body, all of which the parser has to take."""
    state = site.state
    raw = await read_body(request, state.settings.max_contents)
    if isinstance(raw, Problem):
        return refusal(problem(TOO_LARGE.format(state.settings.max_contents)))
    asked = await to_thread.run_sync(read_create, raw)
    version, model = version_of(request.url.path), bare(request.path_params["model"])
    family = find_model(model, state.gemini, version)
    found = next((one for one in (asked, family) if isinstance(one, Problem)), None)
    if found is not None or isinstance(asked, Problem):
        return refusal(found or problem(""))
    lines = state.files.draft(f"{secrets.token_hex(8)}-lines")
    try:
        taken = await to_thread.run_sync(partial(_take, asked, lines, Goal(model, state.gemini, version), site))
        if isinstance(taken, Problem):
            return refusal(taken)
        with state.changed:
            if _full(taken, model, site):
                return refusal(problem(_EXHAUSTED, 429))
            batch = _new(asked, taken, model, version, site)
            state.files.keep(batch.input_file_id, lines)
            state.batches.add(batch)
            site.runner.add(batch)
            return answer(show(batch, state))
    finally:
        lines.unlink(missing_ok=True)


def _take(asked: Body, lines: Path, goal: Goal, site: Site) -> Taken | Problem:
    source = asked["inputConfig"]
    if "requests" in source:
        return from_call(source["requests"].get("requests") or (), lines, goal)
    file = find(source["fileName"], site)
    return file if isinstance(file, Problem) else from_file(site.state.files.path(file.id), lines, goal)


def _full(taken: Taken, model: str, site: Site) -> bool:
    """Say whether there are as many batches, or tokens of one model, as may wait."""
    live, limit = [batch for batch in site.runner.live() if batch.lane == NAME], site.state.settings.enqueued_tokens
    queued = sum(batch.tokens for batch in live if batch.model == model)
    return len(live) >= _MOST or (limit is not None and queued + taken.tokens > limit)


def _new(asked: Body, taken: Taken, model: str, version: str, site: Site) -> Batch:
    state = site.state
    number = len(state.batches) + 1
    name = asked.get("displayName", "")
    faults = state.faults.of_batch(NAME, number, {"displayName": name})
    own = batch_id(state.settings.seed, number, f"{name}/{taken.total}")
    source = asked["inputConfig"]
    said = {"displayName": name, "version": version, "inline": "requests" in source, "file": source.get("fileName")}
    return Batch(
        id=own,
        number=number,
        created=state.clock.now(),
        life=fates.life(state.settings, number, faults, WINDOW),
        input_file_id=f"{own}_requests.jsonl",
        request={**said, "metadata": {"displayName": name}},
        faults=faults,
        lane=NAME,
        model=model,
        total=taken.total,
        tokens=taken.tokens,
        window=WINDOW,
    )


def _find(request: Request, site: Site) -> Batch | Response:
    batch = site.state.batches.get(request.path_params["batch_id"], NAME)
    return batch if batch is not None else _no_batch()


def _no_batch() -> Response:
    return refusal(problem("Requested entity was not found.", 404))


async def get_batch(request: Request, site: Site) -> Response:
    """Look at a batch."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.look(batch, site)
    with site.state.changed:
        seen = None if visits.gone(batch) else replace(batch)
    return await to_thread.run_sync(_answered, seen, site.state)


def _answered(batch: Batch | None, state: State) -> Response:
    """Show a batch as it was; its results may be large, so nobody waits for this."""
    shown = batch and _shown(batch, state)
    return _no_batch() if shown is None else answer(shown)


def _shown(batch: Batch, state: State) -> Body | None:
    try:
        return show(batch, state)
    except FileNotFoundError:  # deleted meanwhile, with its results
        return None


async def list_batches(request: Request, site: Site) -> Response:
    """List batches, newest first."""
    with site.state.changed:
        known = [one for one in reversed(site.state.batches.all(NAME)) if not one.deleted]
        found = page(request, [one for one in known if not visits.gone(one, listed=True)], 50, 100)
        if isinstance(found, Problem):
            return refusal(found)
        batches, more = [replace(batch) for batch in found[0]], found[1]
    return await to_thread.run_sync(_listed, batches, more, site.state)


def _listed(batches: list[Batch], more: str | None, state: State) -> Response:
    shown = [one for batch in batches if (one := _shown(batch, state)) is not None]
    body: Body = {"operations": shown} if shown else {}
    return answer(body | ({"nextPageToken": more} if more else {}))


async def cancel_batch(request: Request, site: Site) -> Response:
    """Cancel a batch: all that it did is lost. That one which has ended is refused is (unverified)."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    if await visits.cancelled(batch, site):
        return answer({})
    words = f"The batch batches/{batch.id} has ended and cannot be cancelled."
    return refusal(problem(words, 400, kind="FAILED_PRECONDITION"))


async def delete_batch(request: Request, site: Site) -> Response:
    """Delete a batch and its output; one that runs goes on unseen."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.settle(batch, site)
    state = site.state
    with state.changed:
        state.batches.change(batch, deleted=True)
        discard(batch, state)
    return answer({})
