"""The ASGI application: routes, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import control, openai, openai_strikes, site, upstream_direct
from .gate import Gate
from .problems import Problem
from .replies import refusal
from .site import Site

Endpoint = Callable[[Request], Awaitable[Response]]


def build(here: Site) -> ASGIApp:
    """Build the application for one emulator."""
    passed_through = upstream_direct.ROUTES if here.upstream is not None else ()
    table = (*passed_through, *openai.ROUTES)  # the first that fits answers
    routes = [_route(method, path, _operation(name, route, here)) for method, path, name, route in table]
    routes += [_route(method, path, _plain(route, here)) for method, path, route in control.ROUTES]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_route, ClientDisconnect: _left})
    app.router.redirect_slashes = False
    return Gate(app, here.state.settings.api_key)


def _route(method: str, path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=[method])


def _operation(name: str, route: site.Route, here: Site) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await site.call(openai_strikes, name, route, request, here)

    return endpoint


def _plain(route: site.Route, here: Site) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await route(request, here)

    return endpoint


async def _left(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = f"Invalid URL ({request.method} {request.url.path})"
    if status == 405:
        words = f"Not allowed to {request.method} on {request.url.path}."
        return refusal(Problem(words, None, "method_not_supported", 405))
    return refusal(Problem(words, None, None, status))
