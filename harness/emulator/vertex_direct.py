"""Direct calls of Vertex AI: contents that are generated at once."""

from __future__ import annotations

import secrets
from functools import partial

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from .execution import execute
from .google_contents import body_of
from .google_replies import answer, problem, read_object, refusal, time
from .ledger import Entry
from .problems import Problem
from .receipts import remember
from .site import Site
from .vertex_lane import CONTENTS


async def generate_content(request: Request, site: Site) -> Response:
    """Answer one request at once."""
    state, model = site.state, request.path_params["model"]
    given = await read_object(request, state.settings.max_contents)
    if isinstance(given, Problem):
        return refusal(given)
    if state.gemini.find(model) is None:
        return refusal(problem(f"Publisher Model `publishers/google/models/{model}` was not found.", 404))
    now, key, seed = int(state.clock.now()), secrets.token_hex(32), state.settings.seed
    body = body_of(given, model)
    call = partial(execute, body, CONTENTS, state.gemini, state.answers, seed=seed, now=now, key=key)
    outcome = await to_thread.run_sync(call)
    remember(Entry(outcome.status == 200, outcome.digest, outcome.usage, '""', b""), state)
    made = {"createTime": time(now, nanoseconds=False)} if outcome.status == 200 else {}
    return answer(outcome.body | made, outcome.status)
