"""The vertex protocol: batch prediction of Gemini on Vertex AI. Requests and predictions travel through a bucket.

Read: Batch guide, cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini, November 2026;
google-genai 3.6, google-cloud-storage 3.17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ProviderError
from harness.providers import polling, vertex_bucket
from harness.providers.google_calls import (
    PAGE,
    TIMEOUT,
    Link,
    cancel,
    errors,
    http_client,
    look,
    named,
    newest,
    pages,
)
from harness.providers.google_lines import seconds_of
from harness.providers.vertex_lines import decode, encoder, line, status_of
from harness.settings import Provider as ProviderSettings
from harness.settings import Settings, is_loopback
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

SDK: Mapping[str, str] = {"google.genai": "google-genai", "google.cloud.storage": "google-cloud-storage"}
EXTRA = "google"
UPLOADS = True
APIS: tuple[str, ...] = ("generate_content",)
VERSION = "v1beta1"  # what google-genai speaks with Vertex
JOBS = "batchPredictionJobs"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# Where the host's name does not begin with the location (google-genai 3.6, _api_client.py).
HOSTS = {
    "global": "aiplatform.googleapis.com",
    "us": "aiplatform.us.rep.googleapis.com",
    "eu": "aiplatform.eu.rep.googleapis.com",
}
BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")  # cloud.google.com/storage/docs/buckets#naming
NO_KEY = "none"  # what stands for the token where the environment has none


@dataclass(frozen=True)
class Place(Link):
    """A connection, and the bucket."""

    bucket: Any


def problems(provider: ProviderSettings, environment: Mapping[str, str]) -> list[str]:
    """Return a line for each setting that is missing, and one where there are no credentials."""
    wanted = {"project": provider.project, "location": provider.location, "bucket": provider.bucket}
    found = [
        f"provider.{name}: not set; Vertex AI needs it with endpoint=live"
        for name, value in wanted.items()
        if not value
    ]
    if provider.bucket and not BUCKET.fullmatch(provider.bucket):
        found.append(f"provider.bucket: the bare name is expected, without gs:// or a folder (got {provider.bucket})")
    if is_loopback(provider.base_url) != is_loopback(str(provider.storage_url)):
        hint = "one is on this machine, the other is not; set both"
        found.append(f"provider.storage_url: {provider.storage_url} with provider.base_url {provider.base_url}: {hint}")
    host = HOSTS.get(provider.location or "")
    if host and f"://{provider.location}-" in provider.base_url:
        found.append(f"provider.base_url: with location {provider.location} it is https://{host}")
    return found or _credential_problems(provider, environment)


def _credential_problems(provider: ProviderSettings, environment: Mapping[str, str]) -> list[str]:
    """Look for a token in the variable that the settings name, else for the machine's own credentials."""
    variable = provider.access_token_env
    if (variable and environment.get(variable)) or is_loopback(provider.base_url):
        return []
    import logging

    import google.auth
    from google.auth.exceptions import GoogleAuthError

    logging.getLogger("google.auth").setLevel(logging.ERROR)  # it warns of every place where it finds nothing
    try:
        google.auth.default(scopes=[SCOPE])
    except GoogleAuthError:
        hint = f"put an access token into {variable}, or " if variable else ""
        return [f"provider.access_token_env: no credentials; {hint}run `gcloud auth application-default login`"]
    return []


