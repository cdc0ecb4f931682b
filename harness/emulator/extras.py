"""The rarer parts of a chat answer: tool calls, stop sequences, log probabilities, streaming."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from . import schema_values
from .draws import Draws, base62

Body = dict[str, Any]


def tool_call(body: Body, draws: Draws) -> Body | None:
    """Call a function when the request demands one; with `auto` the simulated model answers in text."""
    choice = body.get("tool_choice", "auto")
    functions = [tool["function"] for tool in body["tools"] or () if tool.get("type") == "function"]
    if isinstance(choice, dict):
        wanted = choice.get("function", {}).get("name")
        functions = [function for function in functions if function["name"] == wanted]
    elif choice != "required":
        return None
    if not functions:
        return None
    function = functions[0]
    arguments = json.dumps(schema_values.make(function.get("parameters") or {"type": "object"}, draws))
    name = {"name": function["name"], "arguments": arguments}
    return {"id": "call_" + base62(24, draws.bits()), "type": "function", "function": name}


def stopped(content: str, stop: str | list[str]) -> str:
    """End a text before the first stop sequence."""
    for sequence in [stop] if isinstance(stop, str) else stop:
        content = content.split(sequence, 1)[0] if sequence else content
    return content


def logprobs(content: str, body: Body, draws: Draws) -> Body:
    """Give each token (four characters) a probability and its rivals."""
    tokens = [content[i : i + 4] for i in range(0, len(content), 4)]
    rivals = body.get("top_logprobs") or 0
    return {"content": [_token(token, rivals, draws) for token in tokens], "refusal": None}


def _token(token: str, rivals: int, draws: Draws) -> Body:
    chance = -round(draws.between(0.0001, 0.5), 6)
    top = [(token if i == 0 else f"{token}{i}", chance - 1.5 * i) for i in range(rivals)]
    return {
        "token": token,
        "logprob": chance,
        "bytes": list(token.encode()),
        "top_logprobs": [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in top],
    }


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
