"""Control routes of the emulator itself, under /_emulator/."""

from __future__ import annotations

import json

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from .auditing import audit
from .faults import PlanError
from .site import Route, Site

_PATIENCE = 300.0  # real seconds that a leap of the clock waits for the work which it made due


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body, indent=1) + "\n", status, media_type="application/json")


async def get_audit(_request: Request, site: Site) -> Response:
    """Count what was executed."""
    return _json(await to_thread.run_sync(audit, site.state.root))


async def get_faults(_request: Request, site: Site) -> Response:
    """Show the plan of faults."""
    return _json(site.state.faults.plan)


async def put_faults(request: Request, site: Site) -> Response:
    """Replace the plan of faults; batches that exist keep theirs."""
    body = await request.body()
    try:
        with site.state.changed:
            site.state.faults.replace(orjson.loads(body))
    except (orjson.JSONDecodeError, PlanError) as error:
        return _json({"error": str(error)}, 400)
    return _json(site.state.faults.plan)


async def advance(request: Request, site: Site) -> Response:
    """Move the clock and wait until everything that became due is done."""
    try:
        seconds = float(orjson.loads(await request.body())["seconds"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return _json({"error": 'the body is {"seconds": number}'}, 400)
    site.state.clock.advance(seconds)
    site.state.clock_file.write(site.state.clock.now())
    await to_thread.run_sync(site.runner.settle, None, _PATIENCE)
    return _json({"now": site.state.clock.now()})


ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("GET", "/_emulator/audit", get_audit),
    ("GET", "/_emulator/faults", get_faults),
    ("PUT", "/_emulator/faults", put_faults),
    ("POST", "/_emulator/advance", advance),
)
