"""Short ways to say what a Gemini batch is."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import httpx2

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import BatchJob

    from harness.emulator import Running

FLASH: Final = "gemini-3.8-flash"
OLD_FLASH: Final = "gemini-2.5-flash"
KEY: Final = "gemini-key-1234567890"
SCHEMA = {"type": "object", "properties": {"label": {"type": "string", "enum": ["yes", "no"]}}, "required": ["label"]}


def request(text: str = "hello", **config: Any) -> dict[str, Any]:
    """Make a request; what else is given is its generation config."""
    shaped: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
    return shaped | ({"generationConfig": config} if config else {})


def row(key: str, **config: Any) -> dict[str, Any]:
    return {"key": key, "request": request(f"hello {key}", **config)}


def rows(count: int) -> list[dict[str, Any]]:
    return [row(f"q-{i}") for i in range(count)]


def jsonl(lines: Sequence[Any]) -> bytes:
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)


def upload(client: Client, lines: Sequence[Any]) -> str:
    """Upload a file of lines; returns its name."""
    config: Any = {"mime_type": "application/jsonl", "display_name": "in.jsonl"}
    return str(client.files.upload(file=io.BytesIO(jsonl(lines)), config=config).name)


def order(client: Client, lines: Sequence[Any], model: str = FLASH, name: str = "d") -> str:
    """Create a batch from a file; returns its name."""
    job = client.batches.create(model=model, src=upload(client, lines), config={"display_name": name})
    return str(job.name)


def look(client: Client, name: str) -> BatchJob:
    return client.batches.get(name=name)


def finished(emulator: Running, client: Client, lines: Sequence[Any], model: str = FLASH) -> BatchJob:
    name = order(client, lines, model)
    emulator.advance(100)
    return look(client, name)


def text(client: Client, job: BatchJob) -> str:
    """Download what a batch made."""
    assert job.dest is not None
    assert job.dest.file_name is not None
    return client.files.download(file=job.dest.file_name).decode()


def results(client: Client, job: BatchJob) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text(client, job).splitlines()]


def raw(emulator: Running, path: str, method: str = "GET", **more: Any) -> httpx2.Response:
    """Call without the SDK, which hides parts of an operation."""
    headers = {"x-goog-api-key": KEY} | more.pop("headers", {})
    return httpx2.request(method, emulator.root + path, headers=headers, **more)
