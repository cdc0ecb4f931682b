"""Direct calls of the OpenAI API: bodies that are answered at once, and models."""

from __future__ import annotations

import secrets
from functools import partial

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from .endpoints import Endpoint
from .execution import Body, execute
from .ledger import Entry
from .problems import Problem
from .receipts import remember
from .replies import answer, read_json, refusal
from .site import Site

_LIMITS = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-tokens": "1999000",
    "x-ratelimit-reset-tokens": "30ms",
}
_SINCE = 1_700_000_000  # `created` of every model; nothing depends on it


async def run(request: Request, site: Site) -> Response:
    """Answer one body at once, whatever the endpoint."""
    state, profile = site.state, request.state.profile
    api: Endpoint = profile.apis["/v1" + request.url.path.removeprefix(profile.prefix)]
    body = await read_json(request, state.settings.max_json)
    if isinstance(body, Problem):
        return refusal(body)
    now, key = int(state.clock.now()), secrets.token_hex(32)
    models, seed = state.models[profile.name], state.settings.seed
    call = partial(execute, body, api, models, state.answers, seed=seed, now=now, key=key)
    outcome = await to_thread.run_sync(call)
    remember(Entry(outcome.status == 200, outcome.digest, outcome.usage, '""', b""), state)
    if outcome.status != 200:
        return answer(outcome.body, outcome.status)
    if body.get("stream"):
        return StreamingResponse(api.stream(body, outcome.body), headers=_LIMITS, media_type="text/event-stream")
    return answer(outcome.body, headers=_LIMITS)


def _model(name: str) -> Body:
    return {"id": name, "object": "model", "created": _SINCE, "owned_by": "system"}


async def list_models(request: Request, site: Site) -> Response:
    """List the models."""
    models = site.state.models[request.state.profile.name]
    return answer({"object": "list", "data": [_model(name) for name in models.names()]})


async def get_model(request: Request, site: Site) -> Response:
    """Show one model."""
    name = request.path_params["model"]
    if site.state.models[request.state.profile.name].find(name) is None:
        return refusal(Problem(f"The model '{name}' does not exist", "model", "model_not_found", 404))
    return answer(_model(name))
