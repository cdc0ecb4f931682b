"""Fits a JSON Schema to what a provider enforces, without ever letting through what the original forbids.

What cannot be enforced is told: a part of it in the descriptions, all of it as a hint or in the prompt. Only a schema
that is enforced as a whole counts as strict. The original judges the answer in any case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from harness.prepare import anthropic_schema, google_schema, openai_schema
from harness.types import Rule, SentSchema

Sent = tuple[SentSchema | None, tuple[Rule, ...]]

NAMED = 5  # so many reasons are named in a rule


def fit(name: str, schema: Mapping[str, Any], dialect: str) -> Sent:
    """Make the schema as the provider takes it, None where it cannot; `name` is cut to what the wire allows."""
    wire_name = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "answer"
    return DIALECTS[dialect](wire_name, schema)


def _openai(wire_name: str, schema: Mapping[str, Any]) -> Sent:
    """OpenAI takes what it cannot enforce as a hint (`strict: false`)."""
    strict, found = openai_schema.fit(schema)
    if found.unfit:
        plain = {key: value for key, value in schema.items() if key != "$schema"}
        note = f"the provider gets the schema as a hint and does not enforce it: {_some(found.unfit)}"
        return SentSchema(wire_name, plain, strict=False), (Rule("schema_not_strict", "task.schema", note),)
    if json.dumps(strict) == json.dumps(schema):  # the order of keys counts: it is the order of the answer
        return SentSchema(wire_name, schema, strict=True), ()
    if not found.done:
        return SentSchema(wire_name, strict, strict=True), ()
    changes = "; ".join(f"{change} ({_some(places)})" for change, places in found.done.items())
    rule = Rule("schema_rewritten", "task.schema", f"rewritten so that the provider enforces it: {changes}")
    return SentSchema(wire_name, strict, strict=True, nullable=tuple(found.nullable)), (rule,)


def _anthropic(wire_name: str, schema: Mapping[str, Any]) -> Sent:
    """Anthropic enforces whatever it takes: a schema that it cannot take stands in the prompt."""
    sent, found = anthropic_schema.fit(schema)
    closed = (f"further properties excluded at {_some(found.closed)}",) if found.closed else ()
    return _told(wire_name, sent, found.unfit, found.told, closed)


def _google(form: google_schema.Form, wire_name: str, schema: Mapping[str, Any]) -> Sent:
    """Gemini enforces what it knows; it is not sent what it cannot take at all."""
    sent, found = google_schema.fit(schema, form)
    return _told(wire_name, sent, found.unfit, found.told, ())


def _told(wire_name: str, sent: dict[str, Any], unfit: list[str], told: list[str], changed: tuple[str, ...]) -> Sent:
    """Make what is sent of a schema whose rest is told in words, and the rule that says so."""
    if unfit:
        words = f"the provider cannot enforce {_some(unfit)}: the schema stands in the prompt"
        return None, (Rule("schema_in_prompt", "task.schema", words),)
    changes = (*((f"told in the description and not enforced: {_some(told)}",) if told else ()), *changed)
    note = f"rewritten for the provider: {'; '.join(changes)}"
    rules = (Rule("schema_rewritten", "task.schema", note),) if changes else ()
    return SentSchema(wire_name, sent, strict=not told), rules


DIALECTS: Mapping[str, Callable[[str, Mapping[str, Any]], Sent]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": partial(_google, google_schema.GEMINI),
    "vertex": partial(_google, google_schema.VERTEX),
}


def _some(texts: list[str]) -> str:
    rest = len(texts) - NAMED
    return ", ".join(texts[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
