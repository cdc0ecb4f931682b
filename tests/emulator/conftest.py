"""An emulator in a thread, the official client against it, and short ways to say what a batch is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import anthropic
import pytest
from google import genai
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2.credentials import Credentials
from openai import OpenAI
from openai.types import Batch

from harness.emulator import Running, Settings, serve_in_thread

CHAT: Final = "/v1/chat/completions"
ROOT = Path(__file__).parents[2]
Start = Callable[..., Running]
Spawn = Callable[..., tuple["subprocess.Popen[str]", str]]


def body(text: str = "hello", model: str = "gpt-4o-mini", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def request(custom_id: str, **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body(f"hello {custom_id}"), **more}


def jsonl(rows: Sequence[Any]) -> bytes:
    return b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows)


def requests(count: int) -> list[dict[str, Any]]:
    return [request(f"q-{i}") for i in range(count)]


def upload(client: OpenAI, rows: Sequence[Any]) -> str:
    return client.files.create(file=("in.jsonl", jsonl(rows)), purpose="batch").id


def submit(client: OpenAI, rows: Sequence[Any], **more: Any) -> Batch:
    return client.batches.create(input_file_id=upload(client, rows), endpoint=CHAT, completion_window="24h", **more)


def content(client: OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    """Read a result file; no file has no lines."""
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()] if file_id else []


@pytest.fixture(scope="session")
def closing() -> Iterator[ThreadPoolExecutor]:
    """Stop emulators while the next test runs already: a stop takes uvicorn 0.2 s."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def start(tmp_path: Path, closing: ThreadPoolExecutor) -> Iterator[Start]:
    """Start emulators whose clock stands still; `again` opens the same folder once more."""
    running: list[Running] = []

    def starter(name: str = "state", **settings: Any) -> Running:
        one = serve_in_thread(tmp_path / name, Settings(**{"speed": 0.0, **settings}))
        running.append(one)
        return one

    yield starter
    for one in running:
        closing.submit(one.stop)


@pytest.fixture
def emulator(start: Start) -> Running:
    return start()


@pytest.fixture
def connect() -> Iterator[Callable[..., OpenAI]]:
    """Make clients that never retry."""
    clients: list[OpenAI] = []

    def connector(emulator: Running, **more: Any) -> OpenAI:
        client = OpenAI(base_url=emulator.url, **{"api_key": "sk-test-1234567890", "max_retries": 0, **more})
        clients.append(client)
        return client

    yield connector
    for client in clients:
        client.close()


@pytest.fixture
def client(emulator: Running, connect: Callable[..., OpenAI]) -> OpenAI:
    return connect(emulator)


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """Start emulators as children; returns process and URL."""
    children: list[subprocess.Popen[str]] = []

    def spawner(*options: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-W", "error", "-m", "harness.emulator", "--child", "--port", "0"]
        child = subprocess.Popen(
            [*command, "--state", str(tmp_path / "state"), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        children.append(child)
        assert child.stdout is not None
        hello = json.loads(child.stdout.readline())
        assert hello["pid"] == child.pid
        return child, hello["url"]

    yield spawner
    for child in children:
        end(child)


def end(child: subprocess.Popen[str]) -> None:
    """Kill a process as kill -9 does, and close what was open to it."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def memory(child: subprocess.Popen[str], field: str) -> float:
    """Read the resident memory of a process, in megabytes."""
    text = Path(f"/proc/{child.pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(field)).split()[1]) / 1024


@pytest.fixture
def claudes() -> Iterator[Callable[..., anthropic.Anthropic]]:
    """Make clients of Anthropic's that never retry; `url` is that of the server, with or without /v1."""
    clients: list[anthropic.Anthropic] = []

    def connector(url: str, version: str | None = None, **more: Any) -> anthropic.Anthropic:
        headers = {"default_headers": {"anthropic-version": version}} if version else {}
        options = {"api_key": "sk-ant-test-1234567890", "max_retries": 0, **headers, **more}
        clients.append(anthropic.Anthropic(base_url=url.removesuffix("/v1"), **options))
        return clients[-1]

    yield connector
    for client in clients:
        client.close()


@pytest.fixture
def claude(emulator: Running, claudes: Callable[..., anthropic.Anthropic]) -> anthropic.Anthropic:
    return claudes(emulator.root)


@pytest.fixture
def storages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., storage.Client]]:
    """Make clients of Cloud Storage."""
    monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")  # no calls that no test asks for
    clients: list[storage.Client] = []

    def connector(emulator: Running) -> storage.Client:
        options = {"api_endpoint": emulator.root}
        clients.append(storage.Client(project="p", credentials=AnonymousCredentials(), client_options=options))
        return clients[-1]

    yield connector
    for client in clients:
        client.close()


@pytest.fixture
def bucket(emulator: Running, storages: Callable[..., storage.Client]) -> storage.Bucket:
    return storages(emulator).bucket("simulated-bucket")


@pytest.fixture
def vertexes() -> Iterator[Callable[..., genai.Client]]:
    """Make clients of Vertex AI, which never retry by default."""
    clients: list[genai.Client] = []

    def connector(emulator: Running, **more: Any) -> genai.Client:
        place = {"project": "p", "location": "us-central1", "credentials": Credentials(token="ya29.test")}
        options = {"http_options": {"base_url": emulator.root}, **(more or place)}
        clients.append(genai.Client(vertexai=True, **options))
        return clients[-1]

    yield connector
    for client in clients:
        client.close()


@pytest.fixture
def vertex(emulator: Running, vertexes: Callable[..., genai.Client]) -> genai.Client:
    return vertexes(emulator)
