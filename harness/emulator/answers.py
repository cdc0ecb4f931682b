"""What the simulated model says: from an answer book, or made from the schema that was asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from . import schema_values
from .books import Books, Page
from .draws import Draws
from .models import OUTCOMES
from .occurrences import Occurrences

_REFUSAL = "I'm sorry, but I can't help with that request."
_LEADS = ("Here is the result:", "Sure, here is the answer.", "Answer below.", "This is what I found:")


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer depends on, whatever the protocol."""

    digest: str  # of the request body, 16 hex digits
    occurrence: int  # how often this body was executed before
    user_text: str  # the last user message
    form: str  # "schema", "object" or "text"
    schema: Any  # of form "schema"
    constrained: bool  # the decoder can only write what the schema allows
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came out."""

    content: str | None
    refusal: str | None = None
    cut: bool = False  # stopped in the middle


class Answers:
    """A source of replies; the same seed, body and occurrence always give the same one."""

    def __init__(self, seed: int, books: Books | None) -> None:
        self._seed = seed
        self._books = books
        self._occurrences = Occurrences()
        self._recalled = threading.Event()
        self._lock = threading.Lock()  # batches run in a thread of their own, direct calls in the server's

    def recall(self, digests: Iterable[str]) -> None:
        """Count executions of an earlier process, before the first of this one."""
        for digest in digests:
            self._occurrences.take(digest)
        self._recalled.set()

    def occurrence(self, digest: str) -> int:
        """Count one more execution of a body; return how many there were before."""
        self._recalled.wait()
        with self._lock:
            return self._occurrences.take(digest)

    def forget(self, digest: str) -> None:
        """Take back one execution that was not kept."""
        with self._lock:
            self._occurrences.give_back(digest)

    def scan(self) -> None:
        """Look for new books."""
        if self._books is not None:
            with self._lock:
                self._books.scan()

    def reply(self, question: Question) -> Reply:
        """Answer a question."""
        draws = Draws(self._seed, question.digest, question.occurrence)
        page = None
        if self._books is not None:
            digest = sha256(question.user_text.encode("utf-8", "surrogatepass")).hexdigest()
            with self._lock:
                page = self._books.find(digest)
        return self._made(question, draws) if page is None else _from_page(question, page, draws)

    @staticmethod
    def _made(question: Question, draws: Draws) -> Reply:
        if question.form == "schema":
            return Reply(json.dumps(schema_values.make(question.schema, draws)))
        if question.form == "object":
            return Reply(json.dumps({"answer": schema_values.text(draws)}))
        return Reply(schema_values.text(draws).capitalize() + ".")

    def close(self) -> None:
        """Close the books."""
        if self._books is not None:
            self._books.close()


def _from_page(question: Question, page: Page, draws: Draws) -> Reply:
    outcome = _draw_outcome(question.rates, draws)
    if outcome == "refused":
        return Reply(None, refusal=_REFUSAL)
    if outcome == "invalid" and question.constrained:
        outcome = "wrong"  # a constrained decoder cannot leave the schema
    schema = page.schema if page.schema is not None else question.schema
    value = _overlaid(schema, page.wrong if outcome == "wrong" else page.right, draws)
    if question.constrained:
        value = _padded(value, question.schema)
    if outcome == "invalid":
        return Reply(_invalid(schema, value, draws))
    content = value if isinstance(value, str) else _dressed(question, value, draws)
    if outcome == "truncated":
        return Reply(content[: max(1, len(content) * (20 + draws.below(60)) // 100)], cut=True)
    return Reply(content)


def _draw_outcome(rates: tuple[float, ...], draws: Draws) -> str:
    rest = draws.between(0, sum(rates))
    for outcome, rate in zip(OUTCOMES, rates, strict=True):
        rest -= rate
        if rest < 0:
            return outcome
    return OUTCOMES[0]


def _overlaid(schema: Any, part: Any, draws: Draws) -> Any:
    """Complete an answer that names only the fields that matter, by what the schema requires, in its order."""
    if isinstance(part, Mapping) and isinstance(schema, Mapping):
        return _overlay(schema_values.make(schema, draws), part, schema)
    return part


def _overlay(under: Any, over: Any, schema: Any) -> Any:
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return over
    schema = schema if isinstance(schema, Mapping) else {}
    required, inside = schema.get("required", under), schema.get("properties", {})
    below = {key: value for key, value in under.items() if key in over or key in required}
    return {**below, **{key: _overlay(under.get(key), value, inside.get(key)) for key, value in over.items()}}


def _padded(value: Any, schema: Any) -> Any:
    """Write null for what a strict schema requires and the answer leaves out, as a constrained decoder must."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        return [_padded(item, schema.get("items")) for item in value]
    if not isinstance(value, Mapping):
        return value
    inside = schema.get("properties", {})
    absent = [name for name in schema.get("required", ()) if name not in value]
    return {**{key: _padded(one, inside.get(key)) for key, one in value.items()}, **dict.fromkeys(absent)}


def _dressed(question: Question, value: Any, draws: Draws) -> str:
    """Write JSON as a model would: asked for in the prompt only, it comes in a fence half of the time."""
    text = json.dumps(value)
    if question.form == "text" and draws.below(2):
        return f"{draws.choice(_LEADS)}\n\n```json\n{text}\n```"
    return text


def _invalid(schema: Any, value: Any, draws: Draws) -> str:
    """Say something that is not JSON, or JSON that the schema does not allow."""
    required = schema.get("required") if isinstance(schema, Mapping) else None
    if isinstance(value, Mapping) and required and draws.below(2):
        gone = draws.choice(list(required))
        return json.dumps({key: part for key, part in value.items() if key != gone})
    return f"I would say that it depends: {schema_values.text(draws)}."
