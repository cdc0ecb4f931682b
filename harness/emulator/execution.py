"""Running one body, whatever the API: is it refused, what is asked, what is replied, and what did it cost?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, Protocol, TypeVar

import orjson

from . import tokens
from .answers import Answers, Question, Reply
from .draws import Draws
from .formats import Format
from .models import Models, Rated
from .problems import Problem
from .schema_values import SchemaError
from .tokens import Spent

Body = dict[str, Any]
TOO_DEEP = "0" * 16
_FREE = (0, 0, 0, 0)
F = TypeVar("F", bound=Rated)  # the facts of a family of models


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks of the model."""

    messages: list[Body]  # role and content
    wanted: Format
    effort: str | None  # None: the model does not reason
    cap: int | None  # tokens of reasoning and content
    times: int = 1  # independent replies


@dataclass(frozen=True, slots=True)
class Answered(Generic[F]):
    """What an answer is made from."""

    body: Body
    asked: Asked
    model: str  # the dated snapshot
    facts: F
    replies: list[Reply]
    spent: Spent  # by all replies together
    key: str  # hex digits for ids
    now: int
    draws: Draws


class Api(Protocol[F]):
    """How bodies of one kind are run; the type checker holds each module against it."""

    def check(self, body: Body, models: Models[F], /) -> Problem | None:
        """Find the first problem of a request."""

    def ask(self, body: Body, facts: F, /) -> Asked:
        """Read what a request asks, of a body that passed the check."""

    def shape(self, answered: Answered[F], /) -> Body:
        """Make the object that the API answers with."""

    def bad_schema(self, wanted: Format, found: str, /) -> Problem:
        """Say what is wrong with a schema that no value can be made for."""

    def refuse(self, problem: Problem, /) -> Body:
        """Shape an error."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What executing one body came to."""

    status: int
    body: Body
    digest: str
    usage: tuple[int, int, int, int]  # input, cached, output, reasoning tokens


class UndeliveredError(Exception):
    """An answer that was made but is not handed out; says the body of the 400 instead."""

    def __init__(self, body: Body) -> None:
        super().__init__(body)
        self.body = body


def digest(body: Body) -> str:
    """Digest a body, key order aside; one that is nested too deeply for that has the digest TOO_DEEP."""
    try:
        return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    except orjson.JSONEncodeError:
        return TOO_DEEP


def execute(body: Body, api: Api[F], models: Models[F], answers: Answers, *, seed: int, now: int, key: str) -> Outcome:
    """Run one body as the API would; the ids of the answer are made from `key`, some hex digits."""
    mark = digest(body)
    problem = Problem("The body is nested too deeply.") if mark == TOO_DEEP else api.check(body, models)
    occurrence = answers.occurrence(mark)
    if problem is not None:
        return Outcome(problem.status, api.refuse(problem), mark, _FREE)
    try:
        return _run(body, api, models, answers, mark, occurrence, seed=seed, now=now, key=key)
    except Exception:  # a bug of ours; who catches it counts the body anew
        answers.forget(mark)
        raise


def _run(
    body: Body,
    api: Api[F],
    models: Models[F],
    answers: Answers,
    mark: str,
    occurrence: int,
    *,
    seed: int,
    now: int,
    key: str,
) -> Outcome:
    facts = models.find(body["model"])
    assert facts is not None  # the rules refuse unknown models
    asked = api.ask(body, facts)
    draws = Draws(seed, "tokens", mark, occurrence)
    try:
        replies = list(_replies(asked, facts, answers, draws, mark, occurrence))
        spent = tokens.total(tokens.prompt(asked.messages), [cost for _, cost in replies])
        said = [reply for reply, _ in replies]
        answered = Answered(body, asked, models.snapshot(body["model"]), facts, said, spent, key, now, draws)
        return Outcome(200, api.shape(answered), mark, (spent.prompt, 0, spent.output, spent.reasoning))
    except UndeliveredError as kept:
        return Outcome(400, kept.body, mark, _FREE)
    except SchemaError as found:
        return Outcome(400, api.refuse(api.bad_schema(asked.wanted, f"{found}.")), mark, _FREE)


def _replies(
    asked: Asked, facts: Rated, answers: Answers, draws: Draws, mark: str, occurrence: int
) -> Iterator[tuple[Reply, Spent]]:
    user_text = next((tokens.words(m.get("content")) for m in reversed(asked.messages) if m["role"] == "user"), "")
    form, schema, constrained = _form(asked.wanted)
    for index in range(asked.times):
        own = f"{mark}/{index}" if index else mark
        reply = answers.reply(Question(own, occurrence, user_text, form, schema, constrained, facts.rates))
        text = reply.content if reply.refusal is None else reply.refusal
        spent = Spent(0, tokens.reasoning(asked.effort, draws), tokens.count(text or ""))
        yield tokens.capped(reply, spent, asked.cap)


def _form(wanted: Format) -> tuple[str, Any, bool]:
    if wanted["type"] == "json_schema":
        return "schema", wanted.get("schema", True), wanted.get("strict") is True
    return ("object" if wanted["type"] == "json_object" else "text"), None, False
