"""What every route gets: the state, the runner of batches, and the strikes of faults on a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from starlette.requests import Request
from starlette.responses import Response

from .batches import Fault
from .drop import Dropped
from .runner import Runner
from .state import State

if TYPE_CHECKING:
    from .upstream_work import UpstreamWork

_GATEWAY = "<html><head><title>{0} Bad Gateway</title></head><body><h1>{0} Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Site:
    """The emulator behind the routes."""

    state: State
    runner: Runner
    upstream: UpstreamWork | None = None  # where lines and direct calls go, if anywhere


Route = Callable[[Request, Site], Awaitable[Response]]


class Surface(Protocol):
    """What a protocol's module of its refusals defines; the type checker holds each module against it."""

    NAME: str

    def server_error(self, status: int, /) -> Response:
        """Say that the server had an error."""

    def strike(self, fault: Fault, request: Request, /) -> Response | None:
        """Refuse a call that a fault strikes; None if the fault refuses nothing, or no words of its own are known."""


async def call(surface: Surface, operation: str, route: Route, request: Request, site: Site) -> Response:
    """Answer one call, with the faults that strike it before or after its effect."""
    if operation == "get_file" and request.query_params.get("alt") == "media":  # Cloud Storage has two paths for this
        operation = "file_content"
    batch = site.state.batches.get(request.path_params.get("batch_id", ""), surface.NAME)
    with site.state.changed:
        number = batch.number if batch else len(site.state.batches) + 1 if operation == "create_batch" else None
        metadata = (batch.request.get("metadata") or {}) if batch else None
        strikes = site.state.faults.of_call(surface.NAME, operation, number, metadata)
    request.state.strikes = strikes
    for fault in strikes:
        if fault["fault"] == "slow":
            await asyncio.sleep(fault.get("seconds", 0.2))
    instead = next((response for fault in strikes if (response := _before(surface, fault, request))), None)
    if instead is not None:
        return instead
    response = await route(request, site)
    return next((lost for fault in strikes if (lost := _after(surface, fault))), response)


def _before(surface: Surface, fault: Fault, request: Request) -> Response | None:
    """Answer in place of the route, which then has no effect."""
    name = fault["fault"]
    if name == "drop_connection" and fault.get("when", "before") == "before":
        return Dropped()
    if name == "create_500_then_ok":
        return surface.server_error(500)
    if name == "server_error":
        status = fault.get("status", 502 if fault.get("html") else 500)
        if fault.get("html"):
            return Response(_GATEWAY.format(status), status, media_type="text/html")
        return surface.strike(fault, request) or surface.server_error(status)
    return surface.strike(fault, request)


def _after(surface: Surface, fault: Fault) -> Response | None:
    """Lose the answer of a route that had its effect."""
    if fault["fault"] == "create_answer_lost" or (fault["fault"] == "drop_connection" and fault.get("when") == "after"):
        return Dropped()
    return surface.server_error(500) if fault["fault"] == "create_500_but_accepted" else None
