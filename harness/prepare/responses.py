"""The rules of the Responses API: what it calls things, and what it does not have. Pure.

Chat's names are the neutral ones. Source: openai-python types/responses/response_create_params.py (openai 3.54.0);
the least cap and the refusals: live probes of August 2026.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.prepare.rules import CUT, Draft, source
from harness.types import Rule

LACKS = ("stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias")
CAP = "max_output_tokens"
LEAST_CAP = 16
LOGPROBS = "message.output_text.logprobs"


def drop_lacking(draft: Draft) -> Draft:
    """Leave out what the Responses API has no parameter for."""
    for name in (name for name in LACKS if name in draft.parameters):
        draft = draft.drop(name, "the Responses API has no such parameter", CUT if name == "stop" else None)
    return draft


def hold_least_cap(draft: Draft) -> Draft:
    """Refuse a cap that the API refuses."""
    cap = draft.parameters.get(CAP)
    if cap is None or cap >= LEAST_CAP:
        return draft
    key = source(draft.settings, "max_tokens")
    return draft.refuse(f"{key}: the Responses API wants at least {LEAST_CAP} (got {cap}); raise it")


def nest(draft: Draft) -> Draft:
    """Put parameters where the Responses API has them, and ask it not to keep the answers, as Chat does not."""
    flat = dict(draft.parameters)
    nested: dict[str, Any] = {"store": False}
    if (effort := flat.pop("reasoning_effort", None)) is not None:
        nested["reasoning"] = {"effort": effort}
    if (verbosity := flat.pop("verbosity", None)) is not None:
        nested["text"] = {"verbosity": verbosity}
    if flat.pop("logprobs", False):
        nested["include"] = [LOGPROBS]
    note = "store is sent as false: otherwise the Responses API keeps the answers for later calls"
    return replace(draft, parameters={**flat, **nested}).note(Rule("set", "store", note))
