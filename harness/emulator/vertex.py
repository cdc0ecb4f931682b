"""The Vertex AI surface as data: which path is which operation, with a project in it or, for keys, without.

Read: cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs, and what google-genai
1.40 to 3.6 sends; November 2026.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Scope

from . import vertex_batches, vertex_direct
from .google_replies import problem, refusal
from .site import Route

_PATH = re.compile(
    r"/v1(beta1)?/(projects/[^/]+/locations/[^/]+/)?(batchPredictionJobs|publishers/[^/]+/models)([/:].*)?"
)
_VERSIONS = ("/v1", "/v1beta1")
_PLACES = ("/projects/{project}/locations/{location}", "")
_JOBS = "/batchPredictionJobs"
_JOB = _JOBS + "/{batch_id}"
_TABLE: tuple[tuple[str, str, str, Route], ...] = (
    ("POST", _JOBS, "create_batch", vertex_batches.create_batch),
    ("GET", _JOBS, "list_batches", vertex_batches.list_batches),
    ("POST", _JOB + ":cancel", "cancel_batch", vertex_batches.cancel_batch),
    ("GET", _JOB, "get_batch", vertex_batches.get_batch),
    ("DELETE", _JOB, "delete_batch", vertex_batches.delete_batch),
    ("POST", "/publishers/google/models/{model}:generateContent", "generate_content", vertex_direct.generate_content),
)
ROUTES = tuple(
    (method, version + place + path, name, route)
    for version in _VERSIONS
    for place in _PLACES
    for method, path, name, route in _TABLE
)
_NOBODY = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_WRONG = "Request had invalid authentication credentials."


def speaks_vertex(scope: Scope) -> bool:
    """Tell by the path."""
    return _PATH.fullmatch(scope["path"]) is not None


def refused(headers: Headers, query: QueryParams, api_key: str | None) -> Response | None:
    """Refuse who brings neither a token nor a key, or not the one that is right."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    key = bearer or headers.get("x-goog-api-key") or query.get("key")
    if key and api_key in {None, key}:
        return None
    return refusal(problem(_WRONG if key else _NOBODY, 401))
