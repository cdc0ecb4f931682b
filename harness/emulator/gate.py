"""Who is let in: loopback names only, no foreign web pages, and a key for the API."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from . import anthropic_replies, google_replies, storage_replies
from .anthropic_headers import key_of
from .gemini_names import key_of as google_key_of
from .gemini_strikes import SERVICE
from .problems import Problem
from .profiles import Profile, of_path
from .replies import refusal
from .storage import speaks_storage
from .surfaces import continues_upload, speaks_anthropic, speaks_gemini
from .vertex import refused, speaks_vertex

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Gate:
    """Checks Host, Origin and key before anything else sees a request."""

    def __init__(self, app: ASGIApp, api_key: str | None) -> None:
        self._app = app
        self._api_key = api_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or refuse it."""
        instead = self._checked(scope) if scope["type"] == "http" else None
        await (self._app if instead is None else instead)(scope, receive, send)

    def _checked(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not _local(f"//{headers.get('host', '')}"):  # another name for this address: DNS rebinding
            return refusal(Problem("This server answers to loopback names only.", None, None, 421), known=False)
        if "origin" in headers and not _local(headers["origin"]):
            return refusal(Problem("Requests from web pages are refused.", None, None, 403), known=False)
        if speaks_storage(scope):
            return self._storage(headers, QueryParams(scope["query_string"]))
        if speaks_vertex(scope):
            return refused(headers, QueryParams(scope["query_string"]), self._api_key)
        if speaks_gemini(scope):
            return self._gemini(scope, headers, QueryParams(scope["query_string"]))
        profile = of_path(scope["path"])
        if profile is None:
            return None
        if speaks_anthropic(scope):
            return self._claude(headers)
        problem = self._key(headers.get("authorization", ""), profile)
        return profile.dress(refusal(problem, known=False)) if problem else None

    def _storage(self, headers: Headers, query: QueryParams) -> Response | None:
        """Let in who brings nothing, as emulators of Cloud Storage do; a token or key is held against the key."""
        token, key = headers.get("authorization", "").partition(" ")[2].strip(), query.get("key")
        if token and self._api_key not in {None, token}:
            return storage_replies.refusal(401, "Invalid Credentials")
        if key and self._api_key not in {None, key}:
            return storage_replies.refusal(400, "API key not valid. Please pass a valid API key.")
        return None

    def _claude(self, headers: Headers) -> Response | None:
        """Take the key from one of two headers, as Anthropic does."""
        key = key_of(headers)
        if key and self._api_key in {None, key}:
            return None
        words = "API key is invalid." if key else "x-api-key header is required"
        return anthropic_replies.refusal(anthropic_replies.problem(words, 401), known=False)

    def _gemini(self, scope: Scope, headers: Headers, query: QueryParams) -> Response | None:
        """Take the key from one of three places, as Google does; who has the URL of an upload needs none."""
        key = google_key_of(headers, query)
        if continues_upload(scope, query) or (key and self._api_key in {None, key}):
            return None
        if not key:
            words = "Method doesn't allow unregistered callers. Please use API Key to call this API."
            return google_replies.refusal(google_replies.problem(words, 403))
        found = google_replies.problem("API key not valid. Please pass a valid API key.")
        return google_replies.refusal(found, google_replies.error_info("API_KEY_INVALID", SERVICE))

    def _key(self, authorization: str, profile: Profile) -> Problem | None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            words = (
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            )
            return Problem(words, None, None, 401)
        if self._api_key in {None, key.strip()}:
            return None
        if profile.name == "groq":
            return Problem("Invalid API Key", None, "invalid_api_key", 401)
        words = f"Incorrect API key provided: {_masked(key.strip())}."
        words += " You can find your API key at https://platform.openai.com/account/api-keys."
        return Problem(words, None, "invalid_api_key", 401)


def _masked(key: str) -> str:
    return f"{key[:5]}***{key[-2:]}" if len(key) > 10 else "***"


def _local(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False
