"""Hold a summary against expressions such as `score>=0.8`. Pure."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import ConfigError

EXPRESSION = re.compile(r"\s*([A-Za-z_][\w.\-]*)\s*(>=|<=|==|!=|>|<)\s*(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Held:
    """One expression and how it came out."""

    expression: str
    value: float | None  # null fails
    holds: bool


def check(summary: Mapping[str, Any], expression: str) -> Held:
    """Evaluate `name op number` on summary.json; `score` is the headline's mean, `cost` the actual cost.

    Raises ConfigError for an expression that cannot be read or names nothing.
    """
    match = EXPRESSION.fullmatch(expression)
    if match is None:
        raise ConfigError(f"{expression!r}: a name, a comparison and a number are expected, such as 'score>=0.8'")
    name, sign, number = match.groups()
    known = dict(names(summary))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else f"; have: {', '.join(sorted(known)[:12])} …"
        raise ConfigError(f"{expression!r}: summary.json has no number '{name}'{hint}")
    value = known[name]
    return Held(expression, value, value is not None and OPERATORS[sign](value, float(number)))


def names(summary: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Yield every number of a summary by its dotted name, and the two short names."""
    headline = summary["scores"].get(summary["headline"])
    yield "score", headline["mean"] if headline else None
    yield "cost", summary["cost"]["actual"]
    yield from _numbers(summary, "")


def _numbers(node: Any, path: str) -> Iterator[tuple[str, float | None]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _numbers(value, f"{path}.{key}" if path else str(key))
    elif path not in ("score", "cost") and (node is None or type(node) in (int, float)):
        yield path, node
