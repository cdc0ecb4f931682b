"""The OpenAI Batch API: create, look, list, cancel."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import fates, problems, upstream, visits
from .admission import PROJECT
from .batches import Batch
from .openai_view import show
from .problems import Problem, missing, unknown, wrong_type, wrong_value
from .profiles import Profile
from .replies import answer, limit_of, page, read_json, refusal, seconds
from .site import Site

LANE = "openai"
_KEPT = ("endpoint", "completion_window", "metadata", "output_expires_after")


async def create_batch(request: Request, site: Site) -> Response:
    """Create a batch; what is wrong with its file shows later, in `validating`."""
    body = await read_json(request, site.state.settings.max_json)
    if isinstance(body, Problem):
        return refusal(body)
    problem = _refused(body, request, site)
    if problem is not None:
        return refusal(problem)
    with site.state.changed:
        batch = _new(body, request.state.profile, site)
        site.state.batches.add(batch)
        site.runner.add(batch)
        return answer(show(batch, fresh=True))


def _refused(body: dict[str, Any], request: Request, site: Site) -> Problem | None:
    for name in ("input_file_id", "endpoint", "completion_window"):
        if body.get(name) is None:
            return missing(name)
        if not isinstance(body[name], str):
            return wrong_type(name, "a string", body[name])
    profile: Profile = request.state.profile
    known = {"input_file_id", "endpoint", "completion_window", "metadata"}
    known |= {"output_expires_after"} if profile.expiries else set()
    if stranger := next((name for name in body if name not in known), None):
        return unknown(stranger)
    endpoints = profile.apis if site.state.settings.upstream is None else upstream.ENDPOINTS
    if body["endpoint"] not in endpoints:
        return wrong_value("endpoint", body["endpoint"], endpoints)
    if isinstance(window := profile.window(body["completion_window"]), Problem):
        return window
    if body.get("metadata") is not None and (problem := problems.metadata(body["metadata"])):
        return problem
    expiry = body.get("output_expires_after")
    if expiry is not None and (problem := seconds("output_expires_after", expiry)):
        return problem
    return _unfit(body["input_file_id"], request, site)


def _unfit(file_id: str, request: Request, site: Site) -> Problem | None:
    """Refuse a file that is not seen yet, or that was uploaded for something else."""
    if any(fault["fault"] == "cannot_find_file" for fault in request.state.strikes):
        return Problem(f"Cannot find file {file_id}, or project {PROJECT} does not have access to it.", "file_id")
    file = site.state.files.get(file_id, site.state.clock.now())
    if file is not None and file.purpose != "batch":
        words = f"Invalid value: file {file_id} has the purpose '{file.purpose}'. Supported values are: 'batch'."
        return Problem(words, "input_file_id", "invalid_value")
    return None


def _new(body: dict[str, Any], profile: Profile, site: Site) -> Batch:
    state = site.state
    number, now, seed = len(state.batches) + 1, state.clock.now(), state.settings.seed
    metadata = body.get("metadata")
    faults = state.faults.of_batch(LANE, number, metadata)
    window = profile.window(body["completion_window"])
    assert isinstance(window, float)  # others are refused
    return Batch(
        id=profile.batch_id(seed, number, body["input_file_id"], metadata),
        number=number,
        created=now,
        life=fates.life(state.settings, number, faults, window),
        input_file_id=body["input_file_id"],
        request={key: body.get(key) for key in _KEPT},
        faults=faults,
        lane=LANE,
        profile=profile.name,
        window=window,
    )


def _find(request: Request, site: Site) -> Batch | Response:
    batch_id = request.path_params["batch_id"]
    batch = site.state.batches.get(batch_id, LANE)
    return batch if batch is not None and batch.profile == request.state.profile.name else _no_batch(batch_id)


def _no_batch(batch_id: str) -> Response:
    return refusal(Problem(f"No batch found with id '{batch_id}'.", None, None, 404))


async def get_batch(request: Request, site: Site) -> Response:
    """Look at a batch, which counts: some lives and faults go by looks."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.look(batch, site)
    with site.state.changed:
        return _no_batch(batch.id) if visits.gone(batch) else answer(show(batch))


async def list_batches(request: Request, site: Site) -> Response:
    """List batches, newest first."""
    profile: Profile = request.state.profile
    limit = 20 if profile.cursor else limit_of(request, 20, 100)
    if isinstance(limit, Problem):
        return refusal(limit)
    with site.state.changed:
        known = [batch for batch in reversed(site.state.batches.all(LANE)) if not visits.gone(batch, listed=True)]
        known = [batch for batch in known if batch.profile == profile.name]
        after = request.query_params.get("cursor" if profile.cursor else "after")
        if profile.cursor and (wanted := request.query_params.getlist("id")):
            known, limit = [batch for batch in known if batch.id in wanted[:200]], 200
        start = next((i for i, batch in enumerate(known, 1) if batch.id == after), 0)
        body = page([show(batch) for batch in known[start : start + limit]], None, limit)
    return answer(profile.page(body | {"has_more": start + limit < len(known)}))


async def cancel_batch(request: Request, site: Site) -> Response:
    """Cancel a batch: lines that ran stay, the others will be marked."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.settle(batch, site)
    with site.state.changed:
        if batch.status in {"completed", "failed", "expired"}:
            return refusal(Problem(f"Cannot cancel a batch with status '{batch.status}'.", None, None, 409))
        visits.cancel(batch, site)
        return answer(show(batch))
