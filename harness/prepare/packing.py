"""Cut the stream of requests into batches by count, bytes and estimated tokens. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one batch holds at most."""

    count: int
    bytes: int
    line_bytes: int
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line lands, and what its batch weighs with it."""

    shard: int  # 0-based
    piece: int  # 1-based
    count: int
    bytes: int
    tokens: int

    @property
    def name(self) -> str:
        """The batch's folder name."""
        return batch_name(self.shard, self.piece)


def place(before: Place | None, row: int, size: int, tokens: int, bounds: Bounds) -> Place:
    """Return the place of the line of `size` bytes that follows `before`; one that fits nowhere is alone in its batch.

    A shard is a fixed range of `bounds.count` rows, so a name depends only on the rows of its own shard: `0003` is
    the third, `0003-2` its second piece where bytes or tokens demanded a cut.
    """
    shard = row // bounds.count
    if before is None or before.shard != shard:
        return Place(shard, 1, 1, size, tokens)
    full = before.bytes + size > bounds.bytes
    full = full or (bounds.tokens is not None and before.tokens + tokens > bounds.tokens)
    if full:
        return Place(shard, before.piece + 1, 1, size, tokens)
    return Place(shard, before.piece, before.count + 1, before.bytes + size, before.tokens + tokens)


def batch_name(shard: int, piece: int = 1) -> str:
    """Return the folder name of a piece of a 0-based shard."""
    return f"{shard + 1:04d}" if piece == 1 else f"{shard + 1:04d}-{piece}"


def refuse_oversized(row: int, size: int, tokens: int, bounds: Bounds) -> None:
    """Refuse a line that no batch can hold."""
    allowed = min(bounds.line_bytes, bounds.bytes)
    if size > allowed:
        raise ConfigError(
            f"request {row}: {size:,} bytes, but one request may have {allowed:,} (provider.limits.line_bytes);"
            " shorten the prompt or leave the row out"
        )
    if bounds.tokens is not None and tokens > bounds.tokens:
        raise ConfigError(
            f"request {row}: about {tokens:,} input tokens, but only {bounds.tokens:,} may be queued at a time"
            " (provider.limits.enqueued_tokens)"
        )
