"""Plan a run: stream its requests into batches, digests and a cost range."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import orjson

from harness.prepare import answers, tokens
from harness.prepare.packing import Bounds, Place, place, refuse_oversized
from harness.prepare.ready import Ready, requests
from harness.types import BatchFile, Fixed, Request, SentSample, Usage

FIRST = 100  # prompts on which the token ratio is measured

Encode = Callable[[Request], bytes]
Line = Callable[[str, bytes, Fixed], bytes]


@dataclass(frozen=True)
class Plan:
    """What will be sent and where; plan.json is this, as JSON."""

    digest: str  # p-…, over everything that decides what is sent and where
    simulated: bool
    destination: dict[str, Any]  # host, base_url, key variable, window
    task: dict[str, Any]
    model: dict[str, Any]
    counts: dict[str, int]
    batches: tuple[BatchFile, ...]
    rules: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    prices: dict[str, Any]
    cost: dict[str, Any]  # USD: low, expected, cap
    tokens: dict[str, Any]
    digests: dict[str, str]
    answer: dict[str, Any]  # how answers are asked for and judged


@dataclass
class Tally:
    """What the stream added up to."""

    batches: list[BatchFile]
    requests: int = 0
    samples: int = 0
    bytes: int = 0
    tokens: int = 0
    digest: str = ""
    example: tuple[dict[str, str], ...] = ()
    how: str = ""

    def add(self, request: Request, here: Place, size: int, count: int) -> None:
        """Take in a request that landed `here`."""
        if not self.batches or self.batches[-1].name != here.name:
            self.batches.append(BatchFile(here.name, 0, 0, 0, request.row))
        last = self.batches[-1]
        self.batches[-1] = replace(last, count=here.count, bytes=here.bytes, tokens=here.tokens)
        self.requests += 1
        self.samples += request.epoch == 0
        self.bytes += size
        self.tokens += count
        if not self.example:
            self.example = tuple(asdict(turn) for turn in request.messages)


class Files:
    """Where a prepared run is written: one batch open at a time, and the answer book of a simulated run."""

    def __init__(self, batches: Path, book: Path | None) -> None:
        self.batches = batches
        self.name = ""
        self.batch = ExitStack()
        self.requests: IO[bytes] | None = None
        self.samples: IO[bytes] | None = None
        self.book = book.open("wb") if book else None

    def write(self, name: str, line: bytes, sent: SentSample) -> None:
        """Append one request to its batch."""
        if name != self.name:
            self.batch.close()
            folder = self.batches / name
            shutil.rmtree(folder, ignore_errors=True)  # a crash may have left it before the journal knew of it
            folder.mkdir(parents=True)
            self.requests = self.batch.enter_context((folder / "requests.jsonl").open("wb"))
            self.samples = self.batch.enter_context((folder / "samples.jsonl").open("wb"))
            self.name = name
        assert self.requests is not None
        assert self.samples is not None
        self.requests.write(line)
        self.samples.write(orjson.dumps(sent) + b"\n")

    def close(self) -> None:
        """Close whatever is open."""
        self.batch.close()
        if self.book:
            self.book.close()


def custom_id(run_key: str, row: int, attempt: int) -> str:
    """Return a request's id: lower-case letters, digits and `-`, at most 40 characters: it fits every provider."""
    return f"{run_key}-{row}-{attempt}"


def make_plan(
    ready: Ready,
    encode: Encode,
    line: Line,
    *,
    run_key: str,
    batches: Path | None = None,
    book: Path | None = None,
) -> Plan:
    """Stream all requests into batches and return the plan; with `batches` None nothing is written.

    Raises what the rows deserve (DatasetError, TemplateError, ConfigError); whoever made the folder removes it then.
    """
    files = Files(batches, book) if batches else None
    try:
        tally = stream(ready, encode, line, run_key, files)
    finally:
        if files:
            files.close()
    return describe(ready, tally)


def stream(ready: Ready, encode: Encode, line: Line, run_key: str, files: Files | None) -> Tally:
    """Render, encode, pack and digest every request, holding one at a time."""
    settings, fixed = ready.settings, ready.fixed
    limits = settings.provider.limits
    bounds = Bounds(settings.batch.size, limits.batch_bytes, limits.line_bytes, limits.enqueued_tokens)
    source = requests(ready)
    head = list(islice(source, FIRST))
    texts = [turn.content for request in head for turn in request.messages]
    per_token, how = tokens.ratio(texts, settings.provider.tokenizer)
    schema = int(len(orjson.dumps(fixed.schema.schema)) / per_token) if fixed.schema else 0
    tally, digest = Tally([], how=how), hashlib.sha256()
    here: Place | None = None
    if files and files.book:
        files.book.write(answers.book_header(ready.schema))
    for request in chain(head, source):
        body = encode(request)
        digest.update(body + b"\n")
        data = line(custom_id(run_key, request.row, 1), body, fixed)
        count = schema + _count(request, per_token)
        refuse_oversized(request.row, len(data), count, bounds)
        here = place(here, request.row, len(data), count, bounds)
        tally.add(request, here, len(data), count)
        if files:
            _write(files, ready, request, here.name, data, run_key)
    tally.digest = digest.hexdigest()
    return tally


