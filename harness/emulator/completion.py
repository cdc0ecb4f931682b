"""One chat completion: from a body that passed the rules to the object that the API answers with."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from . import tokens
from .answers import Answers, Question, Reply
from .chat_extras import logprobs, stopped, tool_call
from .draws import Draws
from .models import Facts, Models
from .problems import Problem
from .rules import check as first_problem
from .rules import reasoning_effort
from .schema_values import SchemaError
from .tokens import Spent

Body = dict[str, Any]
TOO_DEEP = "0" * 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What executing one body came to."""

    status: int
    body: Body
    digest: str
    usage: tuple[int, int, int, int]  # input, cached, output, reasoning tokens


def digest(body: Body) -> str:
    """Digest a body, key order aside; one that is nested too deeply for that has the digest TOO_DEEP."""
    try:
        return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    except orjson.JSONEncodeError:
        return TOO_DEEP


def execute(body: Body, models: Models, answers: Answers, *, seed: int, now: int, key: str) -> Outcome:
    """Run one body as the API would; `key`, some hex digits, becomes the id of the completion."""
    mark = digest(body)
    problem = Problem("The body is nested too deeply.") if mark == TOO_DEEP else first_problem(body, models)
    occurrence = answers.occurrence(mark)
    if problem is not None:
        return Outcome(problem.status, error(problem), mark, (0, 0, 0, 0))
    facts = models.find(body["model"])
    assert facts is not None  # the rules refuse unknown models
    try:
        made, spent = _replies(body, facts, answers, Draws(seed, "tokens", mark, occurrence), mark, occurrence)
    except SchemaError as found:
        return Outcome(400, error(_bad_schema(body, found)), mark, (0, 0, 0, 0))
    output = spent.reasoning + spent.content
    completion = {
        "id": "chatcmpl-" + key[:29],
        "object": "chat.completion",
        "created": now,
        "model": models.snapshot(body["model"]),
        "choices": made,
        "usage": _usage(spent),
        "service_tier": {"flex": "flex", "priority": "priority", "fast": "priority"}.get(
            body.get("service_tier") or "", "default"
        ),
        "system_fingerprint": None,
    }
    return Outcome(200, completion, mark, (spent.prompt, 0, output, spent.reasoning))


def _replies(
    body: Body, facts: Facts, answers: Answers, draws: Draws, mark: str, occurrence: int
) -> tuple[list[Body], Spent]:
    cap = body.get("max_completion_tokens") or body.get("max_tokens")
    form, schema, constrained = _form(body.get("response_format"))
    user_text = next((tokens.words(m.get("content")) for m in reversed(body["messages"]) if m["role"] == "user"), "")
    effort = reasoning_effort(body, facts)
    choices, total = [], Spent(tokens.prompt(body["messages"]), 0, 0)
    for index in range(body.get("n") or 1):
        question = Question(
            f"{mark}/{index}" if index else mark, occurrence, user_text, form, schema, constrained, facts.rates
        )
        reply = answers.reply(question)
        text = reply.content if reply.refusal is None else reply.refusal
        spent = Spent(total.prompt, tokens.reasoning(effort, draws), tokens.count(text or ""))
        reply, spent = tokens.capped(reply, spent, cap)
        choices.append(_choice(index, reply, body, draws))
        total = Spent(total.prompt, total.reasoning + spent.reasoning, total.content + spent.content)
    return choices, total


def _bad_schema(body: Body, found: SchemaError) -> Problem:
    spec = (body.get("response_format") or {}).get("json_schema") or {}
    words = f"Invalid schema for response_format '{spec.get('name')}': {found}."
    return Problem(words, "response_format", "invalid_json_schema")


def _form(wanted: Any) -> tuple[str, Any, bool]:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "json_schema":
        spec = wanted["json_schema"]
        return "schema", spec.get("schema", True), spec.get("strict") is True
    return ("object" if kind == "json_object" else "text"), None, False


def _choice(index: int, reply: Reply, body: Body, draws: Draws) -> Body:
    finish = "length" if reply.cut else "stop"
    message: Body = {"role": "assistant", "content": reply.content, "refusal": reply.refusal, "annotations": []}
    if "tools" in body and (call := tool_call(body, draws)) is not None and not reply.cut:
        message |= {"content": None, "refusal": None, "tool_calls": [call]}
        finish = "tool_calls"
    elif body.get("stop") and reply.content is not None:
        message["content"] = stopped(reply.content, body["stop"])
    chances = logprobs(message["content"] or "", body, draws) if body.get("logprobs") else None
    return {"index": index, "message": message, "logprobs": chances, "finish_reason": finish}


def _usage(spent: Spent) -> Body:
    output = spent.reasoning + spent.content
    return {
        "prompt_tokens": spent.prompt,
        "completion_tokens": output,
        "total_tokens": spent.prompt + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": spent.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def error(problem: Problem) -> Body:
    """Shape an error as every OpenAI answer does."""
    return {"error": {"message": problem.message, "type": problem.type, "param": problem.param, "code": problem.code}}
