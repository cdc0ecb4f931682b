"""The body of a new message batch: streamed to disk, then cut into lines without ever being in memory as a whole."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import orjson
from starlette.requests import Request

from .anthropic_replies import problem
from .problems import Problem

MOST = 100_000  # requests in a batch
_BLOCK = 1 << 20  # characters
_LONGEST = 1 << 26  # characters of one request; a Messages body may have 32 MB
_BLANK = re.compile(r"[ \t\r\n]*")
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Taken:
    """What came in."""

    total: int
    characters: int


class _MalformedError(Exception):
    """The body is not JSON."""


async def receive(request: Request, draft: Path, limit: int) -> tuple[int, str]:
    """Stream a body to disk; return size and digest. What exceeds `limit` is read and thrown away."""
    size, digest = 0, hashlib.sha256()
    with draft.open("wb") as sink:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                digest.update(chunk)
                sink.write(chunk)
    return size, digest.hexdigest()


def split(draft: Path, lines: Path) -> Taken | Problem:
    """Write the requests of a body as lines, or say why it is refused; what is in `params` is looked at later."""
    found: Problem | None = None
    total = characters = 0
    seen: set[str] = set()
    try:
        with draft.open(encoding="utf-8", newline="") as source, lines.open("w", encoding="utf-8") as sink:
            for text in _requests(_Reader(source)):
                if isinstance(text, Problem):
                    return text
                found = found or _wrong(orjson.loads(text), total, seen)
                total += 1
                characters += len(text)
                if found is None and total <= MOST:
                    sink.write(text.replace("\r", " ").replace("\n", " ") + "\n")  # in JSON these are only blanks
    except (_MalformedError, ValueError) as error:
        return problem(f"The request body is not valid JSON: {error}")
    if total > MOST:
        return problem(f"requests: List should have at most {MOST} items after validation, not {total}")
    if not total:
        return problem("requests: List should have at least 1 item after validation, not 0")
    return found or Taken(total, characters)


def _wrong(item: Any, row: int, seen: set[str]) -> Problem | None:
    where = f"requests.{row}"
    if not isinstance(item, dict):
        return problem(f"{where}: Input should be an object")
    for name in ("custom_id", "params"):
        if name not in item:
            return problem(f"{where}.{name}: Field required")
    custom_id = item["custom_id"]
    if not isinstance(custom_id, str):
        return problem(f"{where}.custom_id: Input should be a valid string")
    if not custom_id:
        return problem(f"{where}.custom_id: String should have at least 1 character")
    if len(custom_id) > 64:
        return problem(f"{where}.custom_id: String should have at most 64 characters")
    if not _ID.match(custom_id):
        return problem(f"{where}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
    if not isinstance(item["params"], dict):
        return problem(f"{where}.params: Input should be an object")
    if stranger := next((name for name in item if name not in {"custom_id", "params"}), None):
        return problem(f"{where}.{stranger}: Extra inputs are not permitted")
    if custom_id in seen:
        words = "requests: custom_id's must be unique within a batch. Duplicate custom_id found: "
        return problem(words + custom_id)
    seen.add(custom_id)
    return None


def _requests(reader: _Reader) -> Iterator[str | Problem]:
    """Read the texts of the requests; a problem ends it."""
    if reader.next() != "{":
        reader.value()
        yield problem("Input should be an object")
        return
    given = False
    for _ in reader.items("}"):
        name = orjson.loads(reader.value())
        reader.take(":")
        if name != "requests":
            reader.value()
            yield problem(f"{name}: Extra inputs are not permitted")
            return
        given = True
        if reader.next() != "[":
            reader.value()
            yield problem("requests: Input should be a valid list")
            return
        for _ in reader.items("]"):
            yield reader.value()
    if reader.next():
        raise _MalformedError("there is more after its end")
    if not given:
        yield problem("requests: Field required")


class _Reader:
    """A window that moves over the text of one JSON document."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0

    def _more(self) -> bool:
        """Let the window grow at its end, twofold if need be, and shrink at its start; False at the end."""
        kept = self._text[self._at :]
        if len(kept) > _LONGEST:
            raise _MalformedError("a value in it is too long, or has no end")
        block = self._file.read(max(_BLOCK, len(kept)))
        self._text, self._at = kept + block, 0
        return bool(block)

    def next(self) -> str:
        """Show the next character that is no blank; nothing at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> None:
        """Pass over a character that has to stand here."""
        if self.next() != wanted:
            raise _MalformedError(f"expected {wanted!r}")
        self._at += 1

    def items(self, end: str) -> Iterator[None]:
        """Step through an object or an array: whoever asks reads what stands between the commas."""
        self._at += 1  # its opening
        if self.next() != end:
            yield
            while self.next() == ",":
                self._at += 1
                yield
        self.take(end)

    def value(self) -> str:
        """Read the text of one value."""
        self.next()
        while True:
            try:
                _, end = _decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if not self._more():
                    raise _MalformedError(str(error)) from None
                continue
            length = end - self._at
            if end < len(self._text) or not self._more():  # a number may go on in the next block
                self._at += length
                return self._text[self._at - length : self._at]
