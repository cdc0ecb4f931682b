"""The facts of the families of Claude models, from anthropic_models.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .models import Models, Row, rates_of, table


@dataclass(frozen=True, slots=True)
class Family:
    """What one family of models accepts; anthropic_models.yaml explains each."""

    max_output: int
    context: int
    sampling: str
    thinking: tuple[str, ...]
    thinking_default: str
    thinking_shown: bool
    calm: tuple[str, ...]
    efforts: tuple[str, ...]
    effort: str | None
    prefill: bool
    forced_tool: bool
    system_turns: bool
    structured: bool
    cache_min: int
    rates: tuple[float, ...]  # of OUTCOMES, in that order
    ruled: bool = True  # False for an extra model of the user's: nothing is refused


def _family(row: Row) -> Family:
    values = {name: row[name] for name in Family.__dataclass_fields__ if name in row}
    lists = {name: tuple(row[name]) for name in ("thinking", "calm", "efforts")}
    return Family(**(values | lists | {"rates": rates_of(row)}))


def _free(family: Family) -> Family:
    return replace(family, ruled=False, thinking_default="disabled")


def load(*, extra: Sequence[str] = (), rates: Mapping[str, float] | None = None) -> Models[Family]:
    """Load the shipped table; `rates` replaces those of every family."""
    return Models(table("anthropic_models.yaml"), _family, _free, extra=extra, rates=rates)
