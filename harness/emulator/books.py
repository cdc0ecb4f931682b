"""Answer books: for known questions a right and a wrong answer, looked up by the digest of the last user text.

A book is a JSON Lines file. Its first line is {"schema": <JSON Schema or null>}; each further line is
{"digest": <SHA-256 of the last user message, hex>, "right": <any JSON>, "wrong": <any JSON>}.
"""

from __future__ import annotations

import re
import sys
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

_RESCAN = 0.2  # real seconds between two looks at the folder, when lookups miss
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Page:
    """What a book says of one question."""

    schema: Any
    right: Any
    wrong: Any


class Book:
    """One file, indexed in 16 bytes a row: digest prefixes in order, and where their lines begin."""

    def __init__(self, path: Path, mark: tuple[int, int]) -> None:
        self.mark = mark  # mtime and size that were indexed
        self._file: BinaryIO = path.open("rb")
        head = self._file.readline()
        self.schema = _parsed(head, path).get("schema")
        prefixes, offsets = _index(self._file, len(head), path)
        order = sorted(range(len(prefixes)), key=prefixes.__getitem__)
        self._prefixes = array("Q", (prefixes[i] for i in order))
        self._offsets = array("Q", (offsets[i] for i in order))

    def find(self, digest: str) -> Page | None:
        """Find a question by its full digest."""
        prefix = int(digest[:16], 16)
        i = bisect_left(self._prefixes, prefix)
        while i < len(self._prefixes) and self._prefixes[i] == prefix:
            self._file.seek(self._offsets[i])
            row = orjson.loads(self._file.readline())
            if row["digest"] == digest:
                return Page(self.schema, row.get("right"), row.get("wrong"))
            i += 1
        return None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _index(file: BinaryIO, offset: int, path: Path) -> tuple[array[int], array[int]]:
    prefixes, offsets = array("Q"), array("Q")
    for line in file:
        if not line.endswith(b"\n"):  # still being written; the next scan sees it
            break
        digest = _parsed(line, path).get("digest", "")
        if _DIGEST.fullmatch(digest):
            prefixes.append(int(digest[:16], 16))
            offsets.append(offset)
        offset += len(line)
    return prefixes, offsets


def _parsed(line: bytes, path: Path) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if line.endswith(b"\n"):  # else it is still being written
            sys.stderr.write(f"emulator: {path}: a line that is not JSON is left out ({error})\n")
        return {}
    return row if isinstance(row, dict) else {}


class Books:
    """All books of a folder, newest first; books may be added and may grow while it is open."""

    def __init__(self, folder: Path | None, *, real: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._real = real
        self._scanned = float("-inf")
        self._books: dict[Path, Book] = {}

    def find(self, digest: str) -> Page | None:
        """Find a question in any book."""
        if self._folder is None:
            return None
        page = self._search(digest)
        if page is None and self._real() - self._scanned > _RESCAN:
            self.scan()
            page = self._search(digest)
        return page

    def _search(self, digest: str) -> Page | None:
        pages = (book.find(digest) for book in self._books.values())
        return next((page for page in pages if page is not None), None)

    def scan(self) -> None:
        """Index what is new or changed in the folder."""
        if self._folder is None:
            return
        self._scanned = self._real()
        found: dict[Path, tuple[int, int]] = {}
        for path in self._folder.glob("*.jsonl"):
            stat = path.stat()
            found[path] = (stat.st_mtime_ns, stat.st_size)
        for path in [path for path, book in self._books.items() if found.get(path) != book.mark]:
            self._books.pop(path).close()
        for path, mark in found.items():
            if path not in self._books:
                self._books[path] = Book(path, mark)
        self._books = dict(sorted(self._books.items(), key=lambda item: item[1].mark, reverse=True))

    def close(self) -> None:
        """Close all books."""
        for book in self._books.values():
            book.close()
        self._books = {}
