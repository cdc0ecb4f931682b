"""Deterministic draws: the same seed and names always give the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
_MASK = (1 << 64) - 1


def number(*parts: object) -> int:
    """Turn any parts into a 64-bit number."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def hexes(length: int, *parts: object) -> str:
    """Turn any parts into `length` hex digits (at most 128)."""
    text = "\x1f".join(map(str, parts))
    return blake2b(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def base62(length: int, *parts: object) -> str:
    """Turn any parts into `length` letters and digits (at most 42)."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    value = int(hexes(64, *parts), 16)
    out = []
    for _ in range(length):
        value, digit = divmod(value, 62)
        out.append(letters[digit])
    return "".join(out)


def base32(length: int, *parts: object) -> str:
    """Turn any parts into `length` letters and digits (at most 25), as ULIDs have them but in lower case."""
    letters = "0123456789abcdefghjkmnpqrstvwxyz"
    value = int(hexes(32, *parts), 16)
    return "".join(letters[value >> 5 * place & 31] for place in range(length))


class Draws:
    """A small stream of numbers; seeding costs nothing, which `random.Random` cannot say (50,000 lines need 50,000)."""

    __slots__ = ("_state",)

    def __init__(self, *parts: object) -> None:
        self._state = number(*parts)

    def bits(self) -> int:
        """Draw 64 bits (splitmix64)."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, limit: int) -> int:
        """Draw an integer in [0, limit)."""
        return self.bits() % limit

    def between(self, low: float, high: float) -> float:
        """Draw a float in [low, high)."""
        return low + (high - low) * (self.bits() / (_MASK + 1))

    def choice(self, items: Sequence[T]) -> T:
        """Draw one item."""
        return items[self.bits() % len(items)]

    def shuffle(self, items: list[T]) -> None:
        """Shuffle in place (Fisher-Yates)."""
        for i in range(len(items) - 1, 0, -1):
            j = self.bits() % (i + 1)
            items[i], items[j] = items[j], items[i]
