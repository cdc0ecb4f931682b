"""What every route gets: the state, the runner of batches, and the strikes of faults on a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from .batches import Fault
from .drop import Dropped
from .problems import Problem
from .replies import refusal
from .runner import Runner
from .state import State

if TYPE_CHECKING:
    from .upstream_work import UpstreamWork

SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this "
    "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
)
_GATEWAY = "<html><head><title>{0} Bad Gateway</title></head><body><h1>{0} Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Site:
    """The emulator behind the routes."""

    state: State
    runner: Runner
    upstream: UpstreamWork | None = None  # where lines and direct calls go, if anywhere


Route = Callable[[Request, Site], Awaitable[Response]]


async def call(operation: str, route: Route, request: Request, site: Site) -> Response:
    """Answer one call, with the faults that strike it before or after its effect."""
    batch = site.state.batches.get(request.path_params.get("batch_id", ""))
    with site.state.changed:
        number = batch.number if batch else len(site.state.batches) + 1 if operation == "create_batch" else None
        metadata = (batch.request.get("metadata") or {}) if batch else None
        strikes = site.state.faults.of_call(operation, number, metadata)
    request.state.strikes = strikes
    for fault in strikes:
        if fault["fault"] == "slow":
            await asyncio.sleep(fault.get("seconds", 0.2))
    instead = next((response for fault in strikes if (response := _before(fault, request))), None)
    if instead is not None:
        return instead
    response = await route(request, site)
    return next((lost for fault in strikes if (lost := _after(fault))), response)


def _before(fault: Fault, request: Request) -> Response | None:
    """Answer in place of the route, which then has no effect."""
    name = fault["fault"]
    if name == "drop_connection" and fault.get("when", "before") == "before":
        return Dropped()
    if name == "create_500_then_ok":
        return refusal(Problem(SERVER_ERROR, None, None, 500, "server_error"))
    if name == "server_error":
        status = fault.get("status", 502 if fault.get("html") else 500)
        if fault.get("html"):
            return Response(_GATEWAY.format(status), status, media_type="text/html")
        return refusal(Problem(SERVER_ERROR, None, None, status, "server_error"))
    if name == "rate_limited":
        after = fault.get("retry_after", 1)
        words = fault.get("message", "Rate limit reached for requests. Please try again in 1s.")
        headers = {} if after is None else {"retry-after": str(after)}
        return refusal(Problem(words, None, "rate_limit_exceeded", 429, "requests"), headers=headers)
    if name == "insufficient_quota":
        return refusal(Problem(_QUOTA, None, "insufficient_quota", 429, "insufficient_quota"))
    if name == "echo_key":
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        words = f"Incorrect API key provided: {key}."
        return refusal(Problem(words, None, "invalid_api_key", fault.get("status", 401)))
    return None


def _after(fault: Fault) -> Response | None:
    """Lose the answer of a route that had its effect."""
    if fault["fault"] == "create_answer_lost" or (fault["fault"] == "drop_connection" and fault.get("when") == "after"):
        return Dropped()
    if fault["fault"] == "create_500_but_accepted":
        return refusal(Problem(SERVER_ERROR, None, None, 500, "server_error"))
    return None
