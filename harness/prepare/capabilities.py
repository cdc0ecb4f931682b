"""Turns what was asked for into what a model accepts, and says which rules did it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from harness.errors import ConfigError
from harness.prepare import dialects, generate_content, messages, responses, rules
from harness.prepare.rules import Draft
from harness.settings import Capabilities, Generate, Settings
from harness.types import Fixed, Message, Rule

# Keys of a body that are never free for generate.extra.
OURS = ("model", "messages", "input", "instructions", "contents", "systemInstruction", "n")
NEVER_INSIDE = {"generationConfig": ("candidateCount", "candidate_count")}  # of an object of a body: its `n`
FORM_OF_ANSWERS = {  # what is ours inside an object of a body, where a schema is sent
    "output_config": ("format",),
    "generationConfig": ("responseMimeType", "responseSchema", "responseJsonSchema"),
}
INSTEAD = {
    **dict.fromkeys(("n", "candidateCount", "candidate_count"), "set task.epochs.count"),
    "model": "set model.id",
    "stream": "remove it",
    "response_format": "see task.structured_output",
    "text": "see task.structured_output and generate.verbosity",
    "reasoning": "set generate.reasoning_effort",
    "max_completion_tokens": "set generate.max_tokens",
    "max_output_tokens": "set generate.max_tokens",
}


def apply(settings: Settings, schema: Mapping[str, Any] | None) -> Fixed:
    """Decide what all requests have in common; ConfigError names everything that the model refuses."""
    draft = Draft(settings, schema, _wishes(settings))
    for rule in _all(settings.model.capabilities, settings.model.api):
        draft = rule(draft)
    if draft.refusals:
        raise ConfigError(draft.refusals)
    return Fixed(
        model=settings.model_id(),
        api=settings.model.api,
        parameters=draft.parameters,
        output=draft.output,
        schema=draft.schema,
        system_role=draft.system_role,
        suffix=draft.suffix,
        rules=draft.rules,
        id_as_label=settings.provider.id_as_label,
    )


def _wishes(settings: Settings) -> dict[str, Any]:
    """Return what is wished for in one fixed order, so that equal settings give equal bytes."""
    wishes = settings.wishes()
    known = [name for name in Generate.model_fields if name in wishes]
    names = [*known, *(name for name in wishes if name not in known)]
    return {name: list(v) if isinstance(v := wishes[name], tuple) else v for name in names if name != "extra"}


# What is renamed or left out because of the API alone, whatever the model.
_SPELLING: Mapping[str, tuple[Callable[[Draft], Draft], ...]] = {
    "chat": (),
    "responses": (responses.drop_lacking, responses.hold_least_cap, responses.nest),
    "messages": (
        messages.drop_lacking,
        messages.hold_sampling,
        messages.hold_cap,
        messages.hold_budget,
        messages.nest,
    ),
    "generate_content": (
        generate_content.drop_lacking,
        generate_content.hold_stops,
        generate_content.hold_extra,
        generate_content.warn_of_thoughts,
        generate_content.nest,
    ),
}


def _all(facts: Capabilities | None, api: str) -> tuple[Callable[[Draft], Draft], ...]:
    """Return the rules in their order."""
    spelling = _SPELLING[api]
    first = (rules.hold_api, rules.hold_stream, rules.hold_top_logprobs)
    if facts is None:
        return (*first, rules.warn_without_facts, rules.rename_cap, *spelling, place_schema, merge_extra)
    known = (
        rules.hold_batch,
        rules.hold_family,
        rules.hold_effort,
        rules.drop_sampling,
        rules.drop_refused,
        rules.hold_verbosity,
        rules.hold_most_logprobs,
        rules.place_system,
    )
    told = tuple(partial(rule, facts) for rule in known)
    return (*first, *told, rules.rename_cap, *spelling, place_schema, merge_extra)


# ---- the answer's form, and what only the user's server knows


def place_schema(draft: Draft) -> Draft:
    """Send the schema apart where the model enforces it, else in the prompt."""
    task, model = draft.settings.task, draft.settings.model
    able = model.capabilities.structured_output if model.capabilities else "json_schema"
    wish = task.structured_output
    if task.answer_schema is None and wish == "require":
        return draft.refuse("task.structured_output: require needs task.schema (got null); name a schema, or set auto")
    if draft.original is None:
        return draft
    if wish == "never":
        return draft.note(Rule("schema_not_sent", "task.schema", "the schema only judges the answers"))
    if able == "json_schema":
        sent, changes = dialects.fit(task.name, draft.original, draft.settings.provider.dialect)
        if wish == "require" and not (sent and sent.strict):
            return draft.refuse(f"task.structured_output: require cannot hold: {changes[0].note}; set auto")
        if sent is None:
            return replace(draft, suffix=instruction(draft.original), rules=(*draft.rules, *changes))
        return replace(draft, output="json_schema", schema=sent, rules=(*draft.rules, *changes))
    if wish == "require":
        return draft.refuse(f"task.structured_output: {model.name} takes no JSON Schema (got 'require'); set auto")
    mode = "; JSON mode is on" if able == "json_object" else ""
    rule = Rule("schema_in_prompt", "task.schema", f"{model.name} takes no JSON Schema: it stands in the prompt{mode}")
    output: Literal["json_object", "text"] = "json_object" if able == "json_object" else "text"
    return replace(draft, output=output, suffix=instruction(draft.original)).note(rule)


def instruction(schema: Mapping[str, Any]) -> str:
    """Ask for JSON in words; JSON mode refuses a prompt in which the word JSON does not occur."""
    shown = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "$comment")}
    text = json.dumps(shown, ensure_ascii=False)
    return f"Answer with a single JSON value that is valid under this JSON Schema, and with nothing else:\n{text}"


def merge_extra(draft: Draft) -> Draft:
    """Add parameters that only the user's server knows, word for word."""
    extra = draft.settings.wishes().get("extra") or {}
    taken = {*OURS, *Generate.model_fields, *(("response_format", "text") if draft.output != "text" else ())}
    key = rules.source(draft.settings, "extra")
    parameters = dict(draft.parameters)
    for name, value in extra.items():
        ours = parameters.get(name, {})
        if name not in taken and isinstance(value, Mapping) and isinstance(ours, Mapping):  # an object that both fill
            form = FORM_OF_ANSWERS.get(name, ()) if draft.output != "text" else ()
            for inner in [inner for inner in value if inner in (*ours, *form, *NEVER_INSIDE.get(name, ()))]:
                instead = INSTEAD.get(inner, "remove it")
                draft = draft.refuse(f"{key}.{name}.{inner}: is set by the harness (got {value[inner]!r}); {instead}")
            parameters[name] = {**ours, **value}
            continue
        parameters[name] = value
        if name not in taken and name not in draft.parameters:
            continue
        instead = INSTEAD.get(name) or (f"set generate.{name}" if name in Generate.model_fields else "remove it")
        draft = draft.refuse(f"{key}.{name}: is set by the harness (got {extra[name]!r}); {instead}")
    return replace(draft, parameters=parameters)


