"""The rules that fit a request to the facts of a model family; each takes a draft and returns the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.settings import Capabilities, Generate, MessageTemplate, Settings
from harness.types import Rule, SentSchema

# Sampling parameters and the value of each that changes nothing (OpenAI API reference, November 2026).
SAMPLING: Mapping[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
}
NEVER_DROPPED = ("reasoning_effort", "max_tokens", "stream")  # they decide what is paid for and how it travels
CUT = "cut the answer yourself where it is read"  # what helps instead of `stop`


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far of what will be sent."""

    settings: Settings
    original: Mapping[str, Any] | None  # the task's answer schema
    parameters: Mapping[str, Any]
    output: Literal["text", "json_object", "json_schema"] = "text"
    schema: SentSchema | None = None
    system_role: Literal["system", "developer", "user"] = "system"
    suffix: str | None = None
    rules: tuple[Rule, ...] = ()
    refusals: tuple[str, ...] = ()

    def note(self, rule: Rule) -> Draft:
        """Add a rule."""
        return replace(self, rules=(*self.rules, rule))

    def refuse(self, line: str) -> Draft:
        """Add a refusal."""
        return replace(self, refusals=(*self.refusals, line))

    def without(self, name: str) -> Draft:
        """Leave a parameter out."""
        return replace(self, parameters={k: v for k, v in self.parameters.items() if k != name})

    def drop(self, name: str, why: str, hint: str | None = None) -> Draft:
        """Leave a parameter out and say so; refuse where it was asked for and `strict` is on."""
        value, settings = self.parameters[name], self.settings
        asked = name in settings.asked()
        if asked and settings.strict:
            line = f"{source(settings, name)}: {why} (got {value!r}); {hint or 'remove it'}, or set strict=false"
            return self.without(name).refuse(line)
        note = f"{name} {value!r} is not sent: {why}" + (f"; {hint}" if hint else "")
        return self.without(name).note(Rule("drop", name, note, asked))


def source(settings: Settings, name: str) -> str:
    """Return the full key of the setting that decides a parameter."""
    places = (
        ("generate", settings.generate),
        ("model.generate", settings.model.generate),
        ("task.generate", settings.task.generate),
    )
    found = [place for place, generate in places if name in generate.given()]
    return f"{found[0] if found else 'model.capabilities.generate'}.{name}"


