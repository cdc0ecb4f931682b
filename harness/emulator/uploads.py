"""Multipart uploads, streamed to disk part by part; fields may come in any order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

_FIELD_BYTES = 65_536  # of a field that is not a file


class NotMultipartError(Exception):
    """The body is no multipart form."""


@dataclass(slots=True)
class Upload:
    """What a form held; the bytes of its file lie in the draft."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str | None = None  # None: no file came
    size: int = 0
    sha256: str = ""


class _Form:
    """Takes the events of the parser; what exceeds `limit` is read and thrown away, so that the answer arrives."""

    def __init__(self, draft: Path, limit: int) -> None:
        self.upload = Upload()
        self._sink = draft.open("wb")
        self._limit = limit
        self._hash = hashlib.sha256()
        self._header = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._is_file = False
        self._text = bytearray()

    def on_part_begin(self) -> None:
        self._headers = {}
        self._text = bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        name = self._header.lower()
        self._headers[name] = self._headers.get(name, b"") + data[start:end]

    def on_header_end(self) -> None:
        self._header = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = b"filename" in options and self._name == "file"
        if self._is_file:
            self.upload.filename = options[b"filename"].decode("utf-8", "replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            if len(self._text) < _FIELD_BYTES:
                self._text += data[start:end]
            return
        self.upload.size += end - start
        if self.upload.size <= self._limit:
            self._hash.update(data[start:end])
            self._sink.write(data[start:end])

    def on_part_end(self) -> None:
        if not self._is_file:
            self.upload.fields[self._name] = self._text.decode("utf-8", "replace")

    def close(self) -> None:
        self.upload.sha256 = self._hash.hexdigest()
        self._sink.close()


async def receive(request: Request, draft: Path, limit: int) -> Upload:
    """Stream a form; its part `file` goes to `draft`."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise NotMultipartError
    form = _Form(draft, limit)
    names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "headers_finished")
    parser = MultipartParser(options[b"boundary"], {f"on_{name}": getattr(form, f"on_{name}") for name in names})  # type: ignore[arg-type]
    try:
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except FormParserError:
        raise NotMultipartError from None
    finally:
        form.close()
    return form.upload
