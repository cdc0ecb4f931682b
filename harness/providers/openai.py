"""The OpenAI batch protocol: files and batches; also spoken by compatible servers.

Read: "Batch API" guide and API reference, developers.openai.com, November 2026; openai-python 3.54.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from harness.errors import ProviderError
from harness.providers import polling
from harness.providers.openai_lines import BILLING, URLS, decode, encoder, kind_of, line, told
from harness.settings import Provider as ProviderSettings
from harness.settings import Settings
from harness.types import BatchStatus, Candidate, Error, ErrorClass, Fetched

__all__ = [
    "APIS",
    "EXTRA",
    "SDK",
    "UPLOADS",
    "cancel",
    "clean",
    "connect",
    "create",
    "decode",
    "encoder",
    "fetch",
    "find",
    "line",
    "owned",
    "poll",
    "problems",
    "upload",
]

SDK: tuple[str, ...] = ("openai",)
EXTRA = ""  # the harness itself needs it
UPLOADS = True
APIS: tuple[str, ...] = ("chat", "responses")
LABEL = "harness_key"  # our key in the batch's metadata
PAGE = 100  # the API's maximum of batches on a list page
CREATE_TIMEOUT = 120.0  # s; after it the answer counts as unclear, and the batch is looked for
MAX_DOWNLOAD = 8_000_000_000  # bytes; 50,000 answers of 160 kB each: what is larger is no answer
UNSERVED = (404, 405, 501)  # what a compatible server answers to a listing that it does not have
RUNNING = ("validating", "in_progress", "finalizing", "cancelling")
ENDED = ("completed", "failed", "expired", "cancelled")


def problems(provider: ProviderSettings, environment: Mapping[str, str]) -> list[str]:
    """Return nothing: the key is all that it takes."""
    return []


def connect(provider: ProviderSettings, key: str) -> Any:
    """Return the official client; retries are ours, so its own are off."""
    import logging

    import openai

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs a line per call
    loopback = "://127.0.0.1" in provider.base_url or "://localhost" in provider.base_url
    http = openai.DefaultHttpxClient(trust_env=False) if loopback else None  # a proxy cannot reach this machine
    return openai.OpenAI(base_url=provider.base_url, api_key=key, max_retries=0, http_client=http)


def upload(client: Any, path: Path, name: str) -> str:
    """Upload a request file and return its id."""
    with _errors("upload"), path.open("rb") as file:
        raw = client.files.with_raw_response.create(file=(name, file), purpose="batch")
        return str(orjson.loads(raw.content)["id"])


def create(client: Any, file: str, key: str, settings: Settings) -> str:
    """Create a batch by one call: without an idempotency key, a retry could create and bill a second one."""
    with _errors("create", unclear=True):
        raw = client.batches.with_raw_response.create(
            input_file_id=file,
            endpoint=URLS[settings.model.api],
            completion_window=settings.batch.window,
            metadata={LABEL: key},
            timeout=CREATE_TIMEOUT,
        )
        return str(orjson.loads(raw.content)["id"])


def find(client: Any, key: str, file: str, since: float) -> list[Candidate]:
    """List the batches created after `since` that carry our key, or lacking any label, were made of our file.

    The list is newest first; some compatible servers promise no order, so a page is read to its end.
    """
    found = []
    for page in _pages(client):
        ages = [_number(batch.get("created_at")) for batch in page]
        for batch, created in zip(page, ages, strict=True):
            label = (batch.get("metadata") or {}).get(LABEL)
            unlabelled = label is None and batch.get("input_file_id") == file and batch.get("status") != "failed"
            if label == key or unlabelled:
                total = (batch.get("request_counts") or {}).get("total") or 0
                found.append(Candidate(str(batch.get("id")), label, created or 0.0, total))
        if all(created is not None and created < since for created in ages):
            break
    return found


def _number(value: Any) -> float | None:
    """Read a time stamp; some servers write it as a string."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def poll(client: Any, ids: Sequence[str]) -> list[BatchStatus]:
    """Ask for all batches: list pages while they pay, single looks for the rest."""
    return polling.states(ids, lambda: _states(client), lambda batch: _look(client, batch), PAGE)


def _states(client: Any) -> Iterator[BatchStatus]:
    """Yield the state of batches, newest first; none where the server has no list."""
    try:
        yield from map(_status, _listed(client))
    except ProviderError as error:
        if error.status not in UNSERVED:
            raise


def _look(client: Any, batch_id: str) -> BatchStatus:
    import openai

    with _errors("poll"):
        try:
            return _status(orjson.loads(client.batches.with_raw_response.retrieve(batch_id).content))
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
        with _errors(call):
            page = orjson.loads(ask(**position).content)
            items = list(page["data"])
            cursor = (page.get("paging") or {}).get("next_cursor")
            following = {"extra_query": {"cursor": cursor}} if cursor else {"after": items[-1]["id"]} if items else {}
        if items:
            yield items
        if not items or following == position or not (cursor or page.get("has_more")):
            return
        position = following


