"""The OpenAI batch protocol: files and batches; also spoken by compatible servers.

Read: "Batch API" guide and API reference, developers.openai.com, November 2026; openai-python 3.54.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.providers import polling
from harness.providers.openai_errors import errors
from harness.providers.openai_lines import URLS, decode, encoder, line
from harness.providers.openai_objects import LABEL, batch_of, file_of, id_of, number_of, status_of
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

SDK: Mapping[str, str] = {"openai": "openai"}
EXTRA = ""  # the harness itself needs it
UPLOADS = True
APIS: tuple[str, ...] = ("chat", "responses")
PAGE = 100  # the API's maximum of batches on a list page
CREATE_TIMEOUT = 120.0  # s; after it the answer counts as unclear, and the batch is looked for
MAX_DOWNLOAD = 8_000_000_000  # bytes; 50,000 answers of 160 kB each: what is larger is no answer
UNSERVED = (404, 405, 501)  # what a compatible server answers to a listing that it does not have


def problems(provider: ProviderSettings, environment: Mapping[str, str]) -> list[str]:
    """Return nothing: the key is all that it takes."""
    return []


def connect(provider: ProviderSettings, key: str) -> Any:
    """Return the official client; retries are ours, so its own are off."""
    import logging

    import openai

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs a line per call
    loopback = is_loopback(provider.base_url)
    http = openai.DefaultHttpxClient(trust_env=False) if loopback else None  # a proxy cannot reach this machine
    return openai.OpenAI(base_url=provider.base_url, api_key=key, max_retries=0, http_client=http)


def upload(client: Any, path: Path, name: str) -> str:
    """Upload a request file and return its id."""
    with errors("upload"), path.open("rb") as file:
        raw = client.files.with_raw_response.create(file=(name, file), purpose="batch")
        return id_of(orjson.loads(raw.content))


def create(client: Any, file: str, key: str, settings: Settings) -> str:
    """Create a batch by one call: without an idempotency key, a retry could create and bill a second one."""
    with errors("create", unclear=True):
        raw = client.batches.with_raw_response.create(
            input_file_id=file,
            endpoint=URLS[settings.model.api],
            completion_window=settings.batch.window,
            metadata={LABEL: key},
            timeout=CREATE_TIMEOUT,
        )
        return id_of(orjson.loads(raw.content))


def find(client: Any, key: str, file: str, since: float) -> list[Candidate]:
    """List the batches created after `since` that carry our key, or lacking any label, were made of our file.

    The list is newest first; some compatible servers promise no order, so a page is read to its end.
    """
    found = []
    for page in _pages(client):
        ages = [number_of(batch.get("created_at")) for batch in page]
        for batch, created in zip(page, ages, strict=True):
            label = (batch.get("metadata") or {}).get(LABEL)
            unlabelled = label is None and batch.get("input_file_id") == file and batch.get("status") != "failed"
            if label == key or unlabelled:
                total = (batch.get("request_counts") or {}).get("total") or 0
                found.append(Candidate(str(batch.get("id")), label, created or 0.0, total))
        if all(created is not None and created < since for created in ages):
            break
    return found


def poll(client: Any, ids: Sequence[str]) -> list[BatchStatus]:
    """Ask for all batches: list pages while they pay, single looks for the rest."""
    return polling.states(ids, lambda: _states(client), lambda batch: _look(client, batch), PAGE)


def _states(client: Any) -> Iterator[BatchStatus]:
    """Yield the state of batches, newest first; none where the server has no list."""
    try:
        yield from map(status_of, _listed(client))
    except ProviderError as error:
        if error.status not in UNSERVED:
            raise


def _look(client: Any, batch_id: str) -> BatchStatus:
    import openai

    with errors("poll"):
        try:
            return status_of(orjson.loads(client.batches.with_raw_response.retrieve(batch_id).content))
        except openai.NotFoundError:
            return BatchStatus(batch_id, "vanished", "not found")


def _listed(client: Any) -> Iterator[dict[str, Any]]:
    """Yield batches, newest first."""
    for page in _pages(client):
        yield from page


def _pages(client: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield pages of batches, newest first; none is empty."""
    return _paged("list", partial(client.batches.with_raw_response.list, limit=PAGE))


