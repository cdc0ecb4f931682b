"""Direct calls, passed through to the model server upstream: once, without retries, which are the client's."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from .execution import digest
from .ledger import Entry
from .problems import Problem
from .receipts import remember
from .replies import parse_json, read_body, refusal
from .site import Route, Site
from .upstream import Answer
from .upstream_lines import used

_NO_STREAM = "Streaming is not passed through to the upstream server: leave `stream` out, or call that server itself."


async def post(request: Request, site: Site) -> Response:
    """Pass a request on as it is, byte for byte."""
    raw = await read_body(request, site.state.settings.max_json)
    if isinstance(raw, Problem):
        return refusal(raw)
    body = parse_json(raw)
    if isinstance(body, Problem):
        return refusal(body)
    if body.get("stream"):
        return refusal(Problem(_NO_STREAM, "stream", "unsupported_value"))
    answer = await _call(site, "POST", request.url.path.removeprefix(request.state.profile.prefix), raw)
    remember(Entry(answer.ok, digest(body), used(answer), '""', b""), site.state)
    return _passed(answer)


async def list_models(_request: Request, site: Site) -> Response:
    """List the models of the server."""
    return _passed(await _call(site, "GET", "/models"))


async def get_model(request: Request, site: Site) -> Response:
    """Show one model of the server."""
    name = request.path_params["model"]
    if ".." in name.split("/"):  # it would lead to other paths of that server, with its key
        return refusal(Problem(f"The model '{name}' does not exist", "model", "model_not_found", 404))
    return _passed(await _call(site, "GET", f"/models/{quote(name)}"))


async def _call(site: Site, method: str, path: str, body: bytes | None = None) -> Answer:
    assert site.upstream is not None  # these routes are there only with a server upstream
    return await site.upstream.direct(method, path, body)


def _passed(answer: Answer) -> Response:
    headers = {} if answer.retry_after is None else {"retry-after": f"{answer.retry_after:g}"}
    return Response(answer.body, answer.status, headers, "application/json")


ROUTES: tuple[tuple[str, str, str, Route], ...] = (
    ("GET", "/models", "list_models", list_models),
    ("GET", "/models/{model:path}", "get_model", get_model),
    ("POST", "/chat/completions", "chat", post),
    ("POST", "/responses", "responses", post),
    ("POST", "/embeddings", "embeddings", post),
    ("POST", "/completions", "completions", post),
)
