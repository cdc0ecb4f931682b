"""Resumable uploads that have begun: a small file each, beside the bytes that came so far; they outlive a kill."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Session:
    """One upload."""

    id: str
    bucket: str
    name: str
    content_type: str
    generation_match: str | None  # what the call that began it demands
    metadata: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)  # that the client promised
    generation: int | None = None  # of the object that it became


class Sessions:
    """All uploads that have begun; one that has ended is known until the next start."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "sessions"
        self._folder.mkdir(exist_ok=True)
        self._known: dict[str, Session] = {}
        for path in self._folder.glob("*.json"):
            session = Session(**orjson.loads(path.read_bytes()))
            self._known[session.id] = session
        for path in self._folder.iterdir():
            if path.stem not in self._known or (path.suffix == ".json" and self._known[path.stem].generation):
                path.unlink()

    def begin(self, session: Session) -> None:
        """Take in an upload."""
        self._store(session)
        self.draft(session).touch()

    def finish(self, session: Session, generation: int) -> None:
        """Remember what an upload became."""
        self._store(replace(session, generation=generation))

    def _store(self, session: Session) -> None:
        path = self._folder / f"{session.id}.json"
        draft = path.with_suffix(".new")
        draft.write_bytes(orjson.dumps(asdict(session)))
        os.replace(draft, path)
        self._known[session.id] = session

    def get(self, session_id: str) -> Session | None:
        """Find an upload."""
        return self._known.get(session_id)

    def draft(self, session: Session) -> Path:
        """Name the bytes that came so far."""
        return self._folder / f"{session.id}.part"
