"""The endpoint of chat completions: what a body asks, and the object that the API answers with."""

from __future__ import annotations

from collections.abc import Iterator

from . import extras
from .answers import Reply
from .execution import Answered, Asked, Body
from .formats import Format, flat
from .formats import bad_schema as _bad_schema
from .models import Facts
from .parameters import reasons, tier
from .problems import Problem
from .problems import error as refuse
from .rules import check
from .streams import chat_events
from .tokens import Spent

__all__ = ["CONTENT", "TITLE", "ask", "bad_schema", "check", "contradict", "refuse", "serves", "shape", "stream"]

TITLE = "Chat Completions"
CONTENT = "messages"


def serves(facts: Facts) -> bool:
    """Say whether a family of models is served here."""
    return facts.chat


def ask(body: Body, facts: Facts) -> Asked:
    """Read what a request asks."""
    return Asked(
        messages=body["messages"],
        wanted=flat(body.get("response_format")),
        effort=reasons(body.get("reasoning_effort"), facts),
        cap=body.get("max_completion_tokens") or body.get("max_tokens"),
        times=body.get("n") or 1,
    )


def bad_schema(wanted: Format, found: str) -> Problem:
    """Say what is wrong with a schema."""
    return _bad_schema(wanted, found, "response_format")


def shape(answered: Answered[Facts]) -> Body:
    """Make the completion."""
    return {
        "id": "chatcmpl-" + answered.key[:29],
        "object": "chat.completion",
        "created": answered.now,
        "model": answered.model,
        "choices": [_choice(index, reply, answered) for index, reply in enumerate(answered.replies)],
        "usage": _usage(answered.spent),
        "service_tier": tier(answered.body),
        "system_fingerprint": None,
    }


def _choice(index: int, reply: Reply, answered: Answered[Facts]) -> Body:
    body, finish = answered.body, "length" if reply.cut else "stop"
    message: Body = {"role": "assistant", "content": reply.content, "refusal": reply.refusal, "annotations": []}
    called = None if reply.cut else call(answered)
    if called is not None:
        message |= {"content": None, "refusal": None, "tool_calls": [called]}
        finish = "tool_calls"
    elif body.get("stop") and reply.content is not None:
        message["content"] = extras.stopped(reply.content, body["stop"])
    chances = None
    if body.get("logprobs"):
        rivals = body.get("top_logprobs") or 0
        chances = {"content": extras.logprobs(message["content"] or "", rivals, answered.draws), "refusal": None}
    return {"index": index, "message": message, "logprobs": chances, "finish_reason": finish}


def call(answered: Answered[Facts]) -> Body | None:
    """Make the call of a function, where the request demands one."""
    choice = answered.body.get("tool_choice")
    functions = [tool["function"] for tool in answered.body.get("tools") or () if tool["type"] == "function"]
    name = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    made = extras.called(functions, choice, name, answered.draws)
    if made is None:
        return None
    return {"id": made.id, "type": "function", "function": {"name": made.name, "arguments": made.arguments}}


def _usage(spent: Spent) -> Body:
    return {
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.output,
        "total_tokens": spent.prompt + spent.output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": spent.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def contradict(body: Body) -> bool:
    """Let a completion say something else."""
    if not body.get("choices"):
        return False
    body["choices"][0]["message"]["content"] = "another answer"
    return True


def stream(body: Body, completion: Body) -> Iterator[str]:
    """Cut a completion into the events of a stream."""
    return chat_events(completion, with_usage=bool((body.get("stream_options") or {}).get("include_usage")))
