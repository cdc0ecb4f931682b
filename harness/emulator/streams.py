"""Finished answers cut into the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Body = dict[str, Any]


def chunks(completion: Body, *, with_usage: bool) -> Iterator[Body]:
    """Cut a finished completion into the chunks of a stream."""
    same = {key: completion[key] for key in ("id", "created", "model", "service_tier", "system_fingerprint")}
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
    if message["refusal"] is not None:
        yield {"refusal": message["refusal"]}, None
    for i, call in enumerate(message.get("tool_calls", ())):
        yield {"tool_calls": [{"index": i, **call}]}, None
    content = message["content"] or ""
    for start in range(0, len(content), 16):
        yield {"content": content[start : start + 16]}, None
    yield {}, choice["finish_reason"]