def _status(batch: Mapping[str, Any]) -> BatchStatus:
    """Read a batch object; ids of files may be null or ""."""
    status, counts = batch.get("status"), batch.get("request_counts") or {}
    completed, failed = counts.get("completed") or 0, counts.get("failed") or 0
    named = {"output": batch.get("output_file_id"), "errors": batch.get("error_file_id")}
    files = {name: str(value) for name, value in named.items() if value}
    late = (
        status in ("completed", "expired", "cancelled")
        and ((completed > 0 and "output" not in files) or (failed > 0 and "errors" not in files))
    ) or (status in ("completed", "expired") and not files)  # even what expired has its lines in the error file
    return BatchStatus(
        str(batch.get("id")),
        "ended" if status in ENDED else "running" if status in RUNNING else "unknown",
        str(status),
        completed,
        failed,
        counts.get("total") or 0,
        late,
        files,
        _own_error(status, batch.get("errors")),
    )


def _own_error(status: Any, errors: Any) -> Error | None:
    """Read why a batch failed, or on Groq, what was wrong with lines of one that went on without them.

    Those may stand in neither file; a line that comes from nowhere then has this error.
    """
    if status == "failed":
        return _batch_error(errors)
    error = _batch_error(errors) if status == "completed" and errors else None
    return error if error and error.kind == "permanent" else None


def _batch_error(errors: Any) -> Error:
    """Class the validation errors of a failed batch; nothing of it ran."""
    listed = errors.get("data") if isinstance(errors, dict) else errors
    listed = [item for item in listed or [] if isinstance(item, dict)]
    if not listed:
        return Error("retryable", "the provider failed the batch and gave no reason")
    code, message = listed[0].get("code"), str(listed[0].get("message"))
    where = f" (line {listed[0]['line']})" if listed[0].get("line") else ""
    more = f"; {len(listed) - 1} more" if len(listed) > 1 else ""
    kind: ErrorClass = "permanent"
    if code == "token_limit_exceeded":
        kind = "queue_full"
    elif message.startswith("Cannot find file"):
        kind = "retryable"  # seen for files that do exist, just after their upload
    elif code in BILLING:
        kind = "billing"
    return Error(kind, f"{message}{where}{more}", None, code)


def fetch(client: Any, status: BatchStatus, folder: Path) -> Fetched:
    """Download the result files byte for byte; each is complete, synced and then renamed, or not there."""
    paths = {name: _download(client, file, folder / f"{name}.jsonl") for name, file in status.files.items()}
    size = sum(path.stat().st_size for path in paths.values())
    return Fetched(paths.get("output"), paths.get("errors"), size)


def _download(client: Any, file: str, target: Path) -> Path:
    import os

    partial = target.with_suffix(".part")
    with _errors("download"), client.files.with_streaming_response.content(file) as answer, partial.open("wb") as out:
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

    with _errors("cancel"):
        try:
            client.batches.cancel(batch)
        except (openai.ConflictError, openai.NotFoundError):
            return


def clean(client: Any, files: Sequence[str]) -> int:
    """Delete files and return how many were there; 404 says that one is gone already."""
    import openai

    deleted = 0
    for file in files:
        with _errors("delete"):
            try:
                client.files.delete(file)
            except openai.NotFoundError:
                continue
        deleted += 1
    return deleted


def owned(client: Any, run_key: str) -> list[str]:
    """List the input files whose name begins with the run's key; none where the server lists no files."""
    try:
        pages = list(_paged("list files", partial(client.files.with_raw_response.list, purpose="batch")))
    except ProviderError as error:
        if error.status in UNSERVED:
            return []
        raise
    return [str(file["id"]) for page in pages for file in page if str(file.get("filename")).startswith(run_key)]


@contextmanager
def _errors(call: str, *, unclear: bool = False) -> Iterator[None]:
    """Turn the SDK's exceptions into ProviderError; `unclear`: the call may have been carried out."""
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        said = told(error.body)
        code, message = said.get("code"), str(said.get("message") or error.message)
        kind: str = kind_of(error.status_code, code)
        if message.startswith("Cannot find file"):
            kind, code = "retryable", "file_not_found"
        if unclear and (error.status_code >= 500 or error.status_code in (408, 409)):
            kind = "unclear"
        wait = _retry_after(error.response.headers)
        raise ProviderError(
            f"{call}: {message[:1000]}", kind=kind, status=error.status_code, code=code, retry_after=wait
        ) from None
    except openai.APIConnectionError as error:
        never_sent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
        raise ProviderError(
            f"{call}: {error.__cause__ or error}", kind="unclear" if unclear and not never_sent else "retryable"
        ) from None
    except (httpx2.HTTPError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise ProviderError(f"{call}: {detail}", kind="unclear" if unclear else "retryable") from None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the server's wish in seconds; a date is left to our own backoff."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
    return None
