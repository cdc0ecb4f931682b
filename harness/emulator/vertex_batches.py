"""Batch prediction jobs: create, look, list, cancel, delete."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from . import fates, jobs, visits
from .batches import Batch, Fault
from .draws import number as drawn
from .google_replies import answer, page, problem, read_object, refusal, time
from .problems import Problem
from .site import Site
from .vertex_create import wanted
from .vertex_failures import AFTER_ROWS
from .vertex_filter import keeps
from .vertex_output import export_early
from .vertex_strikes import NAME
from .vertex_view import parent, show

_QUEUE = 72 * 3600.0  # seconds that a job may wait
_RUN = 24 * 3600.0  # seconds that it may run; rows that did not by then never do
_EMPTY = "type.googleapis.com/google.protobuf.Empty"


async def create_batch(request: Request, site: Site) -> Response:
    """Create a job."""
    state = site.state
    body = await read_object(request, state.settings.max_contents)
    if isinstance(body, Problem):
        return refusal(body)
    asked = wanted(body, state.gemini)
    if isinstance(asked, Problem):
        return refusal(asked)
    with state.changed:
        batch = _new(_place(request), asked, site)
        state.batches.add(batch)
        site.runner.add(batch)
        return answer(show(batch, batch.created))


def _place(request: Request) -> dict[str, str]:
    """Read project and location; a call with a key alone names neither."""
    given = request.path_params
    return {"project": given.get("project", "express"), "location": given.get("location", "global")}


def _new(place: dict[str, str], asked: dict[str, Any], site: Site) -> Batch:
    state, created = site.state, site.state.clock.now()
    number = len(state.batches) + 1
    metadata = {**asked["labels"], "displayName": asked["displayName"]}
    faults = state.faults.of_batch(NAME, number, metadata)
    mark = drawn("job", state.settings.seed, number, asked["prefix"], place["project"])
    batch_id = str(10**18 + mark % (8 * 10**18))  # an int64 of 19 digits
    directory = f"{asked['prefix']}/prediction-model-{time(created, nanoseconds=False)}"
    return Batch(
        id=batch_id,
        number=number,
        created=created,
        life=_life(fates.life(state.settings, number, faults, _QUEUE + _RUN), faults),
        input_file_id=f"{batch_id}_rows.jsonl",
        request={**place, **asked, "directory": directory, "metadata": metadata},
        faults=faults,
        lane=NAME,
        model=asked["model"],
        window=_RUN,
    )


def _life(life: jobs.Life, faults: list[Fault]) -> jobs.Life:
    """Let a job expire in the queue, where no row is to run, or fail when it writes its results."""
    for fault in faults:
        if fault["fault"] == "expire_after_lines" and fault.get("lines", 1) == 0:
            return replace(life, steps=life.steps[-1:])
        if fault["fault"] == "batch_failed" and fault.get("code") == AFTER_ROWS and life.steps:
            return replace(life, steps=(*life.steps[:-1], jobs.Step("failed", life.steps[-1].at)))
    return life


def _find(request: Request, site: Site) -> Batch | Response:
    batch = site.state.batches.get(request.path_params["batch_id"], NAME)
    if batch is None or parent(_place(request)) != parent(batch.request):
        return _no_batch(request)
    return batch


def _no_batch(request: Request) -> Response:
    name = f"{parent(_place(request))}/batchPredictionJobs/{request.path_params['batch_id']}"
    return refusal(problem(f"The BatchPredictionJob does not exist. resource name: {name}", 404))


async def get_batch(request: Request, site: Site) -> Response:
    """Look at a job; what it has written by then is there to be listed."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.look(batch, site)
    await to_thread.run_sync(export_early, batch, site.state)
    with site.state.changed:
        return _no_batch(request) if visits.gone(batch) else answer(show(batch, site.state.clock.now()))


async def list_batches(request: Request, site: Site) -> Response:
    """List the jobs of a project in a location, newest first."""
    keep = keeps(request.query_params.get("filter", ""))
    if isinstance(keep, Problem):
        return refusal(keep)
    with site.state.changed:
        now, place = site.state.clock.now(), parent(_place(request))
        known = (one for one in reversed(site.state.batches.all(NAME)) if not one.deleted)
        there = (one for one in known if parent(one.request) == place and not visits.gone(one, listed=True))
        shown = [job for job in (show(one, now) for one in there) if keep(job)]
    found = page(request, shown, 100, 100)
    if isinstance(found, Problem):
        return refusal(found)
    items, token = found
    body = {"batchPredictionJobs": items} if items else {}
    return answer(body | ({"nextPageToken": token} if token else {}))


async def cancel_batch(request: Request, site: Site) -> Response:
    """Cancel a job: one that waits ends at once, one that runs keeps what ran."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    if await visits.cancelled(batch, site, queued=0.0):
        await visits.settle(batch, site)
        return answer({})
    words = f"The BatchPredictionJob is in a terminal state and cannot be cancelled: {batch.id}"
    return refusal(problem(words, 400, kind="FAILED_PRECONDITION"))


async def delete_batch(request: Request, site: Site) -> Response:
    """Delete a job that has ended; its results stay in the bucket."""
    batch = _find(request, site)
    if isinstance(batch, Response):
        return batch
    await visits.settle(batch, site)
    with site.state.changed:
        if not batch.ended:
            words = "The BatchPredictionJob is not in a terminal state and cannot be deleted."
            return refusal(problem(words, 400, kind="FAILED_PRECONDITION"))
        site.state.batches.change(batch, deleted=True)
        now = time(site.state.clock.now(), nanoseconds=False)
    name = f"{parent(batch.request)}/operations/{10**18 + int(secrets.token_hex(7), 16)}"
    metadata = {
        "@type": "type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata",
        "genericMetadata": {"createTime": now, "updateTime": now},
    }
    return answer({"name": name, "metadata": metadata, "done": True, "response": {"@type": _EMPTY}})
