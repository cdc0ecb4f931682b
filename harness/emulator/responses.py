"""The endpoint of responses: what a body asks, and the object that the API answers with."""

from __future__ import annotations

from collections.abc import Iterator

from . import extras, inputs, schema_values
from .answers import Reply
from .draws import hexes
from .execution import Answered, Asked, Body
from .formats import Format
from .formats import bad_schema as _bad_schema
from .models import Facts
from .parameters import tier
from .problems import Problem
from .problems import error as refuse
from .responses_fields import ENCRYPTED, LOGPROBS
from .responses_rules import check, effort
from .streams import response_events
from .tokens import Spent

__all__ = ["CONTENT", "TITLE", "ask", "bad_schema", "check", "contradict", "refuse", "serves", "shape", "stream"]

TITLE = "Responses"
CONTENT = "input"
_PLAIN = {"type": "text"}
_ECHOED: Body = {  # what an answer repeats of its request, and says where that is silent
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def serves(facts: Facts) -> bool:
    """Say whether a family of models is served here."""
    return facts.responses


def ask(body: Body, facts: Facts) -> Asked:
    """Read what a request asks."""
    return Asked(
        messages=inputs.messages(body),
        wanted=(body.get("text") or {}).get("format") or _PLAIN,
        effort=effort(body, facts),
        cap=body.get("max_output_tokens"),
    )


def bad_schema(wanted: Format, found: str) -> Problem:
    """Say what is wrong with a schema."""
    return _bad_schema(wanted, found, "text.format.schema")


def shape(answered: Answered[Facts]) -> Body:
    """Make the response."""
    (reply,) = answered.replies
    body, cut = answered.body, reply.cut
    return {
        "id": "resp_" + answered.key[:48],
        "object": "response",
        "created_at": answered.now,
        "completed_at": None if cut else answered.now,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": answered.model,
        "output": [*_reasoning(answered), *_said(reply, answered)],
        **{name: default if body.get(name) is None else body[name] for name, default in _ECHOED.items()},
        "reasoning": _effective(answered),
        "service_tier": tier(answered.body),
        "text": {"format": _format(answered), "verbosity": (body.get("text") or {}).get("verbosity") or "medium"},
        "usage": _usage(answered.spent),
    }


def _effective(answered: Answered[Facts]) -> Body:
    wanted = answered.body.get("reasoning") or {}
    return {"effort": wanted.get("effort") or answered.facts.effort, "summary": wanted.get("summary")}


def _format(answered: Answered[Facts]) -> Body:
    wanted = dict(answered.asked.wanted)
    unset = {"description": None, "strict": False} if wanted["type"] == "json_schema" else {}
    return wanted | {name: value for name, value in unset.items() if wanted.get(name) is None}


def _reasoning(answered: Answered[Facts]) -> Iterator[Body]:
    if answered.asked.effort is None:
        return
    told = (answered.body.get("reasoning") or {}).get("summary") and answered.spent.reasoning
    text = schema_values.text(answered.draws).capitalize() + "." if told else ""
    summary = [{"type": "summary_text", "text": text}] if told else []
    item: Body = {"id": _id("rs", answered), "type": "reasoning", "summary": summary}
    yield item | ({"encrypted_content": _id("gAAAAA", answered)} if _includes(ENCRYPTED, answered) else {})


def _said(reply: Reply, answered: Answered[Facts]) -> Iterator[Body]:
    """Make the message, or the call of a function; a cap that thinking has used up leaves neither."""
    status = "incomplete" if reply.cut else "completed"
    call = None if reply.cut else _call(answered)
    if call is not None:
        called = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
        yield {"id": _id("fc", answered), "type": "function_call", "status": status, **called}
    elif reply.refusal is not None:
        yield _message([{"type": "refusal", "refusal": reply.refusal}], status, answered)
    elif reply.content:
        rivals = answered.body.get("top_logprobs") or 0
        chances = extras.logprobs(reply.content, rivals, answered.draws) if _includes(LOGPROBS, answered) else []
        yield _message([_text(reply.content, chances)], status, answered)


def _message(content: list[Body], status: str, answered: Answered[Facts]) -> Body:
    return {"id": _id("msg", answered), "type": "message", "status": status, "role": "assistant", "content": content}


def _text(text: str, chances: list[Body]) -> Body:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": chances}


def _call(answered: Answered[Facts]) -> extras.Call | None:
    choice = answered.body.get("tool_choice")
    functions = [tool for tool in answered.body.get("tools") or () if tool["type"] == "function"]
    name = choice.get("name") if isinstance(choice, dict) else None
    return extras.called(functions, choice, name, answered.draws)


def _id(kind: str, answered: Answered[Facts]) -> str:
    return f"{kind}_{hexes(48, kind, answered.key)}"


def _includes(name: str, answered: Answered[Facts]) -> bool:
    return name in (answered.body.get("include") or ())


def _usage(spent: Spent) -> Body:
    return {
        "input_tokens": spent.prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": spent.output,
        "output_tokens_details": {"reasoning_tokens": spent.reasoning},
        "total_tokens": spent.prompt + spent.output,
    }


def contradict(body: Body) -> bool:
    """Let a response say something else."""
    message = next((item for item in body.get("output", ()) if item["type"] == "message"), None)
    if message is None:
        return False
    message["content"] = [_text("another answer", [])]
    return True


def stream(_body: Body, response: Body) -> Iterator[str]:
    """Cut a response into the events of a stream."""
    return response_events(response)