def _count(request: Request, per_token: float) -> int:
    """Estimate the tokens of a request's messages."""
    texts = [turn.content for turn in request.messages]
    size = sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
    return int(size / per_token) + tokens.PER_MESSAGE * len(texts)


def _write(files: Files, ready: Ready, request: Request, batch: str, data: bytes, run_key: str) -> None:
    """Write a request to its batch, and what may be answered to it to the book of a simulated run."""
    sample = request.sample
    identity = custom_id(run_key, request.row, 1)
    rules = tuple(f"{rule.name} {rule.subject}" for rule in ready.fixed.rules)
    sent = SentSample(request.row, sample.id, request.epoch, identity, 1, sample.target, sample.metadata, rules)
    files.write(batch, data, sent)
    if files.book and request.epoch == 0:
        scorers = ready.settings.task.scorers.values()
        files.book.write(answers.book_line(request.messages, sample.target, scorers, ready.schema) or b"")


def describe(ready: Ready, tally: Tally) -> Plan:
    """Put the plan into its words and numbers."""
    settings, fixed = ready.settings, ready.fixed
    provider, batch = settings.provider, settings.batch
    destination = {
        "endpoint": settings.endpoint.name,
        "host": "local" if settings.endpoint.simulated else urlsplit(settings.address()).netloc,
        "base_url": None if settings.endpoint.simulated else settings.address(),
        "provider": provider.name,
        "protocol": provider.protocol,
        "api_key_env": None if settings.endpoint.simulated else settings.key_variable(),
        "window": batch.window,
        "cloud": None if settings.endpoint.simulated else provider.cloud(),
    }
    digests = {
        "requests": tally.digest,
        "dataset": ready.dataset_digest,
        "templates": _digest(
            {name: text for name, text in ready.sources.items() if name != settings.task.answer_schema}
        ),
        "schema": _digest(ready.schema),
    }
    bound = {**destination, "model": fixed.model, "requests": tally.digest, "max_cost": settings.max_cost}
    return Plan(
        digest="p-" + _digest(bound)[:32],
        simulated=settings.endpoint.simulated,
        destination=destination,
        task={"name": settings.task.name, "version": settings.task.version, "dataset": str(ready.dataset)},
        model={"name": settings.model.name, "id": fixed.model, "api": fixed.api, "parameters": dict(fixed.parameters)},
        counts={
            "samples": tally.samples,
            "epochs": settings.task.epochs.count,
            "requests": tally.requests,
            "batches": len(tally.batches),
            "bytes": tally.bytes,
        },
        batches=tuple(tally.batches),
        rules=tuple(asdict(rule) for rule in fixed.rules),
        notes=ready.notes,
        prices={"rates": asdict(ready.price.rates) if ready.price.rates else None, "note": ready.price.note},
        cost=_cost(ready, tally),
        tokens={"input": tally.tokens, "how": tally.how},
        digests=digests,
        answer={
            "output": fixed.output,
            "strict": bool(fixed.schema and fixed.schema.strict),
            "nullable": [list(path) for path in fixed.schema.nullable] if fixed.schema else [],
            "schema_sent": dict(fixed.schema.schema) if fixed.schema else None,
            "example": list(tally.example),
        },
    )


def _cost(ready: Ready, tally: Tally) -> dict[str, Any]:
    """Estimate USD at batch rates; unknown is null, never zero.

    low: the prompts alone. expected: with the family's typical answer. cap: every answer as long as it may be, and
    every attempt paid where `paid_outcomes` sends answers again.
    """
    rates, settings = ready.price.rates, ready.settings
    cap_tokens = settings.wishes().get("max_tokens")
    facts = settings.model.capabilities
    if rates is None:
        return {"low": None, "expected": None, "cap": None, "note": ready.price.note}
    retry = settings.batch.retry
    times = retry.request_attempts if retry.paid_outcomes else 1
    mean_input = round(tally.tokens / tally.requests)

    def total(output: int) -> float:
        return tally.requests * rates.cost(Usage(input_tokens=mean_input, output_tokens=output))

    typical = facts.typical_output_tokens if facts else None
    if typical is not None and cap_tokens is not None:
        typical = min(typical, cap_tokens)
    return {
        "low": total(0),
        "expected": total(typical) if typical is not None else None,
        "cap": times * total(cap_tokens) if cap_tokens is not None else None,
        "note": f"{typical or 'an unknown number of'} output tokens a request expected, at most {cap_tokens or 'any'}"
        + (f", paid up to {times} times" if times > 1 else ""),
    }


def _digest(value: Any) -> str:
    """Return the SHA-256 of a value as sorted JSON, in hex."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
