"""The objects of Cloud Storage: their bytes on disk, their facts in a journal, their names in order.

A bucket exists when it was created by a call, or when its name begins with `simulated`.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import journal

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
OPEN_BUCKETS = "simulated"  # how the names of the buckets begin that nobody has to create


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What is known of an object."""

    bucket: str
    name: str
    generation: int
    size: int  # bytes
    crc32c: str
    md5: str
    content_type: str
    created: float  # simulated seconds
    metadata: Mapping[str, str]
    uploaded: bool  # False: a job wrote it


class Objects:
    """Objects by bucket and name; the bytes never pass through memory as a whole."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "objects"
        self._folder.mkdir(exist_ok=True)
        log = root / "objects.jsonl"
        self._journal = journal.Journal(log)
        self._buckets: dict[str, float] = {}  # created by a call: name → when
        self._known: dict[str, dict[str, StoredObject]] = {}
        self._names: dict[str, list[str]] = {}
        self._last = 0  # the latest generation
        for record in journal.read(log):
            self._apply(record)
        self._sweep()

    def _apply(self, record: dict[str, Any]) -> None:
        if "bucket" in record:
            self._buckets[record["bucket"]] = record["created"]
        elif "delete" in record:
            bucket, name = record["delete"]
            del self._known[bucket][name]
            names = self._names[bucket]
            del names[bisect_left(names, name)]
        else:
            one = StoredObject(**record["object"])
            self._last = max(self._last, one.generation)
            known = self._known.setdefault(one.bucket, {})
            if one.name not in known:
                insort(self._names.setdefault(one.bucket, []), one.name)  # as UTF-8 sorts, since code points do
            known[one.name] = one

    def _sweep(self) -> None:
        """Remove what a kill left between two steps: bytes without an object, and drafts."""
        held = {str(one.generation) for known in self._known.values() for one in known.values()}
        for path in self._folder.iterdir():
            if path.name not in held:
                path.unlink()

    def bucket(self, name: str) -> float | None:
        """Say when a bucket was created; None if there is none."""
        opened = name.startswith(OPEN_BUCKETS) and BUCKET_NAME.fullmatch(name) is not None
        return self._buckets.get(name, 0.0 if opened else None)

    def create_bucket(self, name: str, now: float) -> None:
        """Create a bucket."""
        record = {"bucket": name, "created": now}
        self._journal.append(record)
        self._apply(record)

    def draft(self, name: str) -> Path:
        """Name a place for bytes on their way in."""
        return self._folder / f"{name}.part"

    def put(self, draft: Path, bucket: str, name: str, now: float, **facts: Any) -> StoredObject:
        """Take over a finished draft, in place of an object of the same name; the caller holds the state."""
        generation = max(self._last + 1, int(now * 1_000_000))
        one = StoredObject(bucket, name, generation, size=draft.stat().st_size, created=now, **facts)
        before = self.get(bucket, name)
        draft.rename(self.path(one))
        record = {"object": asdict(one)}
        self._journal.append(record)
        self._apply(record)
        if before is not None:
            self.path(before).unlink(missing_ok=True)
        return one

    def path(self, one: StoredObject) -> Path:
        """Name the bytes of an object."""
        return self._folder / str(one.generation)

    def get(self, bucket: str, name: str) -> StoredObject | None:
        """Find an object."""
        return self._known.get(bucket, {}).get(name)

    def names(self, bucket: str, start: str) -> Iterator[str]:
        """Go through the names of a bucket from `start` on."""
        names = self._names.get(bucket, [])
        yield from (names[i] for i in range(bisect_left(names, start), len(names)))

    def delete(self, one: StoredObject) -> None:
        """Remove an object; the caller holds the state."""
        record = {"delete": [one.bucket, one.name]}
        self._journal.append(record)
        self._apply(record)
        self.path(one).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def size_of(draft: Path) -> int:
    """Measure a draft; one that is not there has no bytes."""
    return os.path.getsize(draft) if draft.exists() else 0
