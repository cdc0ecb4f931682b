"""File names for the single answers: any sample id becomes one safe name of its own, on any file system."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

MAX_NAME = 120  # characters, without the ending
# Names that Windows keeps for devices, whatever their ending.
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


class TextNames:
    """Gives out names; what was given before, in whatever case, is not given again."""

    def __init__(self, *, with_epoch: bool) -> None:
        """Begin with no name given; `with_epoch`: samples are asked several times, so names carry the epoch."""
        self.with_epoch = with_epoch
        self.given: set[str] = set()

    def name(self, sample: str, epoch: int) -> str:
        """Return the file name for an answer, the same whenever the samples come in the same order."""
        ending = f".{epoch}" if self.with_epoch else ""
        stem = safe(sample)
        name, salt = stem + ending, ""
        while len(name) > MAX_NAME or name.casefold() in self.given:
            digest = hashlib.blake2b((sample + salt).encode("utf-8", "replace"), digest_size=8).hexdigest()
            name = f"{stem[: MAX_NAME - len(digest) - len(ending) - 1]}-{digest}{ending}"
            salt += "\0"
        self.given.add(name.casefold())
        return name + ".txt"


def safe(sample: str) -> str:
    """Percent-encode all but ASCII letters, digits, "_", "-" and ".", and what would hide a file or name a device."""
    text = quote(sample, safe="", errors="replace").replace("~", "%7E")
    if text.startswith(".") or text.split(".")[0].lower() in RESERVED:
        text = f"%{ord(text[0]):02X}{text[1:]}"
    return text or "%"
