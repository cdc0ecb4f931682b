"""The facts of the families of Gemini models, from models_google.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from .models import Models, Row, rates_of, table

_TABLE = "models_google.yaml"


@dataclass(frozen=True, slots=True)
class Family:
    """What one family of models accepts; models_google.yaml explains each."""

    max_output: int
    context: int
    levels: tuple[str, ...]
    level: str
    budgets: tuple[int, ...]  # none, or lowest and highest
    budget_off: bool
    budget: int
    rates: tuple[float, ...]  # of OUTCOMES, in that order
    ruled: bool = True  # False for an extra model of the user's: nothing is refused


def _family(row: Row) -> Family:
    values = {name: row[name] for name in Family.__dataclass_fields__ if name in row}
    lists = {name: tuple(row[name]) for name in ("levels", "budgets")}
    return Family(**(values | lists | {"rates": rates_of(row)}))


def _free(family: Family) -> Family:
    return replace(family, ruled=False, levels=(), budgets=(), budget=0)


def load(*, extra: Sequence[str] = (), rates: Mapping[str, float] | None = None) -> Models[Family]:
    """Load the shipped table; `rates` replaces those of every family."""
    return Models(table(_TABLE), _family, _free, extra=extra, rates=rates)


@cache
def beta() -> frozenset[str]:
    """Name the models that a stable version of the API does not know."""
    return frozenset(table(_TABLE)["beta"])


def bare(name: str) -> str:
    """Take the name of a model out of `models/…` or `publishers/google/models/…`."""
    return name.rpartition("/")[2]
