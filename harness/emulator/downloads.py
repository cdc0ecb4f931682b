"""Downloads: the bytes of a file block by block, whole or cut short by a fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from .drop import CutShort

_BLOCK = 1 << 18


def download(request: Request, path: Path, media_type: str, headers: Mapping[str, str]) -> Response:
    """Send the bytes of a file."""
    length = path.stat().st_size
    fault = next((f for f in request.state.strikes if f["fault"] == "truncated_download"), None)
    if fault is not None:
        kept = min(fault.get("bytes", length // 2), length)
        if not fault.get("silent"):
            return CutShort(_first(path, kept), length, media_type)
        length = kept
    sent = {"content-length": str(length), **headers}
    return StreamingResponse(_blocks(path, length), headers=sent, media_type=media_type)


def _first(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _blocks(path: Path, left: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            yield block
