"""Append-only files of lines that survive a kill at any byte."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


class Journal:
    """One JSON object a line; what `append` returned from is in the kernel's hands, so a killed process keeps it."""

    def __init__(self, path: Path) -> None:
        repair(path)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, record: dict[str, Any]) -> None:
        """Write one record."""
        write_whole(self._fd, orjson.dumps(record) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def write_whole(fd: int, data: bytes) -> None:
    """Append all of `data` or nothing: on a full disk the part that was written is taken back."""
    size = os.fstat(fd).st_size
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        os.ftruncate(fd, size)
        raise


def disk_full(error: OSError) -> bool:
    """Say whether an error will be gone once there is room again."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def repair(path: Path) -> None:
    """Cut off a last line that has no end."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                file.truncate(start + newline + 1)
                return
            end = start
        file.truncate(0)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Read the records of a repaired journal."""
    if path.exists():
        with path.open("rb") as file:
            yield from map(orjson.loads, file)


def decode(line: bytes) -> dict[str, Any]:
    """Decode one record."""
    record: dict[str, Any] = orjson.loads(line)
    return record
