"""The bucket that Vertex AI reads requests from and writes predictions into; ours lie under `harness/<key>/`.

Read: JSON API of Cloud Storage, cloud.google.com/storage/docs/json_api, November 2026; google-cloud-storage 3.17.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from harness.errors import ProviderError
from harness.providers.google_calls import refused
from harness.providers.google_lines import mapping
from harness.providers.vertex_lines import id_of
from harness.settings import Provider as ProviderSettings
from harness.settings import is_loopback
from harness.types import Belonging, run_key_in

HOME = "harness/"
REQUESTS = "requests.jsonl"
CHUNK = 8 << 20  # bytes that an upload holds in memory at a time; the client's own choice is 100 MiB
TIMEOUT = 120.0  # s a call
FINAL = "/predictions.jsonl"
MAX_DOWNLOAD = 32_000_000_000  # bytes; 200,000 rows of 160 kB each: what is larger is no answer


def connect(provider: ProviderSettings, credentials: Any) -> Any:
    """Return the bucket; nothing is asked of it yet."""
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud import storage

    session = AuthorizedSession(credentials)
    session.trust_env = not is_loopback(str(provider.storage_url))  # a proxy cannot reach this machine
    options = {"api_endpoint": str(provider.storage_url).rstrip("/")}
    client = storage.Client(provider.project, credentials=credentials, client_options=options, _http=session)
    return client.bucket(provider.bucket)


def upload(bucket: Any, path: Path, name: str) -> str:
    """Upload a request file into a folder of its name, in chunks, and return its address."""
    place = f"{HOME}{name.removesuffix('.jsonl')}/{REQUESTS}"
    with _errors("upload", bucket), path.open("rb") as file:
        blob = bucket.blob(place, chunk_size=CHUNK)
        blob.upload_from_file(
            file, size=path.stat().st_size, content_type="application/jsonl", retry=None, timeout=TIMEOUT
        )
    return f"gs://{bucket.name}/{place}"


def download(bucket: Any, folder: str, target: Path) -> Path | None:
    """Write the predictions that lie under a folder into one file, synced and renamed; None where there are none.

    A job that ended well leaves one file; where it is missing, finished rows stand in shards, some of them twice.
    """
    import os

    with _errors("download", bucket):
        blobs = [blob for blob in _under(bucket, _name(bucket, folder)) if blob.name.endswith(".jsonl")]
        blobs = [blob for blob in blobs if blob.name.endswith(FINAL) and "incremental" not in blob.name] or blobs
        if (size := sum(blob.size or 0 for blob in blobs)) > MAX_DOWNLOAD:
            raise ProviderError(f"download: {size:,} bytes, more than {MAX_DOWNLOAD:,}", kind="permanent")
        partial, seen = target.with_suffix(".part"), set[bytes]()
        with partial.open("wb") as out:
            for blob in blobs:
                if len(blobs) == 1:
                    _read(blob, out)
                else:
                    out.writelines(_unseen(blob, target.with_suffix(".shard"), seen))
            out.flush()
            os.fsync(out.fileno())
    if not blobs:
        partial.unlink()
        return None
    partial.replace(target)
    return target


def _read(blob: Any, file: BinaryIO) -> None:
    """Download an object whole; the client goes on after a cut, and may then end early without an error."""
    blob.download_to_file(file, retry=None, timeout=TIMEOUT)
    if blob.size is not None and file.tell() != blob.size:
        raise ProviderError(f"download: {file.tell():,} bytes of {blob.size:,} came", kind="retryable")


def _unseen(blob: Any, shard: Path, seen: set[bytes]) -> Iterator[bytes]:
    """Yield the rows of a shard that no other has said the same of; what differs is for the reader to judge."""
    try:
        with shard.open("wb") as file:
            _read(blob, file)
        with shard.open("rb") as lines:
            for line in lines:
                if (mark := _mark(line)) not in seen:
                    seen.add(mark)
                    yield line if line.endswith(b"\n") else line + b"\n"
    finally:
        shard.unlink(missing_ok=True)


def _mark(line: bytes) -> bytes:
    """Make what two rows have in common that say the same of one request, at whatever time they were written."""
    try:
        row = mapping(orjson.loads(line))
        said = orjson.dumps([id_of(row), row.get("status"), row.get("response")], option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        said = line
    return hashlib.blake2b(said, digest_size=16).digest()


def delete(bucket: Any, address: str) -> int:
    """Delete an object, or with a slash at its end all that lies under it; return how many were there."""
    from google.api_core.exceptions import NotFound

    name, deleted = _name(bucket, address), 0
    if not _is_ours(name):
        return 0
    with _errors("delete", bucket):
        blobs = _under(bucket, name) if name.endswith("/") else [bucket.blob(name)]
        for blob in blobs:
            try:
                blob.delete(retry=None, timeout=TIMEOUT)
            except NotFound:
                continue
            deleted += 1
    return deleted


def _is_ours(name: str) -> bool:
    """Tell whether a run of ours wrote this: a job that was adopted by hand may have written anywhere."""
    place = name.removeprefix(HOME)
    return name.startswith(HOME) and place.startswith(run_key_in(place) or "/")


def belongings(bucket: Any) -> list[Belonging]:
    """List what lies in our part of the bucket; requests are called as their upload was, predictions by their path."""
    with _errors("list files", bucket):
        blobs = _under(bucket, HOME)
    found = []
    for blob in blobs:
        name = blob.name.removeprefix(HOME)
        called = name.removesuffix("/" + REQUESTS) + ".jsonl" if name.endswith("/" + REQUESTS) else name
        created = blob.time_created.timestamp() if blob.time_created else None
        found.append(Belonging("file", f"gs://{bucket.name}/{blob.name}", called, created, ""))
    return found


def _under(bucket: Any, prefix: str) -> list[Any]:
    return list(bucket.list_blobs(prefix=prefix, retry=None, timeout=TIMEOUT))


def _name(bucket: Any, address: str) -> str:
    return address.removeprefix(f"gs://{bucket.name}/")


@contextmanager
def _errors(call: str, bucket: Any) -> Iterator[None]:
    """Turn the client's exceptions into ProviderError; of the bucket all calls can be repeated."""
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as auth
    from google.cloud.storage.exceptions import DataCorruption

    try:
        yield
    except exceptions.NotFound as error:
        words = f"{call}: provider.bucket: {bucket.name}: {_said(error)}"
        raise ProviderError(words, kind="permanent", status=404, code="NOT_FOUND") from None
    except exceptions.GoogleAPICallError as error:
        body = {"error": {"message": f"{_said(error)} (provider.bucket: {bucket.name})"}}
        raise refused(call, int(error.code or 0), body, error.response, unclear=False) from None
    except (requests.RequestException, ConnectionError, DataCorruption) as error:  # the second: it was cut short
        raise ProviderError(f"{call}: {error}", kind="retryable") from None
    except auth.GoogleAuthError as error:
        kind = "retryable" if isinstance(error, auth.TransportError) else "auth"
        raise ProviderError(f"{call}: Google's credentials cannot be used: {error}", kind=kind) from None


def _said(error: Any) -> str:
    """Return the service's own words, where its answer is JSON; the exception's are about the call."""
    try:
        return str(error.response.json()["error"]["message"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return str(error.message)
