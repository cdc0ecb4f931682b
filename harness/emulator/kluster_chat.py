"""kluster.ai's chat completions, with vLLM behind them (docs.kluster.ai as of July 2025; the service is closed).

What is not supported is passed over in silence: likely, but unverified.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from . import completion, extras
from .answers import Reply
from .execution import Answered, Asked, Body
from .fields import FIELDS
from .messages import check_roles
from .models import Facts, Models
from .parameters import find_model, given
from .problems import Problem, missing
from .streams import chat_events
from .thoughts import with_thought

__all__ = ["CONTENT", "TITLE", "ask", "bad_schema", "check", "contradict", "refuse", "serves", "shape", "stream"]

TITLE, CONTENT, bad_schema = completion.TITLE, completion.CONTENT, completion.bad_schema
serves, contradict, refuse = completion.serves, completion.contradict, completion.refuse
_READ = (
    *("messages", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens"),
    *("max_completion_tokens", "seed", "stop", "stream", "temperature", "top_p", "tools", "tool_choice"),
)


def check(body: Body, models: Models[Facts]) -> Problem | None:
    """Find the first problem of a request."""
    if not body.get("model"):
        return missing("model")
    facts = find_model(body["model"], models)
    if isinstance(facts, Problem):
        return facts
    if body.get("messages") is None:
        return missing("messages")
    body = given(body)
    checks = (problem for name in _READ if name in body and (problem := FIELDS[name](name, body[name])))
    return next(checks, None) or check_roles(body["messages"], facts)


def ask(body: Body, facts: Facts) -> Asked:
    """Read what a request asks: one answer, in free text."""
    return replace(completion.ask({**body, "response_format": None, "reasoning_effort": None}, facts), times=1)


def shape(answered: Answered[Facts]) -> Body:
    """Make the completion as vLLM does."""
    spent, key = answered.spent, answered.key
    return {
        "id": f"chatcmpl-{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:32]}",
        "object": "chat.completion",
        "created": answered.now,
        "model": answered.model,
        "choices": [_choice(answered.replies[0], answered)],
        "usage": {
            "prompt_tokens": spent.prompt,
            "total_tokens": spent.prompt + spent.output,
            "completion_tokens": spent.output,
            "prompt_tokens_details": None,
        },
        "prompt_logprobs": None,
    }


def _choice(reply: Reply, answered: Answered[Facts]) -> Body:
    body = answered.body
    text = (reply.content if reply.refusal is None else reply.refusal) or ""
    if body.get("stop"):
        text = extras.stopped(text, body["stop"])
    if answered.facts.thinks:
        text = with_thought(text, cut=reply.cut)
    chances = None
    if body.get("logprobs"):
        chances = {"content": extras.logprobs(text, body.get("top_logprobs") or 0, answered.draws)}
    message: Body = {"role": "assistant", "content": text, "tool_calls": []}
    finish = "length" if reply.cut else "stop"
    call = None if reply.cut else completion.call(answered)
    if call is not None:
        message |= {"content": None, "tool_calls": [call]}
        finish = "tool_calls"
    return {"index": 0, "message": message, "logprobs": chances, "finish_reason": finish, "stop_reason": None}


def stream(body: Body, done: Body) -> Iterator[str]:
    """Cut a completion into the events of a stream."""
    return chat_events(done, with_usage=bool((body.get("stream_options") or {}).get("include_usage")))
