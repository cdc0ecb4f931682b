"""Direct calls of the Anthropic API: messages that are answered at once, and models."""

from __future__ import annotations

import secrets
from functools import partial

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from . import tokens
from .anthropic_headers import call_of
from .anthropic_messages import Messages
from .anthropic_models import Family
from .anthropic_replies import answer, listing, new_id, page, problem, refusal
from .anthropic_rules import check
from .execution import Body, execute
from .ledger import Entry
from .problems import Problem
from .receipts import remember
from .replies import read_body
from .site import Site

_SINCE = "2025-01-01T00:00:00Z"  # `created_at` of every model; nothing depends on it
_LEVELS = ("low", "medium", "high", "xhigh", "max")
_KINDS = ("adaptive", "between_tools", "disabled", "enabled")


async def messages(request: Request, site: Site) -> Response:
    """Answer one message at once."""
    state = site.state
    body = await _read(request, site)
    if isinstance(body, Problem):
        return refusal(body)
    api = Messages(call_of(request.headers, "standard"))
    now, key, seed = int(state.clock.now()), secrets.token_hex(32), state.settings.seed
    call = partial(execute, body, api, state.claude, state.answers, seed=seed, now=now, key=key)
    outcome = await to_thread.run_sync(call)
    remember(Entry(outcome.status == 200, outcome.digest, outcome.usage, '""', b""), state)
    if outcome.status == 200:
        return answer(outcome.body)
    request_id = new_id()
    return answer(outcome.body | {"request_id": request_id}, outcome.status, request_id=request_id)


async def count_tokens(request: Request, site: Site) -> Response:
    """Count the tokens of a prompt; nothing runs."""
    body = await _read(request, site)
    if isinstance(body, Problem):
        return refusal(body)
    found = check(body | {"max_tokens": 1}, site.state.claude, call_of(request.headers, "standard"))
    if found is not None:
        return refusal(found)
    system = [{"content": body["system"]}] if body.get("system") else []
    return answer({"input_tokens": tokens.prompt([*system, *body["messages"]])})


async def _read(request: Request, site: Site) -> Body | Problem:
    raw = await read_body(request, site.state.settings.max_message)
    if isinstance(raw, Problem):
        return problem("Request exceeds the maximum size", 413)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return problem(f"The request body is not valid JSON: {error}")
    return body if isinstance(body, dict) else problem("Input should be an object")


async def list_models(request: Request, site: Site) -> Response:
    """List the models by their dated names."""
    known = site.state.claude
    names = sorted({known.snapshot(name) for name in known.names()}, reverse=True)
    found = page(request, names)
    if isinstance(found, Problem):
        return refusal(found)
    places, more = found
    return answer(listing([_model(names[i], known.find(names[i])) for i in places], more=more))


async def get_model(request: Request, site: Site) -> Response:
    """Show one model."""
    name = request.path_params["model"]
    family = site.state.claude.find(name)
    if family is None:
        return refusal(problem(f"model: {name}", 404))
    return answer(_model(site.state.claude.snapshot(name), family))


def _model(name: str, family: Family | None) -> Body:
    shown: Body = {"type": "model", "id": name, "display_name": _title(name), "created_at": _SINCE}
    if family is None or not family.ruled:
        return shown | {"lifecycle": "active", "capabilities": None}
    words = name.split("-")
    return shown | {
        "lifecycle": "active",
        "line": words[1] if len(words) > 1 else None,
        "deprecated_at": None,
        "retires_at": None,
        "max_input_tokens": family.context,
        "max_tokens": family.max_output,
        "capabilities": _capabilities(family),
    }


def _title(name: str) -> str:
    """Make a title of a name: a number for each level of the version, the date left out."""
    words = [word for word in name.split("-") if not (word.isdigit() and len(word) == 8)]
    version = ".".join(word for word in words if word.isdigit())
    return " ".join([*(word.capitalize() for word in words if not word.isdigit()), *([version] if version else [])])


def _capabilities(family: Family) -> Body:
    yes, no = {"supported": True}, {"supported": False}
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": no,
        "context_management": no,
        "effort": {"supported": bool(family.efforts), **{one: _is(one in family.efforts) for one in _LEVELS}},
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": {"supported": False, "code_execution": no, "web_search": no},
        "structured_outputs": _is(family.structured),
        "thinking": {"supported": True, "types": {one: _is(one in family.thinking) for one in _KINDS}},
    }


def _is(supported: object) -> Body:
    return {"supported": bool(supported)}
