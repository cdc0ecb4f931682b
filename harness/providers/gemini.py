"""The gemini protocol: batches of the Gemini API (Google AI Studio), made of an uploaded file.

Read: Batch and Files guides, ai.google.dev, November 2026; google-genai 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.errors import ProviderError
from harness.providers import polling
from harness.providers.gemini_lines import decode, encoder, line, status_of
from harness.providers.google_calls import (
    PAGE,
    TIMEOUT,
    Link,
    cancel,
    errors,
    get,
    http_client,
    look,
    named,
    newest,
    pages,
)
from harness.providers.google_lines import mapping, number, seconds_of, text_of
from harness.settings import Provider as ProviderSettings
from harness.settings import Settings
from harness.types import BatchStatus, Belonging, Candidate, Fetched, run_key_in

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

SDK: Mapping[str, str] = {"google.genai": "google-genai"}
EXTRA = "google"
UPLOADS = True
APIS: tuple[str, ...] = ("generate_content",)
VERSION = "v1beta"  # the batch guide's; the SDK's own default has changed
BLOCK = 1 << 18  # bytes of a download at a time
MAX_DOWNLOAD = 16_000_000_000  # bytes; 100,000 answers of 160 kB each: what is larger is no answer
RESULTS = "files/batch-"  # files of results; they go with their batch, no call deletes them alone


def problems(provider: ProviderSettings, environment: Mapping[str, str]) -> list[str]:
    """Return nothing: the key is all that it takes."""
    return []


def connect(provider: ProviderSettings, key: str) -> Link:
    """Return the official client; it does not retry unless told to."""
    from google import genai

    base, http = provider.base_url.rstrip("/"), http_client(provider.base_url)
    options = genai.types.HttpOptions(
        base_url=base, api_version=VERSION, timeout=int(TIMEOUT * 1000), httpx_client=http
    )
    sdk = genai.Client(vertexai=False, api_key=key, http_options=options)  # said, or an environment variable decides
    return Link(sdk, http, f"{base}/{VERSION}", lambda url: {"x-goog-api-key": key})


def upload(client: Link, path: Path, name: str) -> str:
    """Upload a request file in chunks, and return its name."""
    with errors("upload"):
        config = {"display_name": name, "mime_type": "application/jsonl"}
        return named(client.sdk.files.upload(file=path, config=config).name)


def create(client: Link, file: str, key: str, settings: Settings) -> str:
    """Create a batch by one call: there is no idempotency key, a retry could create and bill a second one."""
    with _file_may_be_gone(), errors("create", unclear=True):
        made = client.sdk.batches.create(model=settings.model_id(), src=file, config={"display_name": key})
        return named(made.name)


@contextmanager
def _file_may_be_gone() -> Iterator[None]:
    """Tell a file that is gone, as after its 48 hours, from a model that is not there: it is uploaded again."""
    try:
        yield
    except ProviderError as error:
        if error.status in (403, 404) and "file" in str(error).lower():
            raise ProviderError(str(error), kind="retryable", status=error.status, code="file_not_found") from None
        if error.status == 404:
            raise ProviderError(f"{error}; check model.id", kind=error.kind, status=404, code=error.code) from None
        raise


def find(client: Link, key: str, file: str, since: float) -> list[Candidate]:
    """List the batches that carry our key; the list promises no order, so all of it is read."""
    found = []
    for page in pages(client, "list", "batches", "operations"):
        for operation in page:
            about = mapping(operation.get("metadata"))
            if about.get("displayName") == key:
                total = number(mapping(about.get("batchStats")).get("requestCount")) or 0
                found.append(Candidate(str(operation.get("name")), key, seconds_of(about.get("createTime")), total))
    return found


def poll(client: Link, ids: Sequence[str]) -> list[BatchStatus]:
    """Ask for all batches: list pages while they pay, single looks for the rest."""
    return polling.states(ids, lambda: _listed(client), lambda batch: look(client, batch, batch, status_of), PAGE)


def _listed(client: Link) -> Iterator[BatchStatus]:
    for page in pages(client, "list", "batches", "operations"):
        yield from map(status_of, page)


def fetch(client: Link, status: BatchStatus, folder: Path) -> Fetched:
    """Download the results byte for byte; complete, synced and then renamed, or not there."""
    import os

    from google.genai.errors import APIError

    if "output" not in status.files:
        return Fetched(None, None, 0)
    target, file = folder / "output.jsonl", status.files["output"]
    partial = target.with_suffix(".part")
    url = f"{client.root}/{file}:download"
    with errors("download"), partial.open("wb") as out:
        size = _size(client, file)
        headers = dict(client.headers(url))
        with client.http.stream("GET", url, params={"alt": "media"}, headers=headers) as answer:
            APIError.raise_for_response(answer)
            for block in answer.iter_bytes(BLOCK):
                if out.write(block) and out.tell() > MAX_DOWNLOAD:
                    raise ProviderError(f"download: more than {MAX_DOWNLOAD:,} bytes of results", kind="permanent")
        if size is not None and out.tell() != size:
            raise ProviderError(f"download: {out.tell():,} bytes of {size:,} came", kind="retryable")
        out.flush()
        os.fsync(out.fileno())
    partial.replace(target)
    return Fetched(target, None, target.stat().st_size)


def _size(client: Link, file: str) -> int | None:
    """Ask how large a file of results is; None where that is not said, as the download needs no such answer."""
    from google.genai.errors import APIError

    try:
        return number(get(client, file).get("sizeBytes"))
    except APIError:
        return None


def clean(client: Link, files: Sequence[str]) -> int:
    """Delete files and batches and return how many were there; one that is gone already is no error."""
    from google.genai.errors import ClientError

    deleted = 0
    for name in (file for file in files if not file.startswith(RESULTS)):
        is_batch = name.startswith("batches/")
        with errors("delete"):
            try:
                (client.sdk.batches if is_batch else client.sdk.files).delete(name=name)
            except ClientError as error:
                # Of a file that is gone Google says that we may not have it, "or it may not exist".
                gone = error.code == 404 or (error.code == 403 and "may not exist" in str(error.message))
                if not gone or (is_batch and error.code != 404):
                    raise
                continue
        deleted += 1
    return deleted


def belongings(client: Link) -> list[Belonging]:
    """List our uploads and batches; results go with their batch and carry no name of ours."""
    found = [
        Belonging(
            "file",
            str(file.get("name")),
            str(file.get("displayName")),
            seconds_of(file.get("createTime")),
            text_of(file.get("state")) or "",
        )
        for page in pages(client, "list files", "files", "files")
        for file in page
    ]
    for page in pages(client, "list", "batches", "operations"):
        for operation in page:
            about = mapping(operation.get("metadata"))
            created, state = seconds_of(about.get("createTime")), text_of(about.get("state")) or ""
            found.append(Belonging("batch", str(operation.get("name")), str(about.get("displayName")), created, state))
    return newest([one for one in found if run_key_in(one.name)])


def knows(client: Link, model: str) -> bool | None:
    """Ask for the model."""
    from google.genai.errors import ClientError

    with errors("model"):
        try:
            get(client, f"models/{model.removeprefix('models/')}")
        except ClientError as error:
            if error.code != 404:
                raise
            return False
    return True