# ---- each row


def turns(messages: Sequence[Message], fixed: Fixed) -> tuple[Message, ...]:
    """Put system text and schema where the model wants them."""
    if fixed.system_role == "system" and fixed.suffix is None:
        return tuple(messages)
    if fixed.system_role == "user":
        placed = _folded(messages)
    elif fixed.system_role == "developer":
        placed = [Message("developer", m.content) if m.role == "system" else m for m in messages]
    else:
        placed = list(messages)
    if fixed.suffix is not None:
        last = max((i for i, m in enumerate(placed) if m.role == "user"), default=None)
        if last is None:
            placed.append(Message("user", fixed.suffix))
        else:
            placed[last] = Message("user", f"{placed[last].content}\n\n{fixed.suffix}")
    return tuple(placed)


def _folded(messages: Sequence[Message]) -> list[Message]:
    """Move all system text to the head of the first user message, a blank line between."""
    head = "\n\n".join(m.content for m in messages if m.role == "system" and m.content)
    placed = [m for m in messages if m.role != "system"]
    if not head:
        return placed
    first = next((i for i, m in enumerate(placed) if m.role == "user"), None)
    if first is None:
        return [Message("user", head), *placed]
    placed[first] = Message("user", f"{head}\n\n{placed[first].content}")
    return placed
