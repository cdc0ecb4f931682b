"""Which protocol a call speaks, where that has to be known before its route is."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from .profiles import OPENAI, of_path

_PATH = "/v1/messages"
_GEMINI = re.compile(  # paths that nobody else has
    r"/v1(beta|alpha)(/.*)?|/(up|down)load/v1(beta|alpha)?/files(/.*)?"
    r"|/v1/(models/.*:[A-Za-z]+|files/[^/]+:download|batches/[^/]+:cancel)"
)
_UPLOAD = re.compile(r"/upload/v1(beta|alpha)?/files")
_SHARED = re.compile(r"/v1/(models|files|batches)(/.*)?")


def speaks_anthropic(scope: Scope) -> bool:
    """Tell by the path, and where both protocols may have it by the header that Anthropic's clients send."""
    path: str = scope["path"]
    if path == _PATH or path.startswith(_PATH + "/"):
        return True
    return of_path(path) in (None, OPENAI) and "anthropic-version" in Headers(scope=scope)


def speaks_gemini(scope: Scope) -> bool:
    """Tell by the path, and where OpenAI has it too by the key or the name that Google's clients send."""
    path: str = scope["path"]
    if _GEMINI.fullmatch(path):
        return True
    if not _SHARED.fullmatch(path):
        return False
    headers = Headers(scope=scope)
    return "x-goog-api-key" in headers or "x-goog-api-client" in headers or "key" in _query(scope)


def continues_upload(scope: Scope, query: QueryParams) -> bool:
    """Tell a piece of a Gemini upload, whose sender proves by the URL alone that it may send it."""
    return scope["method"] == "POST" and _UPLOAD.fullmatch(scope["path"]) is not None and "upload_id" in query


def _query(scope: Scope) -> QueryParams:
    return QueryParams(scope.get("query_string", b""))
