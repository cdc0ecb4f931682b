"""What the exceptions of the OpenAI SDK mean.

Read: "Error codes" guide, developers.openai.com, November 2026; openai-python 3.54.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import orjson

from harness.errors import ProviderError
from harness.providers.openai_lines import kind_of, told


@contextmanager
def errors(call: str, *, unclear: bool = False) -> Iterator[None]:
    """Turn the SDK's exceptions into ProviderError; `unclear`: the call may have been carried out."""
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        said = told(error.body)
        code, message = said.get("code"), str(said.get("message") or error.message)
        kind: str = kind_of(error.status_code, code)
        if message.startswith("Cannot find file"):
            kind, code = "retryable", "file_not_found"
        if unclear and (error.status_code >= 500 or error.status_code in (408, 409)):
            kind = "unclear"
        wait = _retry_after(error.response.headers)
        raise ProviderError(
            f"{call}: {message[:1000]}", kind=kind, status=error.status_code, code=code, retry_after=wait
        ) from None
    except openai.APIConnectionError as error:
        never_sent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
        raise ProviderError(
            f"{call}: {error.__cause__ or error}", kind="unclear" if unclear and not never_sent else "retryable"
        ) from None
    except (httpx2.HTTPError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise ProviderError(f"{call}: {detail}", kind="unclear" if unclear else "retryable") from None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the server's wish in seconds; a date is left to our own backoff."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
    return None
