"""Plan a run: stream its requests into batches, digests and a cost range."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import orjson

from harness.errors import ConfigError
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

    def write(self, path: Path) -> None:
        """Write plan.json."""
        path.write_bytes(orjson.dumps(self, option=orjson.OPT_INDENT_2) + b"\n")


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
    rules = tuple(f"{rule.name} {rule.subject}" for rule in fixed.rules)
    headline = next(iter(settings.task.scorers.values()))
    source = requests(ready)
    head = list(islice(source, FIRST))
    per_token, how = tokens.ratio(
        [turn.content for request in head for turn in request.messages], settings.provider.tokenizer
    )
    tally = Tally([], how=how)
    digest = hashlib.sha256()
    here: Place | None = None
    if files and files.book:
        files.book.write(answers.book_header(ready.schema))
    for request in chain(head, source):
        body = encode(request)
        digest.update(body + b"\n")
        name_id = custom_id(run_key, request.row, 1)
        data = line(name_id, body, fixed)
        size = sum(
            len(turn.content) if turn.content.isascii() else len(turn.content.encode()) for turn in request.messages
        )
        count = int(size / per_token) + tokens.PER_MESSAGE * len(request.messages)
        refuse_oversized(request.row, len(data), count, bounds)
        after = place(here, request.row, len(data), count, bounds)
        if here is None or after.name != here.name:
            tally.batches.append(BatchFile(after.name, 0, 0, 0, request.row))
        here = after
        tally.batches[-1] = replace(tally.batches[-1], count=here.count, bytes=here.bytes, tokens=here.tokens)
        tally.requests += 1
        tally.samples += request.epoch == 0
        tally.bytes += len(data)
        tally.tokens += count
        if not tally.example:
            tally.example = tuple(asdict(turn) for turn in request.messages)
        if files:
            sample = request.sample
            files.write(
                here.name,
                data,
                SentSample(request.row, sample.id, request.epoch, name_id, 1, sample.target, sample.metadata, rules),
            )
            if files.book and request.epoch == 0:
                entry = answers.book_line(request.messages, sample.target, headline, ready.schema)
                files.book.write(entry or b"")
    tally.digest = digest.hexdigest()
    return tally


def describe(ready: Ready, tally: Tally) -> Plan:
    """Put the plan into its words and numbers."""
    settings, fixed = ready.settings, ready.fixed
    provider, batch = settings.provider, settings.batch
    destination = {
        "endpoint": settings.endpoint.name,
        "host": "local" if settings.endpoint.simulated else urlsplit(provider.base_url).netloc,
        "base_url": None if settings.endpoint.simulated else provider.base_url,
        "provider": provider.name,
        "protocol": provider.protocol,
        "api_key_env": None if settings.endpoint.simulated else provider.api_key_env,
        "window": batch.window,
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
    plan = Plan(
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
    _refuse(ready, plan)
    return plan


def _cost(ready: Ready, tally: Tally) -> dict[str, Any]:
    """Estimate USD at batch rates; unknown is null, never zero.

    low: the prompts alone. expected: with the family's typical answer. cap: every answer as long as it may be.
    """
    rates, settings = ready.price.rates, ready.settings
    cap_tokens = settings.wishes().get("max_tokens")
    facts = settings.model.capabilities
    if rates is None:
        return {"low": None, "expected": None, "cap": None, "note": ready.price.note}
    mean_input = round(tally.tokens / tally.requests)

    def total(output: int) -> float:
        return tally.requests * rates.cost(Usage(input_tokens=mean_input, output_tokens=output))

    typical = facts.typical_output_tokens if facts else None
    if typical is not None and cap_tokens is not None:
        typical = min(typical, cap_tokens)
    return {
        "low": total(0),
        "expected": total(typical) if typical is not None else None,
        "cap": total(cap_tokens) if cap_tokens is not None else None,
        "note": f"one attempt per request; {typical or 'unknown'} output tokens expected, at most"
        f" {cap_tokens or 'any'}",
    }


def _refuse(ready: Ready, plan: Plan) -> None:
    """Hold the run to what a reviewer approved and to its budget."""
    settings, wrong = ready.settings, []
    if settings.approved_plan is not None and settings.approved_plan != plan.digest:
        wrong.append(
            f"approved_plan: {settings.approved_plan} was approved, but this plan is {plan.digest}; review it again"
        )
    if settings.max_cost is not None:
        cap = plan.cost["cap"]
        if cap is None:
            wrong.append("max_cost: the worst case is not known; it needs generate.max_tokens and a known price")
        elif cap > settings.max_cost:
            wrong.append(f"max_cost: the worst case is ${cap:.4f}, above ${settings.max_cost:g}; nothing is sent")
    if wrong:
        raise ConfigError(wrong)


def _digest(value: Any) -> str:
    """Return the SHA-256 of a value as sorted JSON, in hex."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
