"""Stored files: their bytes on disk, their facts in a journal."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import journal


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file."""

    id: str
    purpose: str
    filename: str
    bytes: int
    created_at: int
    expires_at: int | None
    profile: str = "openai"  # whose path it came through
    media_type: str = ""
    sha256: str = ""  # hex; of profiles that show it


def lines_of(path: Path) -> Iterator[bytes]:
    """Read the lines of a file without their ends."""
    with path.open("rb") as file:
        yield from (line.rstrip(b"\r\n") for line in file)


class Files:
    """Files by id; the bytes never pass through memory as a whole."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "files"
        self._folder.mkdir(exist_ok=True)
        for draft in self._folder.glob("*.part"):  # left by a kill in the middle of an upload
            draft.unlink()
        log = root / "files.jsonl"
        self._journal = journal.Journal(log)
        self._known: dict[str, StoredFile] = {}
        self.uploads = 0  # how many files clients have uploaded, deleted ones included
        self.made = 0  # how many files there ever were
        for record in journal.read(log):
            self._apply(record)

    def _apply(self, record: dict[str, Any]) -> None:
        if "delete" in record:
            self._known.pop(str(record["delete"]), None)
            return
        file = StoredFile(**record["file"])
        self.made += 1
        self.uploads += file.purpose != "batch_output"
        self._known[file.id] = file

    def draft(self, name: str) -> Path:
        """Name a place for bytes on their way in."""
        return self._folder / f"{name}.part"

    def add(self, file: StoredFile, draft: Path) -> None:
        """Take over a finished draft."""
        draft.rename(self.path(file.id))
        record: dict[str, Any] = {"file": asdict(file)}
        self._journal.append(record)
        self._apply(record)

    def keep(self, name: str, draft: Path) -> None:
        """Take over a finished draft that is no file of the client's: found by its path, listed nowhere."""
        draft.rename(self.path(name))

    def sweep(self, kept: Container[str]) -> None:
        """Remove bytes that a kill left between two steps: neither a file nor one of the names that are `kept`."""
        for path in self._folder.iterdir():
            if path.name not in self._known and path.name not in kept:
                path.unlink()

    def path(self, file_id: str) -> Path:
        """Name the bytes of a file."""
        return self._folder / file_id

    def get(self, file_id: str, now: float) -> StoredFile | None:
        """Find a file that is neither deleted nor expired."""
        file = self._known.get(file_id)
        if file is None or (file.expires_at is not None and file.expires_at <= now):
            return None
        return file

    def listing(self, now: float) -> list[StoredFile]:
        """List the files, oldest first."""
        return [file for file_id in self._known if (file := self.get(file_id, now)) is not None]

    def delete(self, file_id: str) -> None:
        """Forget a file; `discard` removes its bytes."""
        self._journal.append({"delete": file_id})
        self._known.pop(file_id, None)

    def discard(self, file_id: str) -> None:
        """Remove the bytes of a file that is no longer known."""
        if file_id not in self._known:
            self.path(file_id).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()
