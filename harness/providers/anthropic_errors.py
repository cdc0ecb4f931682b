"""What the exceptions of the Anthropic SDK mean.

Read: "Errors" page, platform.claude.com, November 2026; anthropic-sdk-python 2.12.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.providers.anthropic_lines import KINDS
from harness.providers.anthropic_objects import mapping


@contextmanager
def errors(call: str, *, unclear: bool = False) -> Iterator[None]:
    """Turn the SDK's exceptions into ProviderError; `unclear`: the call may have been carried out."""
    import anthropic
    import httpx2

    try:
        yield
    except anthropic.APIStatusError as error:
        said = mapping(mapping(error.body).get("error"))
        kind: str = KINDS.get(str(said.get("type")), "retryable" if error.status_code >= 500 else "permanent")
        if unclear and error.status_code >= 500:
            kind = "unclear"
        raise ProviderError(
            f"{call}: {str(said.get('message') or error.message)[:1000]}",
            kind=kind,
            status=error.status_code,
            code=str(said.get("type")),
            retry_after=wait_of(error.response.headers),
        ) from None
    except anthropic.APIConnectionError as error:
        never_sent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
        raise ProviderError(
            f"{call}: {error.__cause__ or error}", kind="unclear" if unclear and not never_sent else "retryable"
        ) from None
    except (anthropic.AnthropicError, httpx2.HTTPError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise ProviderError(f"{call}: {detail}", kind="unclear" if unclear else "retryable") from None


def wait_of(headers: Any) -> float | None:
    """Read how long the API wants to be left alone: it says so on a 200 too."""
    try:
        return float(headers.get("retry-after"))
    except (TypeError, ValueError):
        return None
