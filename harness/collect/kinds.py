"""The scorers by name, and what each can make something of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_type_hints

from harness.collect.json_fields import json_fields
from harness.collect.scoring import Score, choice, exact_match, includes, is_number, numeric
from harness.collect.token_f1 import token_f1

ANY = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
SCALAR = frozenset({"string", "number", "integer", "boolean"})


@dataclass(frozen=True)
class Kind:
    """One scorer of ours."""

    function: Callable[..., Any]
    answers: frozenset[str]  # the JSON types of which it can make more than 0
    wants: str  # what a target must be, in words
    fits: Callable[[Any], bool]  # whether a target is that
    prepared: bool = False  # the function takes the options and returns the score; else it takes all at once

    def option_hints(self) -> Mapping[str, Any]:
        """Return the options with their types."""
        hints = get_type_hints(self.function, include_extras=True)
        return {name: hint for name, hint in hints.items() if name not in ("answer", "target", "return")}

    def make(self, options: Mapping[str, Any]) -> Score:
        """Return the function of answer and target."""
        if self.prepared:
            made: Score = self.function(**options)
            return made
        return partial(self.function, **options) if options else self.function


def _anything(target: Any) -> bool:
    return True


def _scalar(target: Any) -> bool:
    return isinstance(target, str | bool | int | float)


def _texts(target: Any) -> bool:
    return all(map(_scalar, target)) if isinstance(target, list | tuple) else _scalar(target)


SCORERS: Mapping[str, Kind] = {
    "exact_match": Kind(exact_match, ANY, "any value", _anything),
    "choice": Kind(choice, SCALAR, "a label: a text, a number or a boolean", _scalar),
    "includes": Kind(includes, ANY, "a text or a list of texts", _texts),
    "numeric": Kind(numeric, frozenset({"string", "number", "integer"}), "a number", is_number),
    "token_f1": Kind(token_f1, frozenset({"string"}), "a text or a list of texts", _texts),
    "json_fields": Kind(
        json_fields, frozenset({"object", "array"}), "an object or a list", lambda t: isinstance(t, dict | list), True
    ),
}
