"""The rules of Anthropic's Messages API: what it calls things, and what it does not have. Pure.

Chat's names are the neutral ones. Source: anthropic-sdk-python 2.12, types/messages, and the vendor's guide on errors.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.prepare.rules import Draft, source

LACKS = (
    *("seed", "verbosity", "presence_penalty", "frequency_penalty"),
    *("logprobs", "top_logprobs", "logit_bias"),
)
MOST_TEMPERATURE = 1


def drop_lacking(draft: Draft) -> Draft:
    """Leave out what the Messages API has no parameter for."""
    for name in (name for name in LACKS if name in draft.parameters):
        draft = draft.drop(name, "the Messages API has no such parameter")
    return draft


def hold_sampling(draft: Draft) -> Draft:
    """Refuse a temperature above 1, and one of temperature and top_p beside the other: each line would be refused."""
    temperature = draft.parameters.get("temperature")
    if temperature is not None and temperature > MOST_TEMPERATURE:
        key = source(draft.settings, "temperature")
        draft = draft.refuse(f"{key}: the Messages API goes to {MOST_TEMPERATURE} (got {temperature}); lower it")
    if temperature is not None and "top_p" in draft.parameters:
        key = source(draft.settings, "top_p")
        draft = draft.refuse(f"{key}: the Messages API takes temperature or top_p, not both; remove one of them")
    return draft


def hold_cap(draft: Draft) -> Draft:
    """Refuse a request without a cap: the API wants one."""
    if "max_tokens" in draft.parameters:
        return draft
    return draft.refuse("generate.max_tokens: the Messages API wants a cap on the answer (got null); set it")


def hold_budget(draft: Draft) -> Draft:
    """Refuse a budget of thought that leaves no room for the answer under the cap."""
    budget, cap = _budget(draft), draft.parameters.get("max_tokens")
    if not budget or cap is None or cap > budget:
        return draft
    effort, key = draft.parameters["reasoning_effort"], source(draft.settings, "reasoning_effort")
    words = f"{effort!r} is up to {budget:,} tokens of thought, which count against max_tokens (got {cap:,})"
    return draft.refuse(f"{key}: {words}; raise generate.max_tokens")


def _budget(draft: Draft) -> int | None:
    """Return the tokens that an effort stands for, where the model takes a budget and no effort."""
    facts, effort = draft.settings.model.capabilities, draft.parameters.get("reasoning_effort")
    return facts.effort_budgets.get(effort) if facts and effort else None


def nest(draft: Draft) -> Draft:
    """Put parameters where the Messages API has them."""
    flat, budget = dict(draft.parameters), _budget(draft)
    nested: dict[str, Any] = {}
    if (stop := flat.pop("stop", None)) is not None:
        nested["stop_sequences"] = list(stop)
    effort = flat.pop("reasoning_effort", None)
    if budget:
        nested["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif effort is not None and budget is None:
        nested["output_config"] = {"effort": effort}
    return replace(draft, parameters={**flat, **nested})
