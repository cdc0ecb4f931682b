"""Finished answers cut into the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]
_SAME = ("id", "created", "model", "service_tier", "system_fingerprint")
_PIECE = 16  # characters


def chat_events(completion: Body, *, with_usage: bool) -> Iterator[str]:
    """Cut a completion into the events of its stream."""
    for chunk in _chunks(completion, with_usage=with_usage):
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def _chunks(completion: Body, *, with_usage: bool) -> Iterator[Body]:
    same = {key: completion[key] for key in _SAME if key in completion}
    frame = {"object": "chat.completion.chunk", **same} | ({"usage": None} if with_usage else {})
    for choice in completion["choices"]:
        for delta, finish in _deltas(choice):
            part = {"index": choice["index"], "delta": delta, "logprobs": None, "finish_reason": finish}
            yield frame | {"choices": [part]}
    if with_usage:
        yield frame | {"choices": [], "usage": completion["usage"]}


def _deltas(choice: Body) -> Iterator[tuple[Body, str | None]]:
    message = choice["message"]
    yield {"role": "assistant", "content": "", "refusal": None}, None
    if message.get("refusal") is not None:
        yield {"refusal": message["refusal"]}, None
    for i, call in enumerate(message.get("tool_calls", ())):
        yield {"tool_calls": [{"index": i, **call}]}, None
    for piece in _pieces(message.get("content") or ""):
        yield {"content": piece}, None
    yield {}, choice["finish_reason"]


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def response_events(response: Body) -> Iterator[str]:
    """Cut a response into the events of its stream."""
    for number, (name, data) in enumerate(_events(response)):
        event = {"type": f"response.{name}", "sequence_number": number, **data}
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"


Event = tuple[str, Body]


def _events(response: Body) -> Iterator[Event]:
    begun: Body = {
        "status": "in_progress",
        "completed_at": None,
        "incomplete_details": None,
        "output": [],
        "usage": None,
    }
    yield "created", {"response": response | begun}
    yield "in_progress", {"response": response | begun}
    for index, item in enumerate(response["output"]):
        yield from _item(index, item)
    yield response["status"], {"response": response}


def _item(index: int, item: Body) -> Iterator[Event]:
    empty: dict[str, Body] = {"message": {"status": "in_progress", "content": []}, "function_call": {"arguments": ""}}
    yield "output_item.added", {"output_index": index, "item": item | empty.get(item["type"], {})}
    at = {"item_id": item["id"], "output_index": index}
    if item["type"] == "message":
        for i, part in enumerate(item["content"]):
            yield from _part(part, at | {"content_index": i})
    elif item["type"] == "function_call":
        arguments = item["arguments"]
        for piece in _pieces(arguments):
            yield "function_call_arguments.delta", at | {"delta": piece}
        yield "function_call_arguments.done", at | {"name": item["name"], "arguments": arguments}
    yield "output_item.done", {"output_index": index, "item": item}


def _part(part: Body, at: Body) -> Iterator[Event]:
    key = "text" if part["type"] == "output_text" else "refusal"
    chances: Body = {"logprobs": []} if key == "text" else {}
    yield "content_part.added", at | {"part": part | {key: ""} | chances}
    for piece in _pieces(part[key]):
        yield f"{part['type']}.delta", at | {"delta": piece} | chances
    yield f"{part['type']}.done", at | {key: part[key]} | chances
    yield "content_part.done", at | {"part": part}
