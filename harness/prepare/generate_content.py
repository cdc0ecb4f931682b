"""The rules of Gemini's generateContent API: what it calls things, and what it does not have. Pure.

Chat's names are the neutral ones. Source: google-genai 3.6 types.py (GenerateContentConfig, GenerationConfig), and the
API reference of generateContent, ai.google.dev, November 2026.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.prepare.rules import Draft, source
from harness.settings import Generate
from harness.types import Rule

LACKS = ("verbosity", "logit_bias")
# API reference, GenerationConfig.stopSequences: "up to 5" (ai.google.dev/api/generate-content, November 2026). What the
# API says to a sixth could not be tried.
MOST_STOPS = 5
CAP = "maxOutputTokens"
# Of GenerateContentRequest, in both spellings that proto's JSON takes; ours are told apart elsewhere.
FIELDS = frozenset(
    {
        *("contents", "systemInstruction", "system_instruction", "generationConfig", "tools", "toolConfig"),
        *("tool_config", "safetySettings", "safety_settings", "cachedContent", "cached_content", "labels"),
        *("modelArmorConfig", "model_armor_config", "serviceTier", "service_tier", "store", "model"),
    }
)
NAMES = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_tokens": CAP,
    CAP: CAP,
    "stop": "stopSequences",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}


def drop_lacking(draft: Draft) -> Draft:
    """Leave out what generateContent has no parameter for."""
    for name in (name for name in LACKS if name in draft.parameters):
        draft = draft.drop(name, "generateContent has no such parameter")
    return draft


def hold_stops(draft: Draft) -> Draft:
    """Refuse more stop sequences than the API takes."""
    stops = draft.parameters.get("stop") or ()
    if len(stops) <= MOST_STOPS:
        return draft
    key = source(draft.settings, "stop")
    return draft.refuse(f"{key}: generateContent takes at most {MOST_STOPS} (got {len(stops)}); leave some out")


def hold_extra(draft: Draft) -> Draft:
    """Refuse what the API has no field for at the top of a body: it would refuse each line, or the whole file."""
    key, extra = source(draft.settings, "extra"), draft.settings.wishes().get("extra") or {}
    for name in extra:
        if name == "generation_config":
            draft = draft.refuse(f"{key}.{name}: spell it generationConfig")
        elif name not in FIELDS and name not in Generate.model_fields:
            words = "generateContent has no such field at the top; parameters of the model go into generationConfig"
            draft = draft.refuse(f"{key}.{name}: {words} (generate.extra.generationConfig.{name})")
    return draft


def warn_of_thoughts(draft: Draft) -> Draft:
    """Say that a budget of thought is as large as the cap, against which it counts."""
    facts, effort = draft.settings.model.capabilities, draft.parameters.get("reasoning_effort")
    budget = facts.effort_budgets.get(effort, 0) if facts and effort else 0
    cap = next((draft.parameters[name] for name in ("max_tokens", CAP) if name in draft.parameters), None)
    if cap is None or budget < cap:
        return draft
    words = f"{effort!r} is up to {budget:,} tokens of thought, which count against max_tokens ({cap:,})"
    return draft.note(Rule("cap", "max_tokens", f"{words}: answers may be cut off; raise it", asked=True))


def nest(draft: Draft) -> Draft:
    """Put parameters where generateContent has them."""
    flat, facts = dict(draft.parameters), draft.settings.model.capabilities
    inside: dict[str, Any] = {NAMES[name]: flat.pop(name) for name in list(flat) if name in NAMES}
    if (effort := flat.pop("reasoning_effort", None)) is not None:
        budget = facts.effort_budgets.get(effort) if facts else None
        # A level and a budget beside each other are refused; which of the two a model takes its facts say.
        inside["thinkingConfig"] = {"thinkingLevel": effort} if budget is None else {"thinkingBudget": budget}
    return replace(draft, parameters={**flat, **({"generationConfig": inside} if inside else {})})
