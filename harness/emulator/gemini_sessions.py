"""Uploads to the Gemini API that have begun: a small file each, beside the bytes that came so far; they outlive a kill.

The URL of an upload holds its id and nothing else, so that nobody can change what was announced and checked.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Announced:
    """What was said of a file before its bytes came."""

    id: str
    name: str | None  # that the client chose
    display: str
    media_type: str
    size: int | None  # bytes


class Uploads:
    """All uploads that have begun and not ended."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "uploads"
        self._folder.mkdir(exist_ok=True)
        self._known: dict[str, Announced] = {}
        for path in self._folder.glob("*.json"):
            if path.with_suffix(".part").exists():
                self._known[path.stem] = Announced(**orjson.loads(path.read_bytes()))
        for path in self._folder.iterdir():
            if path.stem not in self._known or path.suffix == ".new":
                path.unlink()

    def begin(self, upload: Announced) -> None:
        """Take in an upload."""
        path = self._folder / f"{upload.id}.json"
        self.draft(upload).touch()
        draft = path.with_suffix(".new")
        draft.write_bytes(orjson.dumps(asdict(upload)))
        os.replace(draft, path)
        self._known[upload.id] = upload

    def get(self, upload_id: str) -> Announced | None:
        """Find an upload."""
        return self._known.get(upload_id)

    def draft(self, upload: Announced) -> Path:
        """Name the bytes that came so far."""
        return self._folder / f"{upload.id}.part"

    def end(self, upload: Announced) -> None:
        """Forget an upload, and its bytes where nobody took them over."""
        self._known.pop(upload.id, None)
        self.draft(upload).unlink(missing_ok=True)
        (self._folder / f"{upload.id}.json").unlink(missing_ok=True)
