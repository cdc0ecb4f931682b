"""The checksums of an object, as Cloud Storage writes them: base64 of the bytes in network order."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

from .storage_crc32c import crc32c

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Hashes:
    """Both checksums of some bytes."""

    crc32c: str
    md5: str

    @property
    def header(self) -> str:
        """Write the value of `x-goog-hash`."""
        return f"crc32c={self.crc32c},md5={self.md5}"


def hashes(path: Path) -> Hashes:
    """Read a file block by block."""
    crc, whole = 0, md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            crc = crc32c(block, crc)
            whole.update(block)
    return Hashes(b64encode(crc.to_bytes(4, "big")).decode(), b64encode(whole.digest()).decode())


def announced(header: str) -> dict[str, str]:
    """Read `x-goog-hash` of a request: algorithm → checksum."""
    return {
        name.strip(): value.strip() for name, _, value in (part.partition("=") for part in header.split(",") if part)
    }


def differs(given: Mapping[str, str], found: Hashes) -> str | None:
    """Say in the words of Cloud Storage which checksum that a client sent is not that of the bytes."""
    if given.get("crc32c", found.crc32c) != found.crc32c:
        return f'Provided CRC32C "{given["crc32c"]}" doesn\'t match calculated CRC32C "{found.crc32c}".'
    if given.get("md5", found.md5) != found.md5:
        return f'Provided MD5 hash "{given["md5"]}" doesn\'t match calculated MD5 hash "{found.md5}".'
    return None
