"""Calls to Google's APIs that the SDK does not hand out whole, and what its exceptions mean.

google-genai 3.6 drops the counts and errors of a batch, warns of states that it does not know and accepts nothing but
200; where that matters, the answer is read here as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.providers.google_lines import error_of, mapping
from harness.settings import is_loopback
from harness.types import BatchStatus, Belonging

PAGE = 100
TIMEOUT = 120.0  # s; google-genai has none of its own
Headers = Callable[[str], Mapping[str, str]]  # address → what proves who asks


@dataclass(frozen=True)
class Link:
    """A connection: the official client, and the one that it calls through."""

    sdk: Any
    http: Any
    root: str  # address of the API, with its version
    headers: Headers

    def close(self) -> None:
        """Close it."""
        self.sdk.close()
        self.http.close()


def http_client(url: str) -> Any:
    """Return the client that carries all calls."""
    import logging
    import warnings

    import httpx2

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs a line per call
    # google-genai warns of a state that it does not know; whoever polls says so in words of ours.
    warnings.filterwarnings("ignore", ".* is not a valid JobState", UserWarning)
    # No redirect is followed: the key's header would go along to whatever host it names.
    return httpx2.Client(trust_env=not is_loopback(url), timeout=TIMEOUT)


def get(link: Link, path: str, **query: str) -> dict[str, Any]:
    """Return the answer to a GET as it came."""
    from google.genai import errors

    url = f"{link.root}/{path}"
    answer = link.http.get(url, params=query, headers=dict(link.headers(url)))
    errors.APIError.raise_for_response(answer)
    found = orjson.loads(answer.content)
    if not isinstance(found, dict):
        raise TypeError("the answer is no object")
    return found


def pages(link: Link, call: str, path: str, name: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the pages of a listing; none is empty."""
    token: dict[str, str] = {}
    while True:
        with errors(call):
            page = get(link, path, pageSize=str(PAGE), **token)
            items, following = list(page.get(name) or ()), page.get("nextPageToken")
        if items:
            yield items
        if not following or {"pageToken": following} == token:
            return
        token = {"pageToken": str(following)}


def look(link: Link, path: str, batch: str, status_of: Callable[[Mapping[str, Any]], BatchStatus]) -> BatchStatus:
    """Look at one batch; a 404 says that it has vanished."""
    from google.genai.errors import ClientError

    with errors("poll"):
        try:
            return status_of(get(link, path))
        except ClientError as error:
            if error.code != 404:
                raise
            return BatchStatus(batch, "vanished", "not found")


def cancel(link: Link, batch: str) -> None:
    """Ask for cancellation; a batch that has ended already is no error."""
    from google.genai.errors import ClientError

    with errors("cancel"):
        try:
            link.sdk.batches.cancel(name=batch)
        except ClientError as error:
            if error.code not in (404, 409) and error.status != "FAILED_PRECONDITION":
                raise


def newest(things: list[Belonging]) -> list[Belonging]:
    """Sort what was listed, the newest first."""
    return sorted(things, key=lambda one: one.created_at or 0.0, reverse=True)


def named(name: Any) -> str:
    """Return the name of what was made; without one the answer says nothing of whether it was."""
    if not isinstance(name, str) or not name:
        raise KeyError("an answer without a name")
    return name


@contextmanager
def errors(call: str, *, unclear: bool = False) -> Iterator[None]:
    """Turn exceptions of Google's clients into ProviderError; `unclear`: the call may have been carried out."""
    import httpx2
    from google.auth import exceptions as auth
    from google.genai import errors as genai

    try:
        yield
    except genai.APIError as error:
        raise refused(call, error.code, error.details, error.response, unclear=unclear) from None
    except auth.GoogleAuthError as error:
        kind = "retryable" if error.retryable or isinstance(error, auth.TransportError) else "auth"
        raise ProviderError(f"{call}: Google's credentials cannot be used: {error}", kind=kind) from None
    except httpx2.HTTPError as error:
        never_sent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
        kind = "unclear" if unclear and not never_sent else "retryable"
        raise ProviderError(f"{call}: {error or type(error).__name__}", kind=kind) from None
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise ProviderError(f"{call}: {detail}", kind="unclear" if unclear else "retryable") from None


def refused(call: str, code: int, body: Any, response: Any, *, unclear: bool) -> ProviderError:
    """Make the error for an HTTP status; a gateway's page has no body that can be read."""
    said = mapping(mapping(body).get("error", body))
    error, listed = error_of({**said, "code": code}), said.get("details")
    details = [mapping(one) for one in listed] if isinstance(listed, list) else []
    kind: str = error.kind
    if any(one.get("reason") == "API_KEY_INVALID" for one in details):
        kind = "auth"
    if unclear and (code < 400 or code >= 500 or code in (408, 409, 499)):  # 201 too: the SDK takes 200 alone
        kind = "unclear"
    wait = _retry_after(response, details)
    return ProviderError(f"{call}: {error.message[:1000]}", kind=kind, status=code, code=error.code, retry_after=wait)


def _retry_after(response: Any, details: list[Mapping[str, Any]]) -> float | None:
    """Read the server's wish in seconds, from the header or from the RetryInfo of the error."""
    said = [getattr(response, "headers", {}).get("retry-after")]
    said += [one.get("retryDelay") for one in details]
    for value in said:
        try:
            return float(str(value).removesuffix("s"))
        except ValueError:
            continue
    return None
