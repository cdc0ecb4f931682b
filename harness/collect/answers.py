"""The provider's lines of one batch: each request's answer once, and what is wrong with the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.collect.files import read_lines
from harness.types import Error, Response

Decode = Callable[[bytes], Response]  # ValueError for a line that is none of the provider's

ANSWER_FILES = ("output.jsonl", "errors.jsonl")
DISAGREEMENT = "the provider sent two different lines for this request; neither is believed"


@dataclass(slots=True)
class Tally:
    """Counts while a batch is read."""

    counts: Counter[str] = field(default_factory=Counter)  # duplicates, strangers, broken
    failures: Counter[str] = field(default_factory=Counter)
    first_failures: dict[str, str] = field(default_factory=dict)

    def scorer_failed(self, name: str, message: str) -> None:
        """Note that a user's scorer did not score."""
        self.failures[name] += 1
        self.first_failures.setdefault(name, message[:500])


def read_answers(folder: Path, decode: Decode, known: Container[str], tally: Tally) -> Iterator[Response]:
    """Yield the decoded lines that count, each request once; a second time only to say that its lines disagree."""
    seen: dict[str, tuple[Path, int]] = {}
    disbelieved: set[str] = set()
    for path in (folder / name for name in ANSWER_FILES):
        for offset, line in read_lines(path) if path.exists() else ():
            response = _decoded(line, decode)
            if response is None:
                tally.counts["broken"] += 1
            elif (key := response.custom_id) not in known:
                tally.counts["strangers"] += 1
            elif key not in seen:
                seen[key] = (path, offset)
                yield response
            else:
                tally.counts["duplicates"] += 1
                if key not in disbelieved and not _agree(response, _decoded(_line_at(*seen[key]), decode)):
                    disbelieved.add(key)
                    tally.counts["disagreements"] += 1
                    yield Response(key, error=Error("unknown", DISAGREEMENT))


def _decoded(line: bytes | None, decode: Decode) -> Response | None:
    """Decode a line; None for one that cannot be."""
    if line is None:
        return None
    try:
        return decode(line)
    except ValueError:
        return None


def _line_at(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.readline()


def _agree(one: Response, other: Response | None) -> bool:
    """Say whether two lines are the same answer; the id of the HTTP request may differ."""
    return other is not None and replace(one, request_id=None) == replace(other, request_id=None)