def _paged(call: str, ask: Callable[..., Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the pages of a listing; none is empty.

    OpenAI says `has_more` and goes on `after` an id, Groq gives a cursor; a server that says neither has one page.
    """
    position: dict[str, Any] = {}
    while True:
        with errors(call):
            page = orjson.loads(ask(**position).content)
            items = list(page["data"])
            cursor = (page.get("paging") or {}).get("next_cursor")
            following = {"extra_query": {"cursor": cursor}} if cursor else {"after": items[-1]["id"]} if items else {}
        if items:
            yield items
        if not items or following == position or not (cursor or page.get("has_more")):
            return
        position = following


def fetch(client: Any, status: BatchStatus, folder: Path) -> Fetched:
    """Download the result files byte for byte; each is complete, synced and then renamed, or not there."""
    paths = {name: _download(client, file, folder / f"{name}.jsonl") for name, file in status.files.items()}
    size = sum(path.stat().st_size for path in paths.values())
    return Fetched(paths.get("output"), paths.get("errors"), size)


def _download(client: Any, file: str, target: Path) -> Path:
    import os

    partial = target.with_suffix(".part")
    with errors("download"), client.files.with_streaming_response.content(file) as answer, partial.open("wb") as out:
        for block in answer.iter_bytes(1 << 18):
            if out.write(block) and out.tell() > MAX_DOWNLOAD:
                raise ProviderError(f"download: {file} is larger than {MAX_DOWNLOAD:,} bytes", kind="permanent")
        out.flush()
        os.fsync(out.fileno())
    partial.replace(target)
    return target


def cancel(client: Any, batch: str) -> None:
    """Ask for cancellation; 409 says that the batch has ended already."""
    import openai

    with errors("cancel"):
        try:
            client.batches.cancel(batch)
        except (openai.ConflictError, openai.NotFoundError):
            return


def clean(client: Any, files: Sequence[str]) -> int:
    """Delete files and return how many were there; 404 says that one is gone already."""
    import openai

    deleted = 0
    for file in files:
        with errors("delete"):
            try:
                client.files.delete(file)
            except openai.NotFoundError:
                continue
        deleted += 1
    return deleted


def belongings(client: Any) -> list[Belonging]:
    """List the input files whose name carries a run key, and the batches with our label or made of such a file."""
    listing = partial(client.files.with_raw_response.list, purpose="batch")
    files = [one for file in _served("list files", listing) if (one := file_of(file))]
    made_of = {file.id: file.name.removesuffix(".jsonl") for file in files}
    batches = _served("list", partial(client.batches.with_raw_response.list, limit=PAGE))
    found = [*files, *(ours for batch in batches if (ours := batch_of(batch, made_of)))]
    return sorted(found, key=lambda ours: ours.created_at or 0.0, reverse=True)


def _served(call: str, ask: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Yield what a listing has; nothing where the server does not have the listing."""
    try:
        for page in _paged(call, ask):
            yield from page
    except ProviderError as error:
        if error.status not in UNSERVED:
            raise


def knows(client: Any, model: str) -> bool | None:
    """Ask for the model by its name, then look for it in the list, which some servers alone have."""
    import openai

    with errors("get model"):
        try:
            client.models.with_raw_response.retrieve(model)
            return True
        except openai.APIStatusError as error:
            if error.status_code not in UNSERVED:
                raise
    try:
        pages = list(_paged("list models", client.models.with_raw_response.list))
    except ProviderError as error:
        if error.status not in UNSERVED:
            raise
        return None
    return any(served.get("id") == model for page in pages for served in page)
