"""Calls of a model server upstream, of any that speaks OpenAI's API, and the decision whether to call again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from .problems import Problem, error

if TYPE_CHECKING:
    import httpx2

ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CONNECT = 10.0  # seconds
_ANSWER = (
    600.0  # seconds without a byte; a big model on a slow machine thinks for minutes, the official SDK waits as long
)
_LONGEST_WAIT = 600.0  # seconds; a server that asks for more patience than this is asked again after it
_LONGEST_BACKOFF = 30.0  # seconds
_LARGEST = 64_000_000  # bytes of one answer; what is larger is none
_EXCERPT = 500  # characters of an answer that is not JSON
_SHORTEST_SECRET = 8  # characters; a shorter key is a placeholder (`any`, `EMPTY`) and may be a word of the answer
_TO_BLANK = bytes.maketrans(b"\n\r\t", b"   ")  # raw ones stand only between the tokens of JSON


@dataclass(frozen=True, slots=True)
class Retries:
    """How stubborn calls are."""

    # Six waits of 1, 2, 4 … seconds bridge half a minute: the restart of a server, or a model being loaded. A line that
    # fails longer is the client's to send again, while the rest of its batch goes on.
    attempts: int = 6
    backoff: float = 1.0  # seconds before the second attempt; doubles from there


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call came to."""

    status: int
    body: bytes  # JSON on one line
    retry_after: float | None = None  # seconds
    final: bool = False  # whatever its status says, the same call would end the same way

    @property
    def ok(self) -> bool:
        """Say whether the server did what it was asked."""
        return 200 <= self.status < 300


def next_wait(answer: Answer, attempt: int, retries: Retries, *, luck: float) -> float | None:
    """Say how many seconds to wait before the next attempt; None: this answer stands.

    `attempt` counts from 1; `luck`, from 0 to 1, spreads the waits of many lines.
    """
    transient = answer.status in {408, 409, 429} or answer.status >= 500
    if answer.final or not transient or attempt >= retries.attempts:
        return None
    if answer.retry_after is not None:
        return min(max(answer.retry_after, 0.0), _LONGEST_WAIT)
    backoff = min(retries.backoff * 2.0 ** (attempt - 1), _LONGEST_BACKOFF)
    return float(backoff * (1 - luck / 4))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read for how many seconds a server wants to be left alone: a number, or a date of HTTP."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        return seconds if math.isfinite(seconds) else None
    try:
        return (parsedate_to_datetime(headers["retry-after"]) - now).total_seconds()
    except (KeyError, ValueError, TypeError):  # no header, no date, or a date without its zone
        return None


def settled(status: int, content: bytes, patience: float | None, key: str | None) -> Answer:
    """Make the answer of a server fit to be kept: JSON on one line, and in no error the key that it was sent."""
    good = 200 <= status < 300 and _is_json(content)
    if not good and key is not None and len(key) >= _SHORTEST_SECRET:
        content = content.replace(key.encode(), b"***")
    if not _is_json(content):
        excerpt = content.decode("utf-8", "replace").strip()[:_EXCERPT]
        words = f"The upstream server answered {status} with what is not JSON: {excerpt}"
        body = _failure(words, "upstream_not_json")
        if not 200 <= status < 300:
            return Answer(status, body, patience)
        # No line may count as answered by something that is no answer: 502 is what a gateway says here. The server
        # believes that all went well, so it is not asked again.
        return Answer(502, body, final=True)
    return Answer(status, content.translate(_TO_BLANK).strip(), patience)


def _is_json(content: bytes) -> bool:
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return True


def unreachable(base: str, reason: str, *, sent: bool) -> Answer:
    """Shape the failure of a call that got no answer; as a 503, so that clients take it for transient.

    A call that may be running there is not made again from here: whether it should is for the client to say.
    """
    words = f"The upstream server at {base} gave no answer ({reason})."
    return Answer(503, _failure(words, "upstream_unreachable"), final=sent)


def _failure(words: str, code: str) -> bytes:
    return json.dumps(error(Problem(words, None, code, 503, "server_error"))).encode()


class Upstream:
    """The server; made and used inside one event loop."""

    def __init__(self, base: str, key: str | None) -> None:
        import httpx2  # who serves simulated answers does not pay for it

        self._base = base.rstrip("/")
        self._key = key
        self._broken: tuple[type[Exception], ...] = (httpx2.RequestError,)
        self._never_sent = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
        self._client: httpx2.AsyncClient = httpx2.AsyncClient(
            headers={"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {}),
            timeout=httpx2.Timeout(_ANSWER, connect=_CONNECT),
            limits=httpx2.Limits(max_connections=None),  # those who call hold the bound
            trust_env=urlsplit(base).hostname not in LOOPBACK,  # a proxy would look for loopback on its own machine
        )

    async def call(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Call once; `path` follows the server's URL. No answer is an answer too: 503 `upstream_unreachable`."""
        content = bytearray()
        try:
            async with self._client.stream(method, self._base + path, content=body) as response:
                async for block in response.aiter_bytes():
                    content += block
                    if len(content) > _LARGEST:
                        words = f"The upstream server answered with more than {_LARGEST:,} bytes."
                        return Answer(502, _failure(words, "upstream_too_large"), final=True)
        except self._broken as broken:
            return unreachable(self._base, type(broken).__name__, sent=not isinstance(broken, self._never_sent))
        patience = retry_after(response.headers, datetime.now(UTC))
        return settled(response.status_code, bytes(content), patience, self._key)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()
