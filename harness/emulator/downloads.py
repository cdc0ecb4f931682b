"""Downloads: the bytes of a file block by block, whole or a range of them, or cut short by a fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from .drop import CutShort

_BLOCK = 1 << 18


def download(
    request: Request, path: Path, media_type: str, headers: Mapping[str, str], span: tuple[int, int] | None = None
) -> Response:
    """Send the bytes of a file; `span`: from the first of these on and before the second."""
    size = path.stat().st_size
    start, end = span or (0, size)
    length, status = end - start, 200
    if span is not None:
        status, headers = 206, {**headers, "content-range": f"bytes {start}-{end - 1}/{size}"}
    fault = next((f for f in request.state.strikes if f["fault"] == "truncated_download"), None)
    if fault is not None:
        kept = min(fault.get("bytes", length // 2), length)
        if not fault.get("silent"):
            return CutShort(_first(path, start, kept), length, media_type, headers, status)
        length = kept
    sent = {"content-length": str(length), **headers}
    return StreamingResponse(_blocks(path, start, length), status, headers=sent, media_type=media_type)


def _first(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def _blocks(path: Path, start: int, left: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            yield block
