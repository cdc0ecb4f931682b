"""The results of one batch in the order in which they arrive, until they can be written in the order of the rows."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, BinaryIO

import orjson

from harness.collect.files import Lines
from harness.collect.judging import Judge
from harness.errors import HarnessError
from harness.types import Error, Response, Result, SentSample


def read_sample(line: bytes) -> SentSample:
    """Read a line of samples.jsonl; HarnessError where it is damaged."""
    f = _parsed(line)
    return SentSample(
        f["row"], f["id"], f["epoch"], f["custom_id"], f["attempt"], f["target"], f["metadata"], tuple(f["rules"])
    )


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise HarnessError(
            f"samples.jsonl of a batch is damaged ({line[:60]!r}…); restore the run's folder from a copy"
        ) from None
    return fields


def result_line(result: Result) -> bytes:
    """Write a line of results.jsonl; lone surrogates, which UTF-8 cannot hold, become question marks."""
    try:
        return orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        text = result.text.encode("utf-8", "replace").decode() if result.text else result.text
        return orjson.dumps(replace(result, text=text), option=orjson.OPT_APPEND_NEWLINE)


class Draft:
    """Judged requests, one line each in `file`, and where each lies. A later line takes the place of an earlier one."""

    def __init__(self, samples: Lines, file: BinaryIO, judge: Judge) -> None:
        """Index the samples of the batch; memory grows by some hundred bytes a request, whatever its size."""
        self.samples, self.file, self.judge = samples, file, judge
        self.numbers: dict[str, int] = {}  # custom_id → number of the request within the batch
        self.sample_at = array("Q", [0])
        offset = 0
        for line in iter(samples.readline, b""):
            self.numbers[_parsed(line)["custom_id"]] = len(self.numbers)
            self.sample_at.append(offset := offset + len(line))
        count = len(self.numbers)
        self.written = 0
        self.start, self.length = array("Q", bytes(8 * count)), array("Q", bytes(8 * count))
        self.outcomes: list[str] = [""] * count
        self.costs: dict[int, float] = {}  # number → USD, where it is known
        self.errors: list[tuple[str, str] | None] = [None] * count  # class, message
        self.messages: dict[tuple[str, str], tuple[str, str]] = {}  # one copy of an error that many requests share

    def put(self, response: Response) -> None:
        """Judge a response to one of the requests."""
        self._put(self.numbers[response.custom_id], response)

    def put_unseen(self, error: Error | None) -> None:
        """Judge the requests for which nothing came: they are missing, or have this error."""
        for key, number in self.numbers.items():
            if not self.outcomes[number]:
                self._put(number, Response(key, error=error) if error else None)

    def _put(self, number: int, response: Response | None) -> None:
        sample = read_sample(self.samples[self.sample_at[number] : self.sample_at[number + 1]])
        result = self.judge(sample, response)
        line = result_line(result)
        self.file.write(line)
        self.start[number], self.length[number] = self.written, len(line)
        self.written += len(line)
        self.outcomes[number] = result.outcome
        if result.cost is not None:
            self.costs[number] = result.cost
        if response and response.error:
            error = (response.error.kind, response.error.message)
            self.errors[number] = self.messages.setdefault(error, error)

    def is_sorted(self) -> bool:
        """Say whether what was written is all there is to say, and in the order of the rows."""
        in_order = all(one < other for one, other in pairwise(self.start))
        return in_order and sum(self.length) == self.written

    def in_order(self, lines: Lines) -> Iterator[bytes]:
        """Yield the lines that count in the order of the rows."""
        for start, length in zip(self.start, self.length, strict=True):
            yield lines[start : start + length]
