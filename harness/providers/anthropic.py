"""The anthropic protocol: message batches, created in one call that holds all requests.

There is no upload and no label on a batch: the input file is ours, and whose a batch is, its results prove.
Read: Message Batches guide and API reference, platform.claude.com, November 2026; anthropic-sdk-python 2.12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.providers import polling
from harness.providers.anthropic_errors import errors, wait_of
from harness.providers.anthropic_lines import decode, encoder, line
from harness.providers.anthropic_objects import batch_of, count, id_of, mapping, seconds_of, status_of
from harness.settings import Provider as ProviderSettings
from harness.settings import Settings, is_loopback
from harness.types import BatchStatus, Belonging, Candidate, Fetched

__all__ = [
    "APIS",
    "EXTRA",
    "SDK",
    "UPLOADS",
    "belongings",
    "cancel",
    "clean",
    "connect",
    "create",
    "decode",
    "encoder",
    "fetch",
    "find",
    "knows",
    "line",
    "poll",
    "problems",
    "upload",
]

SDK: Mapping[str, str] = {"anthropic": "anthropic"}
EXTRA = "anthropic"
UPLOADS = False
APIS: tuple[str, ...] = ("messages",)
BATCHES = "/v1/messages/batches"
PAGE = 100
LOOKED_INTO = 20  # the newest ended batches of which a result is read to see whose they are: a call each
PROOF = 20  # results that are looked at to see whose a batch is; all of a batch carry the ids of one run
BLOCK = 1 << 18  # bytes that are read of a file at a time
MAX_DOWNLOAD = 16_000_000_000  # bytes; 100,000 answers of 160 kB each: what is larger is no answer
CREATE_TIMEOUT = 600.0  # s; a batch of 256 MB has to go out first


def problems(provider: ProviderSettings, environment: Mapping[str, str]) -> list[str]:
    """Return nothing: the key is all that it takes."""
    return []


def connect(provider: ProviderSettings, key: str) -> Any:
    """Return the official client; retries are ours, so its own are off."""
    import logging

    import anthropic

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs a line per call
    loopback = is_loopback(provider.base_url)
    http = anthropic.DefaultHttpxClient(trust_env=False) if loopback else None  # a proxy cannot reach this machine
    return anthropic.Anthropic(base_url=provider.base_url, api_key=key, max_retries=0, http_client=http)


def upload(client: Any, path: Path, name: str) -> str:
    """Upload nothing: the requests travel with the create call."""
    return path.name


class Body:
    """The body of a create call, streamed from a file of one request per line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size - 1 + len(b'{"requests":[') + len(b"]}")

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body, line ends as commas; JSON has no raw line end inside a request."""
        yield b'{"requests":['
        left = self.path.stat().st_size - 1
        with self.path.open("rb", buffering=0) as file:
            while left > 0 and (block := file.read(min(left, BLOCK))):
                left -= len(block)
                yield block.replace(b"\n", b",")
        yield b"]}"


def create(client: Any, file: str, key: str, settings: Settings) -> str:
    """Create a batch by one call; there is no idempotency key, a retry could create and bill a second one."""
    import anthropic.types.messages as types

    facts = settings.model.capabilities
    version = {"anthropic-version": facts.api_version} if facts and facts.api_version else {}
    with errors("create", unclear=True):
        body = Body(Path(file))
        made = client.post(
            BATCHES,
            cast_to=types.MessageBatch,
            content=body,
            options={"headers": {"Content-Length": str(body.size), **version}, "timeout": CREATE_TIMEOUT},
        )
        if not made.id:
            raise KeyError("an answer without an id")
        return str(made.id)


def find(client: Any, key: str, file: str, since: float) -> list[Candidate]:
    """List the batches created after `since` that may be ours: proven where their results carry our ids.

    One that is still running and has as many requests as we sent is a candidate without proof.
    """
    ours = _ids(Path(file))
    found = []
    for batch in _listed(client):
        created = seconds_of(batch.get("created_at"))
        if created < since:
            break
        ended = batch.get("processing_status") == "ended"
        total = sum(count(value) for value in mapping(batch.get("request_counts")).values())
        # What has ended is judged by its results alone; counters of 0 say nothing.
        proof = _is_ours(client, str(batch.get("id")), ours) if ended else None
        if proof is False or (not ended and total not in (0, len(ours))):
            continue
        found.append(Candidate(str(batch.get("id")), key if proof else None, created, len(ours), proven=proof is True))
    return found


def _ids(path: Path) -> frozenset[str]:
    """Return the ids of a file of requests."""
    with path.open("rb") as lines:
        return frozenset(line.split(b'"', 4)[3].decode() for line in lines)


def _is_ours(client: Any, batch: str, ours: frozenset[str]) -> bool | None:
    """Tell whether the results of an ended batch carry our ids; None while they cannot be had."""
    ids = _ids_in(client, batch, PROOF)
    return None if ids is None else not ours.isdisjoint(ids)


def _ids_in(client: Any, batch: str, first: int) -> list[str | None] | None:
    """Return the ids of the first results of an ended batch; None while they cannot be had."""
    import anthropic

    with errors("results"), suppress(anthropic.NotFoundError):
        results = client.messages.batches.results(batch)
        try:
            return [id_of(line) for line in islice(results.http_response.iter_lines(), first)]
        finally:
            results.close()
    return None


def poll(client: Any, ids: Sequence[str]) -> list[BatchStatus]:
    """Ask for all batches: list pages while they pay, single looks for the rest."""
    return polling.states(
        ids, lambda: (status_of(batch, None) for batch in _listed(client)), lambda batch: _look(client, batch), PAGE
    )


def _look(client: Any, batch_id: str) -> BatchStatus:
    import anthropic

    with errors("poll"):
        try:
            raw = client.messages.batches.with_raw_response.retrieve(batch_id)
        except anthropic.NotFoundError:
            return BatchStatus(batch_id, "vanished", "not found")
        return status_of(orjson.loads(raw.http_response.content), wait_of(raw.headers))


def _listed(client: Any) -> Iterator[dict[str, Any]]:
    """Yield batches, newest first."""
    after: dict[str, str] = {}
    while True:
        with errors("list"):
            page = orjson.loads(
                client.messages.batches.with_raw_response.list(limit=PAGE, **after).http_response.content
            )
            batches = list(page["data"])
        yield from batches
        if not batches or not page.get("has_more"):
            return
        after = {"after_id": str(page["last_id"])}


def fetch(client: Any, status: BatchStatus, folder: Path) -> Fetched:
    """Download the results byte for byte; complete, synced and then renamed, or not there."""
    import os

    target = folder / "output.jsonl"
    partial = target.with_suffix(".part")
    with errors("download"), partial.open("wb") as out:
        results = client.messages.batches.results(status.id)
        try:
            for block in results.http_response.iter_bytes(BLOCK):
                out.write(block)
                if out.tell() > MAX_DOWNLOAD:
                    raise ProviderError(f"download: more than {MAX_DOWNLOAD:,} bytes of results", kind="permanent")
        finally:
            results.close()
        out.flush()
        os.fsync(out.fileno())
    partial.replace(target)
    return Fetched(target, None, target.stat().st_size)


def cancel(client: Any, batch: str) -> None:
    """Ask for cancellation; a batch that has ended already is no error."""
    import anthropic

    with errors("cancel"):
        try:
            client.messages.batches.cancel(batch)
        except (anthropic.BadRequestError, anthropic.ConflictError, anthropic.NotFoundError):
            return


def clean(client: Any, files: Sequence[str]) -> int:
    """Delete ended batches and return how many were there; the requests were never a file of the provider's."""
    import anthropic

    deleted = 0
    for batch in (file for file in files if file.startswith("msgbatch_")):
        with errors("delete"):
            try:
                client.messages.batches.delete(batch)
            except anthropic.NotFoundError:
                continue
        deleted += 1
    return deleted


def belongings(client: Any) -> list[Belonging]:
    """List the ended batches whose first result has an id of ours, among the newest; there are no files and labels.

    Whose a batch is that still runs, nobody can tell.
    """
    ended = [one for one in islice(_listed(client), PAGE) if one.get("results_url") and not one.get("archived_at")]
    looked = [batch_of(batch, _ids_in(client, str(batch.get("id")), 1)) for batch in ended[:LOOKED_INTO]]
    return [ours for ours in looked if ours]


def knows(client: Any, model: str) -> bool | None:
    """Ask for the model by its name."""
    import anthropic

    with errors("get model"):
        try:
            client.models.with_raw_response.retrieve(model)
        except anthropic.NotFoundError:
            return False
        return True
