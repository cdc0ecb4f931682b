"""An emulator in a thread, the official client against it, and short ways to say what a batch is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from openai import OpenAI
from openai.types import Batch

from harness.emulator import Running, Settings, serve_in_thread

CHAT: Final = "/v1/chat/completions"
Start = Callable[..., Running]


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
