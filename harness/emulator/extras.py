"""The rarer parts of an answer: tool calls, stop sequences, log probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import schema_values
from .draws import Draws, base62

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the model calls."""

    id: str
    name: str
    arguments: str  # JSON


def called(functions: Sequence[Mapping[str, Any]], choice: Any, name: str | None, draws: Draws) -> Call | None:
    """Call a function when the request demands one, perhaps of this name; else the simulated model answers in text."""
    if name is None and choice != "required":
        return None
    function = next((function for function in functions if name is None or name == function["name"]), None)
    if function is None:
        return None
    arguments = json.dumps(schema_values.make(function.get("parameters") or {"type": "object"}, draws))
    return Call("call_" + base62(24, draws.bits()), function["name"], arguments)


def stopped(content: str, stop: str | list[str]) -> str:
    """End a text before the first stop sequence."""
    for sequence in [stop] if isinstance(stop, str) else stop:
        content = content.split(sequence, 1)[0] if sequence else content
    return content


def logprobs(content: str, rivals: int, draws: Draws) -> list[Body]:
    """Give each token (four characters) a probability and its rivals."""
    return [_token(content[i : i + 4], rivals, draws) for i in range(0, len(content), 4)]


def _token(token: str, rivals: int, draws: Draws) -> Body:
    chance = -round(draws.between(0.0001, 0.5), 6)
    top = [(token if i == 0 else f"{token}{i}", chance - 1.5 * i) for i in range(rivals)]
    return {
        "token": token,
        "logprob": chance,
        "bytes": list(token.encode()),
        "top_logprobs": [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in top],
    }
