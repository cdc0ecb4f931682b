"""Bodies of two parts, `multipart/related`: the facts of an object as JSON, then its bytes, streamed to disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

_FACTS_BYTES = 1 << 20


class NotMultipartError(Exception):
    """The body does not have these two parts."""


class TooLargeError(Exception):
    """There are more bytes than may be."""


class _Parts:
    """Takes the events of the parser; what exceeds `limit` is read and thrown away, so that the answer arrives."""

    def __init__(self, draft: Path, limit: int) -> None:
        self.count = 0
        self.size = 0
        self._limit = limit
        self.facts = bytearray()
        self.content_type = ""
        self._sink = draft.open("wb")
        self._field = b""
        self._value = b""

    def on_part_begin(self) -> None:
        self.count += 1

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self.count == 2 and self._field.lower() == b"content-type":
            self.content_type = self._value.decode("latin-1")
        self._field = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self.count == 2:
            self.size += end - start
            if self.size <= self._limit:
                self._sink.write(data[start:end])
        elif len(self.facts) < _FACTS_BYTES:
            self.facts += data[start:end]

    def close(self) -> None:
        self._sink.close()


async def receive(request: Request, draft: Path, limit: int) -> tuple[dict[str, Any], str]:
    """Stream a body; returns the facts, and the type of the bytes, of which at most `limit` went to `draft`."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if not kind.startswith(b"multipart/") or b"boundary" not in options:
        raise NotMultipartError
    parts = _Parts(draft, limit)
    names = ("part_begin", "part_data", "header_field", "header_value", "header_end")
    parser = MultipartParser(options[b"boundary"], {f"on_{name}": getattr(parts, f"on_{name}") for name in names})  # type: ignore[arg-type]
    try:
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
        facts = orjson.loads(parts.facts)
    except (FormParserError, orjson.JSONDecodeError):
        raise NotMultipartError from None
    finally:
        parts.close()
    if parts.size > limit:
        raise TooLargeError
    if parts.count != 2 or not isinstance(facts, dict):
        raise NotMultipartError
    return facts, parts.content_type
