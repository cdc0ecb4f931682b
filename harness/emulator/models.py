"""The models that are served and the facts of their families, from the YAML beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

OUTCOMES = ("right", "wrong", "invalid", "refused", "truncated")


class Rated(Protocol):
    """What the engine has to know of a family of models, whatever the protocol."""

    @property
    def rates(self) -> tuple[float, ...]:
        """Say how often its answers are right, wrong, invalid, refused, truncated."""


F = TypeVar("F")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one family of models accepts; models.yaml and models_groq.yaml explain each."""

    reasons: str
    effort: str | None
    efforts: tuple[str, ...]
    fixed_effort: bool
    roles_refused: frozenset[str]
    max_tokens: bool
    json: str
    keys: frozenset[str]
    refused: frozenset[str]
    incompatible: frozenset[str]
    old_words: bool
    tools_while_reasoning: bool
    n_max: int
    top_logprobs_max: int
    chat: bool
    responses: bool
    responses_efforts: tuple[str, ...]
    batch: bool
    flex: bool
    context: int | None
    rates: tuple[float, ...]  # of OUTCOMES, in that order
    strict: bool = True  # of json: schema, the decoder can be held to it
    thinks: bool = False  # aloud, into the text
    reasoning_format: bool = False  # the parameter of this name is accepted
    ruled: bool = True  # False for an extra model of the user's: nothing is refused


class Models(Generic[F]):
    """All models of one protocol by name; `facts` reads a row of the table, `free` makes what knows no rules of one."""

    def __init__(
        self,
        table: Row,
        facts: Callable[[Row], F],
        free: Callable[[F], F],
        *,
        extra: Sequence[str] = (),
        rates: Mapping[str, float] | None = None,
    ) -> None:
        defaults = table["defaults"] | ({"rates": rates} if rates else {})
        rows = [defaults | row | ({"rates": rates} if rates else {}) for row in table["families"]]
        self._families = [(tuple(row["prefixes"]), facts(row)) for row in rows]
        self._names: dict[str, str] = {name: snapshot or name for name, snapshot in table["models"].items()}
        self._names |= {snapshot: snapshot for snapshot in self._names.values()}
        self._extra = frozenset(extra)
        unruled = free(facts(defaults))
        self._known: dict[str, F | None] = {name: unruled for name in extra if name not in self._names}

    def find(self, name: str) -> F | None:
        """Find the facts of a model; None when there is no such model. A fine-tune has those of its base."""
        if name not in self._known:
            base = name.split(":")[1] if name.startswith("ft:") and ":" in name[3:] else name
            family = next((facts for prefixes, facts in self._families if base.startswith(prefixes)), None)
            self._known[name] = family if base in self._names else None
        return self._known[name]

    def snapshot(self, name: str) -> str:
        """Name the dated snapshot that answers for this name."""
        return self._names.get(name, name)

    def names(self) -> list[str]:
        """List every name that is served."""
        return sorted({*self._names, *self._extra})


def _facts(row: Row) -> Facts:
    values = {name: row[name] for name in Facts.__dataclass_fields__ if name in row}
    sets = {name: frozenset(row[name]) for name in ("roles_refused", "keys", "refused", "incompatible")}
    lists = {name: tuple(row[name]) for name in ("efforts", "responses_efforts")}
    return Facts(**(values | sets | lists | {"rates": rates_of(row)}))


def rates_of(row: Row) -> tuple[float, ...]:
    """Read the rates of a family, in the order of OUTCOMES."""
    return tuple(float(row["rates"].get(outcome, 0.0)) for outcome in OUTCOMES)


def _free(facts: Facts) -> Facts:
    return replace(facts, ruled=False, keys=frozenset({"verbosity", "reasoning_effort"}))


def load(
    profile: str = "openai", *, extra: Sequence[str] = (), rates: Mapping[str, float] | None = None
) -> Models[Facts]:
    """Load the table of a profile of OpenAI's surface; `rates` replaces those of every family."""
    shipped = table("models.yaml")
    if profile != "openai":  # what the others leave out is as in OpenAI's
        own = table(f"models_{profile}.yaml")
        shipped = own | {"defaults": shipped["defaults"] | own["defaults"]}
    return Models(shipped, _facts, _free, extra=extra, rates=rates)


def unruled() -> Models[Facts]:
    """Know no model at all, so that every name stands for itself."""
    return Models(table("models.yaml") | {"families": [], "models": {}}, _facts, _free)


def table(name: str) -> dict[str, Any]:
    """Read a table of models that ships with the emulator."""
    read: dict[str, Any] = read_yaml(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return read


def read_yaml(text: str) -> Any:
    """Parse YAML safely, in C where the installation has it; ValueError, in one line, when it is none."""
    yaml = import_module("yaml")
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
