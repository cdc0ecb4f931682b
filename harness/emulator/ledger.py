"""The ledger of a batch: one line for every request that ran; what is here was executed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .journal import repair, write_whole


@dataclass(frozen=True, slots=True)
class Entry:
    """A request that ran."""

    ok: bool
    digest: str  # 16 hex digits of the body's SHA-256
    usage: tuple[int, int, int, int]  # input, cached, output, reasoning tokens
    custom_id: str  # as JSON text
    line: bytes  # the line for the output or error file, without its end; empty in receipts
    row: int | None = None  # of the input, from 0; None: its place in the ledger, where lines run in order


def encode(entry: Entry) -> bytes:
    """Encode an entry; JSON text holds no raw tab or newline, so tabs separate the fields."""
    usage = b"%d,%d,%d,%d" % entry.usage
    kind = b"o" if entry.ok else b"e"
    place = b"" if entry.row is None else b"%d" % entry.row
    return b"\t".join((kind + place, entry.digest.encode(), usage, entry.custom_id.encode(), entry.line)) + b"\n"


def decode(line: bytes) -> Entry:
    """Decode one line of a ledger or of receipts."""
    kind, digest, usage, custom_id, *rest = line.rstrip(b"\n").split(b"\t", 4)
    a, b, c, d = usage.split(b",")
    counts = (int(a), int(b), int(c), int(d))
    row = int(kind[1:]) if kind[1:] else None
    return Entry(kind[:1] == b"o", digest.decode(), counts, custom_id.decode(), rest[0] if rest else b"", row)


def row_of(line: bytes, place: int) -> int:
    """Read which row of the input a line of a ledger is about; `place` is that of the line, from 0."""
    return int(line[1 : line.index(b"\t")] or place)


class Ledgers:
    """The ledgers of all batches in one folder."""

    def __init__(self, folder: Path, *, big: int = 65_536) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._big = big  # bytes; shrinking a small ledger costs more time than its room is worth

    def path(self, batch_id: str) -> Path:
        """Name the ledger of a batch that still runs."""
        return self.folder / f"{batch_id}.ledger"

    def receipts(self, batch_id: str) -> Path:
        """Name what is kept of the ledger once the batch ended."""
        return self.folder / f"{batch_id}.receipts"

    def append(self, batch_id: str, entries: Sequence[Entry]) -> None:
        """Add requests that ran, in one write."""
        fd = os.open(self.path(batch_id), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            write_whole(fd, b"".join(map(encode, entries)))
        finally:
            os.close(fd)

    def repair(self, batch_id: str) -> None:
        """Forget a last line that a kill cut in two: it was never counted nor delivered."""
        repair(self.path(batch_id))

    def entries(self, batch_id: str) -> Iterator[Entry]:
        """Read what ran, of a running or an ended batch."""
        try:
            file = self.path(batch_id).open("rb")
        except FileNotFoundError:  # perhaps only since a moment ago: receipts are there before the ledger goes
            yield from read(self.receipts(batch_id))
            return
        with file:
            yield from _entries(file)

    def close(self, batch_id: str) -> None:
        """Shrink a big ledger of an ended batch to receipts; its lines are in the output files."""
        path, receipts = self.path(batch_id), self.receipts(batch_id)
        if not path.exists() or path.stat().st_size < self._big:
            return
        draft = receipts.with_suffix(".part")
        with path.open("rb") as source, draft.open("wb") as sink:
            sink.writelines(b"\t".join(line.split(b"\t", 4)[:4]) + b"\n" for line in source)
        draft.rename(receipts)
        path.unlink()

    def all(self) -> Iterator[tuple[str, Entry]]:
        """Read what ran in every batch: batch id, entry."""
        for batch_id in sorted(
            {path.stem for path in self.folder.iterdir() if path.suffix in {".ledger", ".receipts"}}
        ):
            for entry in self.entries(batch_id):
                yield batch_id, entry


def read(path: Path) -> Iterator[Entry]:
    """Read entries; a torn last line is none."""
    if path.exists():
        with path.open("rb") as file:
            yield from _entries(file)


def _entries(file: BinaryIO) -> Iterator[Entry]:
    return (decode(line) for line in file if line.endswith(b"\n"))
