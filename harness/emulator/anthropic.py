"""The Anthropic surface as data: which path is which operation."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from . import anthropic_batches, anthropic_direct
from .anthropic_replies import problem, refusal
from .anthropic_rules import VERSIONS
from .site import Route, Site


async def _versioned(route: Route, request: Request, site: Site) -> Response:
    """Demand a version of the API that there is."""
    version = request.headers.get("anthropic-version")
    if version is None:
        return refusal(problem("anthropic-version: header is required"))
    if version not in VERSIONS:
        return refusal(problem(f'anthropic-version: "{version}" is not a valid version'))
    return await route(request, site)


_BATCHES = "/v1/messages/batches"
_ROUTES: tuple[tuple[str, str, str, Route], ...] = (
    ("POST", "/v1/messages", "messages", anthropic_direct.messages),
    ("POST", "/v1/messages/count_tokens", "count_tokens", anthropic_direct.count_tokens),
    ("POST", _BATCHES, "create_batch", anthropic_batches.create_batch),
    ("GET", _BATCHES, "list_batches", anthropic_batches.list_batches),
    ("GET", _BATCHES + "/{batch_id}", "get_batch", anthropic_batches.get_batch),
    ("POST", _BATCHES + "/{batch_id}/cancel", "cancel_batch", anthropic_batches.cancel_batch),
    ("GET", _BATCHES + "/{batch_id}/results", "batch_results", anthropic_batches.batch_results),
    ("DELETE", _BATCHES + "/{batch_id}", "delete_batch", anthropic_batches.delete_batch),
    ("GET", "/v1/models", "list_models", anthropic_direct.list_models),
    ("GET", "/v1/models/{model:path}", "get_model", anthropic_direct.get_model),
)
ROUTES = tuple((method, path, name, partial(_versioned, route)) for method, path, name, route in _ROUTES)
