"""Dropped connections: a protocol that shows its transport to the application, and answers that close it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


class OpenProtocol(H11Protocol):
    """uvicorn's HTTP protocol; the application finds the transport in the state of each request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the transport."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def close(scope: Scope, receive: Receive) -> None:
    """Close the connection at once, and wait until the server knows, so that it does not send a 500 of its own."""
    scope["state"]["transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass


class Dropped(Response):
    """No answer: the connection is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close the connection."""
        await close(scope, receive)


class CutShort(Response):
    """The first bytes of an answer whose length was announced to be greater; then the connection is closed."""

    def __init__(
        self, content: bytes, length: int, media_type: str, headers: Mapping[str, str], status: int = 200
    ) -> None:
        super().__init__(content, status, {**headers, "content-length": str(length)}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is, then close the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        transport: asyncio.Transport = scope["state"]["transport"]
        while transport.get_write_buffer_size():
            await asyncio.sleep(0.001)
        transport.write_eof()  # abort() could take back what is still on its way
        await asyncio.sleep(0.01)
        await close(scope, receive)
