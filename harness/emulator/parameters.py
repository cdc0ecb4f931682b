"""What every endpoint refuses alike: models and keys that do not exist, and values that a model does not take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from .models import Facts, Models
from .problems import Problem, listed, unknown, unsupported, wrong_type, wrong_value
from .shapes import TIERS, Check

Body = dict[str, Any]
Capability = Callable[[str, Body, Facts], Problem | None]


def given(body: Body) -> Body:
    """Leave out what is null, which counts as absent."""
    return {name: value for name, value in body.items() if value is not None}


def find_model(name: Any, models: Models[Facts]) -> Facts | Problem:
    """Find the facts of a model that a request names."""
    if not isinstance(name, str):
        return wrong_type("model", "a string", name)
    message = f"The model `{name}` does not exist or you do not have access to it."
    return models.find(name) or Problem(message, None, "model_not_found", 404)


def reasons(effort: str | None, facts: Facts) -> str | None:
    """Say how much the model reasons when this effort is asked for; None when it does not."""
    effort = effort or facts.effort
    return None if facts.reasons == "never" or effort == "none" else effort


def unknown_key(body: Body, known: Collection[str]) -> Problem | None:
    """Find the first key that is not known, and one that may have been meant."""
    key = next((key for key in body if key not in known), None)
    return None if key is None else unknown(key, next((name for name in known if _edits(key, name) <= 2), None))


def _edits(a: str, b: str) -> int:
    """Count the edits between two names (Levenshtein); 3 stands for any greater number."""
    if abs(len(a) - len(b)) > 2:
        return 3
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def first_problem(body: Body, facts: Facts, fields: Mapping[str, Check], capability: Capability) -> Problem | None:
    """Look at the parameters one by one: is the shape right, and does the model take it?"""
    for name, shape in fields.items():
        if name not in body:
            continue
        if name in facts.incompatible:
            return Problem(f"Model incompatible request argument supplied: {name}")
        problem = shape(name, body[name]) or _refused(name, body[name], facts) or capability(name, body, facts)
        if problem is not None:
            return problem
    return None


def _refused(name: str, value: Any, facts: Facts) -> Problem | None:
    if name in facts.refused:
        return unsupported(name)
    if name == "service_tier" and value == "flex" and not facts.flex and facts.ruled:
        return wrong_value(name, value, [tier for tier in TIERS if tier != "flex"])
    return None


def unsupported_value(name: str, words: str, allowed: Iterable[str]) -> Problem:
    """Say that the model takes other values of a parameter; `words`: what is said of this one."""
    message = f"Unsupported value: {words} Supported values are: {listed(allowed)}."
    return Problem(message, name, "unsupported_value")


def too_many_logprobs(body: Body, facts: Facts) -> Problem | None:
    """Check how many rivals each token may be shown with."""
    if body.get("top_logprobs", 0) <= facts.top_logprobs_max:
        return None
    words = f"must be less than or equal to {facts.top_logprobs_max}."
    return Problem(f"Invalid value for 'top_logprobs': {words}", "top_logprobs")


def tier(body: Body) -> str:
    """Name the tier that serves a request."""
    return {"flex": "flex", "priority": "priority", "fast": "priority"}.get(body.get("service_tier") or "", "default")
