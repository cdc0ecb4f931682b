"""Direct calls of the Gemini API: contents that are generated at once, token counts, and models."""

from __future__ import annotations

import secrets
from functools import partial

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from .execution import Body, execute
from .gemini_batches import TOO_LARGE
from .gemini_names import version_of
from .google_contents import Contents, body_of, count
from .google_models import Family, bare
from .google_replies import answer, page, problem, refusal
from .google_rules import find
from .ledger import Entry
from .problems import Problem
from .receipts import remember
from .replies import read_body
from .site import Site

_METHODS = ("generateContent", "countTokens", "batchGenerateContent")


async def generate_content(request: Request, site: Site) -> Response:
    """Answer one request at once."""
    state = site.state
    body = await _read(request, site)
    if isinstance(body, Problem):
        return refusal(body)
    api = Contents(version_of(request.url.path))
    now, key, seed = int(state.clock.now()), secrets.token_hex(32), state.settings.seed
    call = partial(execute, body, api, state.gemini, state.answers, seed=seed, now=now, key=key)
    outcome = await to_thread.run_sync(call)
    remember(Entry(outcome.status == 200, outcome.digest, outcome.usage, '""', b""), state)
    return answer(outcome.body, outcome.status)


async def count_tokens(request: Request, site: Site) -> Response:
    """Count the tokens of a prompt; nothing runs."""
    body = await _read(request, site)
    if isinstance(body, Problem):
        return refusal(body)
    if isinstance(inner := body.get("generateContentRequest"), dict):
        body = inner | {"model": body["model"]}
    if found := Contents(version_of(request.url.path)).check(body, site.state.gemini):
        return refusal(found)
    total = count(body)
    return answer({"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]})


async def _read(request: Request, site: Site) -> Body | Problem:
    limit = site.state.settings.max_contents
    raw = await read_body(request, limit)
    if isinstance(raw, Problem):
        return problem(TOO_LARGE.format(limit))
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return problem(f"Invalid JSON payload received. {error}")
    if not isinstance(body, dict):
        return problem("Invalid JSON payload received. The body is not an object.")
    return body_of(body, request.path_params["model"])


async def list_models(request: Request, site: Site) -> Response:
    """List the models of this version of the API."""
    version, models = version_of(request.url.path), site.state.gemini
    known = [(name, find(name, models, version)) for name in models.names()]
    found = page(request, [(name, family) for name, family in known if isinstance(family, Family)], 50, 1000)
    if isinstance(found, Problem):
        return refusal(found)
    shown, more = found
    body: Body = {"models": [_model(name, family) for name, family in shown]}
    return answer(body | ({"nextPageToken": more} if more else {}))


async def get_model(request: Request, site: Site) -> Response:
    """Show one model."""
    name, version = bare(request.path_params["model"]), version_of(request.url.path)
    family = find(name, site.state.gemini, version)
    if isinstance(family, Problem):
        return refusal(problem(f"Model is not found: models/{name} for api version {version}", 404))
    return answer(_model(name, family))


def _model(name: str, family: Family) -> Body:
    return {
        "name": f"models/{name}",
        "version": name,
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": family.context,
        "outputTokenLimit": family.max_output,
        "supportedGenerationMethods": list(_METHODS),
        "temperature": 1,
        "maxTemperature": 2,
        "topP": 0.95,
        "thinking": bool(family.levels or family.budgets),
    }