def connect(provider: ProviderSettings, key: str) -> Place:
    """Return the official clients; retries are ours, so theirs are off."""
    import logging

    import google.auth
    from google import genai
    from google.auth.transport.requests import Request
    from google.oauth2.credentials import Credentials

    logging.getLogger("google_genai").setLevel(logging.ERROR)  # it warns of keys in the environment that it leaves out
    base, http = provider.base_url.rstrip("/"), http_client(provider.base_url)
    if key != NO_KEY or is_loopback(base):
        credentials: Any = Credentials(token=key)
    else:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    options = genai.types.HttpOptions(
        base_url=base, api_version=VERSION, timeout=int(TIMEOUT * 1000), httpx_client=http
    )
    # Project and location are said here: from the environment, the SDK would drop them beside a base_url.
    sdk = genai.Client(
        vertexai=True,
        project=provider.project,
        location=provider.location,
        credentials=credentials,
        http_options=options,
    )

    def headers(url: str) -> Mapping[str, str]:
        found: dict[str, str] = {}
        credentials.before_request(Request(), "GET", url, found)
        return found

    root = f"{base}/{VERSION}/projects/{provider.project}/locations/{provider.location}"
    return Place(sdk, http, root, headers, vertex_bucket.connect(provider, credentials))


def upload(client: Place, path: Path, name: str) -> str:
    """Upload a request file, and return its address in the bucket."""
    return vertex_bucket.upload(client.bucket, path, name)


def create(client: Place, file: str, key: str, settings: Settings) -> str:
    """Create a job by one call, whose predictions go beside its requests, in a folder of the key's."""
    config = {"dest": f"{file.rpartition('/')[0]}/{key}", "display_name": key}
    try:
        with errors("create", unclear=True):
            made = client.sdk.batches.create(model=settings.model_id(), src=file, config=config)
            return named(made.name).rpartition("/")[2]
    except ProviderError as error:
        hints = {404: "check model.id and provider.location", 403: "check provider.project and the account's rights"}
        if error.status not in hints:
            raise
        raise ProviderError(
            f"{error}; {hints[error.status]}", kind=error.kind, status=error.status, code=error.code
        ) from None


def find(client: Place, key: str, file: str, since: float) -> list[Candidate]:
    """List the jobs that carry our key; the list promises no order, so all of it is read."""
    found = []
    for page in pages(client, "list", JOBS, JOBS):
        for job in page:
            if job.get("displayName") == key:
                status = status_of(job)
                found.append(Candidate(status.id, key, seconds_of(job.get("createTime")), status.total))
    return found


def poll(client: Place, ids: Sequence[str]) -> list[BatchStatus]:
    """Ask for all jobs: list pages while they pay, single looks for the rest."""
    return polling.states(
        ids, lambda: _listed(client), lambda batch: look(client, f"{JOBS}/{batch}", batch, status_of), PAGE
    )


def _listed(client: Place) -> Iterator[BatchStatus]:
    for page in pages(client, "list", JOBS, JOBS):
        yield from map(status_of, page)


def fetch(client: Place, status: BatchStatus, folder: Path) -> Fetched:
    """Download the predictions: the final file, or the shards that stand where there is none."""
    if "output" not in status.files:
        return Fetched(None, None, 0)
    target = vertex_bucket.download(client.bucket, status.files["output"], folder / "output.jsonl")
    return Fetched(target, None, target.stat().st_size if target else 0)


def clean(client: Place, files: Sequence[str]) -> int:
    """Delete objects, folders of objects and jobs, and return how many were there; what is gone is no error."""
    from google.genai.errors import ClientError

    deleted = 0
    for name in files:
        if name.startswith("gs://"):
            deleted += vertex_bucket.delete(client.bucket, name)
            continue
        with errors("delete"):
            try:
                client.sdk.batches.delete(name=name)
            except ClientError as error:
                if error.code != 404:
                    raise
                continue
        deleted += 1
    return deleted


def belongings(client: Place) -> list[Belonging]:
    """List our objects in the bucket, requests and predictions, and our jobs."""
    found = vertex_bucket.belongings(client.bucket)
    for page in pages(client, "list", JOBS, JOBS):
        for job in page:
            status, created = status_of(job), seconds_of(job.get("createTime"))
            found.append(Belonging("batch", status.id, str(job.get("displayName")), created, status.status))
    return newest([one for one in found if run_key_in(one.name)])


def knows(client: Place, model: str) -> bool | None:
    """Say nothing: a publisher's model is known by a create call only."""
    return None
