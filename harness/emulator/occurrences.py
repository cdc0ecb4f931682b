"""How often each request body was executed: the answer to a repeated question may differ, but never by chance."""

from __future__ import annotations

from array import array


class Occurrences:
    """Counts by 64-bit digest in an open hash table: about 20 bytes a body, a dict needs 100."""

    def __init__(self) -> None:
        self._used = 0
        self._allocate(1 << 10)

    def _allocate(self, size: int) -> None:
        self._keys = array("Q", bytes(8 * size))
        self._counts = array("H", bytes(2 * size))
        self._mask = size - 1

    def _slot(self, key: int) -> int:
        slot = key & self._mask
        while self._counts[slot] and self._keys[slot] != key:
            slot = (slot + 1) & self._mask
        return slot

    def take(self, digest: str) -> int:
        """Count one more execution of this body and return how many there were before."""
        key = int(digest, 16)
        slot = self._slot(key)
        stored = (
            self._counts[slot] or 1
        )  # 0: free slot; else one more than the count, so that giving back keeps it taken
        if not self._counts[slot]:
            self._keys[slot] = key
            self._used += 1
        self._counts[slot] = min(stored + 1, 65_535)
        if 2 * self._used > self._mask:
            self._grow()
        return stored - 1

    def give_back(self, digest: str) -> None:
        """Undo the last `take` of this body: its chunk was dropped before it was written."""
        slot = self._slot(int(digest, 16))
        self._counts[slot] = max(self._counts[slot] - 1, 1)

    def _grow(self) -> None:
        keys, counts = self._keys, self._counts
        self._allocate(2 * len(keys))
        for key, count in zip(keys, counts, strict=True):
            if count:
                slot = self._slot(key)
                self._keys[slot], self._counts[slot] = key, count
