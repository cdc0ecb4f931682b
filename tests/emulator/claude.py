"""Short ways to say what a message batch is."""

from __future__ import annotations

from typing import Any, Final

from anthropic import Anthropic
from anthropic.types.messages import MessageBatch

from harness.emulator import Running

HAIKU: Final = "claude-haiku-4-5"
OPUS: Final = "claude-opus-5-5"
OLD, NEW = "2023-06-01", "2026-10-21"
SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["label"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


def params(text: str = "hello", model: str = HAIKU, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 2000, "messages": [{"role": "user", "content": text}], **more}


def line(custom_id: str, **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "params": params(f"hello {custom_id}", **more)}


def lines(count: int) -> list[dict[str, Any]]:
    return [line(f"q-{i}") for i in range(count)]


def order(client: Anthropic, rows: Any) -> MessageBatch:
    return client.messages.batches.create(requests=rows)


def finished(emulator: Running, client: Anthropic, rows: Any) -> MessageBatch:
    batch = order(client, rows)
    emulator.advance(100)
    return client.messages.batches.retrieve(batch.id)


def results(client: Anthropic, batch: MessageBatch) -> dict[str, dict[str, Any]]:
    """Read the results by custom_id, as plain JSON."""
    return {one.custom_id: one.result.to_dict(mode="json") for one in client.messages.batches.results(batch.id)}


def counts(batch: MessageBatch) -> dict[str, int]:
    """Read the counts that are not 0."""
    return {kind: count for kind, count in dict(batch.request_counts).items() if count}