def either(values: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


# ---- rules that hold for every model


def hold_api(draft: Draft) -> Draft:
    """Refuse an API that the facts do not cover."""
    model = draft.settings.model
    if model.capabilities is None or model.api in (known := model.capabilities.apis):
        return draft
    return draft.refuse(f"model.api: {model.name} is known over {either(known)} (got {model.api!r}); set one of these")


def hold_stream(draft: Draft) -> Draft:
    """Refuse streaming; false is how a batch works anyway."""
    if draft.parameters.get("stream"):
        key = source(draft.settings, "stream")
        return draft.without("stream").refuse(f"{key}: the batch API never streams (got True); remove it")
    return draft.without("stream")


def hold_top_logprobs(draft: Draft) -> Draft:
    """Refuse alternatives of log probabilities that are not asked for themselves."""
    if "top_logprobs" not in draft.parameters or draft.parameters.get("logprobs"):
        return draft
    key, value = source(draft.settings, "top_logprobs"), draft.parameters["top_logprobs"]
    return draft.without("top_logprobs").refuse(
        f"{key}: needs logprobs (got {value}); set generate.logprobs=true as well"
    )


def warn_without_facts(draft: Draft) -> Draft:
    """Say that nothing is known of the model."""
    note = "no facts are known of this model: every parameter is sent as configured (capabilities@model.capabilities=…)"
    return draft.note(Rule("no_facts", draft.settings.model.name, note, asked=True))


# ---- rules that follow the facts of a family


def hold_batch(facts: Capabilities, draft: Draft) -> Draft:
    """Refuse a model that the batch API does not serve."""
    if facts.batchable:
        return draft
    return draft.refuse(f"model: {draft.settings.model.name} is not served by the batch API; choose another model")


def hold_family(facts: Capabilities, draft: Draft) -> Draft:
    """Refuse a misspelt parameter among the family's own; elsewhere the types refuse it."""
    for name in sorted(facts.generate.keys() - Generate.model_fields.keys()):
        draft = draft.without(name).refuse(f"model.capabilities.generate.{name}: no such parameter; see conf/generate")
    return draft


def reasons(facts: Capabilities, effort: str | None) -> bool:
    """Tell whether the model reasons in these requests."""
    if facts.reasons == "switchable":
        return (effort or facts.default_effort) != "none"
    return facts.reasons == "always"


def hold_effort(facts: Capabilities, draft: Draft) -> Draft:
    """Refuse an effort that the model does not take: it decides what the answer is and what it costs."""
    effort, over_responses = draft.parameters.get("reasoning_effort"), draft.settings.model.api == "responses"
    efforts = (*facts.efforts, *(facts.responses_efforts if over_responses else ()))
    if effort is None or (effort in efforts and "reasoning_effort" not in facts.refused):
        return draft
    name, key = draft.settings.model.name, source(draft.settings, "reasoning_effort")
    if effort in facts.responses_efforts:
        return draft.refuse(f"{key}: {name} accepts {effort!r} over the Responses API only; set model.api=responses")
    if efforts:
        return draft.refuse(f"{key}: {name} accepts {either(efforts)} (got {effort!r}); set one of them")
    why = "does not reason" if facts.reasons == "never" else "reasons at an effort of its own"
    return draft.refuse(f"{key}: {name} {why} and refuses an effort (got {effort!r}); remove it")


def drop_sampling(facts: Capabilities, draft: Draft) -> Draft:
    """Leave sampling parameters out where the model refuses them: as a rule, while it reasons."""
    reasoning = reasons(facts, draft.parameters.get("reasoning_effort"))
    if facts.sampling == "always" or (facts.sampling == "not_reasoning" and not reasoning):
        return draft
    name = draft.settings.model.name
    why, hint = f"{name} does not accept it", None
    if facts.sampling == "not_reasoning":
        why, hint = f"{name} does not accept it while it reasons", "set generate.reasoning_effort=none"
    for parameter in [name for name in SAMPLING if name in draft.parameters]:
        if draft.parameters[parameter] == SAMPLING[parameter]:  # the API's own default: no loss
            draft = draft.without(parameter).note(
                Rule("drop", parameter, f"{parameter} is not sent: it is the default")
            )
        else:
            draft = draft.drop(parameter, why, hint)
    return draft


def drop_refused(facts: Capabilities, draft: Draft) -> Draft:
    """Leave out what the model never accepts."""
    name = draft.settings.model.name
    for parameter in (p for p in facts.refused if p in draft.parameters and p != "reasoning_effort"):
        if parameter in NEVER_DROPPED:
            key = source(draft.settings, parameter)
            draft = draft.refuse(f"{key}: {name} refuses it (got {draft.parameters[parameter]!r}); remove it")
        else:
            draft = draft.drop(parameter, f"{name} does not accept it", CUT if parameter == "stop" else None)
    return draft


def hold_verbosity(facts: Capabilities, draft: Draft) -> Draft:
    """Leave a verbosity out that the model does not accept."""
    value = draft.parameters.get("verbosity")
    if value is None or value in facts.verbosity:
        return draft
    accepted = f"accepts {either(facts.verbosity)}" if facts.verbosity else "does not accept it"
    return draft.drop("verbosity", f"{draft.settings.model.name} {accepted}")


def hold_most_logprobs(facts: Capabilities, draft: Draft) -> Draft:
    """Refuse more alternatives than the model gives; leave them out where log probabilities were dropped."""
    count, most = draft.parameters.get("top_logprobs"), facts.top_logprobs_max
    if count is None:
        return draft
    if "logprobs" not in draft.parameters:
        return draft.drop("top_logprobs", f"{draft.settings.model.name} does not accept logprobs")
    if count <= most:
        return draft
    key, name = source(draft.settings, "top_logprobs"), draft.settings.model.name
    return draft.refuse(f"{key}: {name} gives at most {most} (got {count}); lower it")


def rename_cap(draft: Draft) -> Draft:
    """Call the output's cap what the API or the model calls it."""
    facts, over_responses = draft.settings.model.capabilities, draft.settings.model.api == "responses"
    to = "max_output_tokens" if over_responses else facts.max_tokens_key if facts else "max_tokens"
    if "max_tokens" not in draft.parameters or to == "max_tokens":
        return draft
    renamed = {to if name == "max_tokens" else name: value for name, value in draft.parameters.items()}
    thinks = facts is not None and reasons(facts, draft.parameters.get("reasoning_effort"))
    note = f"max_tokens is sent as {to}" + (", and hidden reasoning counts" if thinks else "")
    return replace(draft, parameters=renamed).note(Rule("rename", "max_tokens", note))


def place_system(facts: Capabilities, draft: Draft) -> Draft:
    """Say where system text goes."""
    name, draft = draft.settings.model.name, replace(draft, system_role=facts.system_role)
    roles = [turn.role for turn in draft.settings.task.messages if isinstance(turn, MessageTemplate)]
    if facts.system_role == "system" or "system" not in roles:
        return draft
    if facts.system_role == "developer":
        return draft.note(Rule("rename", "system", f"{name} takes system text as developer messages"))
    return draft.note(Rule("fold", "system", f"{name} takes no system message: its text leads the first user message"))
