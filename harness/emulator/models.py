"""The models that are served and the facts of their families, from the YAML beside this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

OUTCOMES = ("right", "wrong", "invalid", "refused", "truncated")


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


class Models:
    """All models by name."""

    def __init__(
        self, table: Mapping[str, Any], *, extra: Sequence[str] = (), rates: Mapping[str, float] | None = None
    ) -> None:
        defaults = table["defaults"] | ({"rates": rates} if rates else {})
        rows = [defaults | row | ({"rates": rates} if rates else {}) for row in table["families"]]
        self._families = [(tuple(row["prefixes"]), _facts(row)) for row in rows]
        self._names: dict[str, str] = {name: snapshot or name for name, snapshot in table["models"].items()}
        self._names |= {snapshot: snapshot for snapshot in self._names.values()}
        self._extra = frozenset(extra)
        free = replace(_facts(defaults), ruled=False, keys=frozenset({"verbosity", "reasoning_effort"}))
        self._known: dict[str, Facts | None] = {name: free for name in extra if name not in self._names}

    def find(self, name: str) -> Facts | None:
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


def _facts(row: Mapping[str, Any]) -> Facts:
    values = {name: row[name] for name in Facts.__dataclass_fields__ if name in row}
    sets = {name: frozenset(row[name]) for name in ("roles_refused", "keys", "refused", "incompatible")}
    rates = tuple(float(row["rates"].get(outcome, 0.0)) for outcome in OUTCOMES)
    lists = {name: tuple(row[name]) for name in ("efforts", "responses_efforts")}
    return Facts(**(values | sets | lists | {"rates": rates}))


def load(provider: str = "openai", *, extra: Sequence[str] = (), rates: Mapping[str, float] | None = None) -> Models:
    """Load a provider's table; `rates` replaces those of every family."""
    return Models(_table(provider), extra=extra, rates=rates)


def unruled() -> Models:
    """Know no model at all, so that every name stands for itself."""
    return Models(_table("openai") | {"families": [], "models": {}})


def _table(provider: str) -> dict[str, Any]:
    """Read a table; what the others leave out is as in OpenAI's."""
    shipped: dict[str, Any] = read_yaml(Path(__file__).with_name("models.yaml").read_text(encoding="utf-8"))
    if provider == "openai":
        return shipped
    own: dict[str, Any] = read_yaml(Path(__file__).with_name(f"models_{provider}.yaml").read_text(encoding="utf-8"))
    return own | {"defaults": shipped["defaults"] | own["defaults"]}


def read_yaml(text: str) -> Any:
    """Parse YAML safely, in C where the installation has it; ValueError, in one line, when it is none."""
    yaml = import_module("yaml")
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
