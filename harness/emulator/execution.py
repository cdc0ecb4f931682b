"""Running one body, whatever the endpoint: is it refused, what is asked, what is replied, and what did it cost?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import orjson

from . import tokens
from .answers import Answers, Question, Reply
from .draws import Draws
from .formats import Format, bad_schema
from .models import Facts, Models
from .problems import Problem
from .schema_values import SchemaError
from .tokens import Spent

Body = dict[str, Any]
TOO_DEEP = "0" * 16
_FREE = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks of the model."""

    messages: list[Body]  # role and content
    wanted: Format
    effort: str | None  # None: the model does not reason
    cap: int | None  # tokens of reasoning and content
    times: int = 1  # independent replies


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer is made from."""

    body: Body
    asked: Asked
    model: str  # the dated snapshot
    facts: Facts
    replies: list[Reply]
    spent: Spent  # by all replies together
    key: str  # hex digits for ids
    now: int
    draws: Draws

    @property
    def service_tier(self) -> str:
        """Name the tier that served it."""
        tiers = {"flex": "flex", "priority": "priority", "fast": "priority"}
        return tiers.get(self.body.get("service_tier") or "", "default")


class Api(Protocol):
    """What the module of an endpoint defines; the type checker holds each module against it."""

    TITLE: str
    CONTENT: str  # the key that holds what the model reads
    SCHEMA: str  # the parameter that a bad schema is blamed on

    def serves(self, facts: Facts, /) -> bool:
        """Say whether a family of models is served here."""

    def check(self, body: Body, models: Models, /) -> Problem | None:
        """Find the first problem of a request."""

    def ask(self, body: Body, facts: Facts, /) -> Asked:
        """Read what a request asks, of a body that passed the check."""

    def shape(self, answered: Answered, /) -> Body:
        """Make the object that the API answers with."""

    def contradict(self, body: Body, /) -> bool:
        """Let an answer say something else, in place; False when it says nothing."""

    def stream(self, body: Body, answer: Body, /) -> Iterator[str]:
        """Cut the answer to a request into the events of a stream."""


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


def execute(body: Body, api: Api, models: Models, answers: Answers, *, seed: int, now: int, key: str) -> Outcome:
    """Run one body as the API would; the ids of the answer are made from `key`, some hex digits."""
    mark = digest(body)
    problem = Problem("The body is nested too deeply.") if mark == TOO_DEEP else api.check(body, models)
    occurrence = answers.occurrence(mark)
    if problem is not None:
        return Outcome(problem.status, error(problem), mark, _FREE)
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
        return Outcome(400, error(bad_schema(asked.wanted, f"{found}.", api.SCHEMA)), mark, _FREE)


def _replies(
    asked: Asked, facts: Facts, answers: Answers, draws: Draws, mark: str, occurrence: int
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


def error(problem: Problem) -> Body:
    """Shape an error as every OpenAI answer does."""
    return {"error": {"message": problem.message, "type": problem.type, "param": problem.param, "code": problem.code}}
