"""Reading lines and replacing files so that a crash leaves either the old file or the whole new one."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

MAX_LINE = 64 * 1024 * 1024  # bytes; a longer line is no answer
BLOCK = 1 << 20


class Empty:
    """Stands for an empty file, which cannot be mapped."""

    def __getitem__(self, index: slice) -> bytes:
        """Return nothing."""
        return b""

    def readline(self) -> bytes:
        """Return nothing."""
        return b""


Lines = mmap.mmap | Empty


@contextmanager
def mapped(path: Path) -> Iterator[Lines]:
    """Give a file's bytes without reading them into memory."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield Empty()
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            yield view


def read_lines(path: Path, bound: int = MAX_LINE) -> Iterator[tuple[int, bytes | None]]:
    """Yield offset and text of each line that is not blank, without its end; None instead of a line above `bound`."""
    with path.open("rb", buffering=BLOCK) as file:
        offset = 0
        while line := file.readline(bound + 1):
            start, offset = offset, offset + len(line)
            if len(line) <= bound or line.endswith(b"\n"):
                if stripped := line.strip():
                    yield start, stripped
                continue
            while (more := file.readline(BLOCK)) and not more.endswith(b"\n"):
                offset += len(more)
            offset += len(more)
            yield start, None


def settle(temporary: Path, path: Path) -> None:
    """Make a file that is written and closed become `path`: synced first, so that a power cut cannot leave it empty."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a temporary file that becomes `path` when all went well: synced, then renamed; otherwise it is removed."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb", buffering=BLOCK) as file:
            yield file
        settle(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
