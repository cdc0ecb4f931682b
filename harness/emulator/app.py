"""The ASGI application: routes, and what is said where there is none."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope

from . import (
    anthropic,
    anthropic_replies,
    anthropic_strikes,
    control,
    gemini,
    gemini_strikes,
    google_replies,
    openai,
    openai_strikes,
    site,
    storage,
    storage_replies,
    storage_strikes,
    upstream_direct,
    vertex,
    vertex_strikes,
)
from .gate import Gate
from .problems import Problem
from .profiles import OPENAI, PROFILES, Profile, of_path
from .replies import refusal
from .site import Site
from .storage import speaks_storage
from .surfaces import speaks_anthropic, speaks_gemini
from .vertex import speaks_vertex

Endpoint = Callable[[Request], Awaitable[Response]]
_VERB = re.compile(r"\}:[A-Za-z]+$")
Speaks = Callable[[Scope], bool]
_OTHERS: tuple[tuple[Speaks, site.Surface, tuple[tuple[str, str, str, site.Route], ...]], ...] = (
    (speaks_anthropic, anthropic_strikes, anthropic.ROUTES),
    (speaks_gemini, gemini_strikes, gemini.ROUTES),
    (speaks_vertex, vertex_strikes, vertex.ROUTES),
    (speaks_storage, storage_strikes, storage.ROUTES),
)


def build(here: Site) -> ASGIApp:
    """Build the application for one emulator."""
    routes = [_route(method, path, endpoint) for (method, path), endpoint in _table(here).items()]
    routes += [_route(method, path, _plain(route, here)) for method, path, route in control.ROUTES]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_route, ClientDisconnect: _left})
    app.router.redirect_slashes = False
    return Gate(app, here.state.settings.api_key)


def _route(method: str, path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=[method])


def _table(here: Site) -> dict[tuple[str, str], Endpoint]:
    """Bring the surfaces together; where two have a path, the one answers whose protocol is spoken."""
    passed_through = upstream_direct.ROUTES if here.upstream is not None else ()
    openais, others = (*passed_through, *openai.ROUTES), () if here.upstream is not None else _OTHERS
    table: dict[tuple[str, str], Endpoint] = {}
    for profile in PROFILES.values():
        for method, path, name, route in openais:
            if profile.operations is None or name in profile.operations:
                table.setdefault((method, profile.prefix + path), _accented(name, route, here, profile))
    for speaks, surface, found in others:
        for method, path, name, route in found:
            other = table.get((method, path), _nobody)
            table[method, path] = _spoken(speaks, _operation(surface, name, route, here), other)
    # A path that ends in a verb goes first: else its last name would take in the verb too.
    return dict(sorted(table.items(), key=lambda item: not _VERB.search(item[0][1])))


def _operation(surface: site.Surface, name: str, route: site.Route, here: Site) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await site.call(surface, name, route, request, here)

    return endpoint


def _accented(name: str, route: site.Route, here: Site, profile: Profile) -> Endpoint:
    operation = _operation(openai_strikes, name, route, here)

    async def endpoint(request: Request) -> Response:
        request.state.profile = profile
        return profile.dress(await operation(request))

    return endpoint


def _spoken(speaks: Speaks, one: Endpoint, other: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await (one if speaks(request.scope) else other)(request)

    return endpoint


async def _nobody(request: Request) -> Response:
    """Say that only another protocol has this method here."""
    return await _no_route(request, HTTPException(405))


def _plain(route: site.Route, here: Site) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await route(request, here)

    return endpoint


async def _left(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if speaks_storage(request.scope):
        return storage_replies.refusal(status, "Method Not Allowed" if status == 405 else "Not Found")
    if speaks_vertex(request.scope):
        return google_replies.refusal(google_replies.problem("Method not found.", status))
    if speaks_anthropic(request.scope):
        words = "Method Not Allowed" if status == 405 else "Not found"
        return anthropic_replies.refusal(anthropic_replies.problem(words, status))
    if speaks_gemini(request.scope):
        return google_replies.refusal(google_replies.problem("Method not found.", 404))
    dress = (of_path(request.url.path) or OPENAI).dress
    words = f"Invalid URL ({request.method} {request.url.path})"
    if status == 405:
        words = f"Not allowed to {request.method} on {request.url.path}."
        return dress(refusal(Problem(words, None, "method_not_supported", 405)))
    return dress(refusal(Problem(words, None, None, status)))
