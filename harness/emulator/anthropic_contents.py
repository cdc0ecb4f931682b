"""Checks of what is said: the messages of a request and its system prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .anthropic_fields import missing
from .anthropic_models import Family
from .anthropic_replies import problem
from .problems import Problem

Body = dict[str, Any]
_BLOCKS = (
    *("text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result"),
    *("server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result"),
)
_SYSTEM = (
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, '
    'not "system" as an input message role.'
)
_PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."
STRICT = "2026-10-21"  # the version of the API that takes less


def check_contents(body: Body, version: str, family: Family) -> Problem | None:
    """Find the first problem of what is said."""
    messages = body["messages"]
    if not messages:
        return problem("messages: at least one message is required")
    problems = (_message(i, message, len(messages), version, family) for i, message in enumerate(messages))
    found = _system(body.get("system")) or next((one for one in problems if one), None)
    if found is not None:
        return found
    if messages[0]["role"] != "user":
        return problem('messages: first message must use the "user" role')
    return _prefill(messages[-1], family)


def _system(system: Any) -> Problem | None:
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system or []
    for i, block in enumerate(blocks):
        if not isinstance(block, dict) or block.get("type") != "text":
            return problem(f"system.{i}.type: Input should be 'text'")
        if not block.get("text"):
            return problem("system: text content blocks must be non-empty")
    return None


def _message(i: int, message: Any, count: int, version: str, family: Family) -> Problem | None:
    where = f"messages.{i}"
    if not isinstance(message, dict):
        return problem(f"{where}: Input should be an object")
    for name in ("role", "content"):
        if name not in message:
            return missing(f"{where}.{name}")
    role, content = message["role"], message["content"]
    if role == "system" and family.ruled and not family.system_turns:
        return problem(_SYSTEM)
    if role not in ("user", "assistant", "system"):
        return problem(f"{where}.role: Input should be 'user' or 'assistant'")
    if not isinstance(content, str | list):
        return problem(f"{where}.content: Input should be a valid list")
    if not content and (role != "assistant" or i + 1 < count):
        words = "all messages must have non-empty content except for the optional final assistant message"
        return problem(f"{where}: {words}")
    blocks = content if isinstance(content, list) else []
    checks = (_block(f"{where}.content.{j}", block, role, version) for j, block in enumerate(blocks))
    return next((found for found in checks if found), None)


def _block(where: str, block: Any, role: str, version: str) -> Problem | None:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind not in _BLOCKS:
        expected = ", ".join(f"'{one}'" for one in _BLOCKS)
        words = f"Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
        return problem(f"{where}: {words}")
    if kind == "text":
        if not isinstance(block.get("text"), str):
            return missing(f"{where}.text.text")
        if not block["text"]:
            return problem("messages: text content blocks must be non-empty")
    if version != STRICT:
        return None
    if kind == "document" and role == "assistant":
        return problem(f"{where}: document blocks are not permitted in assistant messages")
    if kind == "text" and role == "user" and block.get("citations"):
        return problem(f"{where}.text.citations: Extra inputs are not permitted")
    return None


def _prefill(last: Body, family: Family) -> Problem | None:
    if last["role"] != "assistant" or not family.ruled:
        return None
    if not family.prefill:
        return problem(_PREFILL)
    text = last["content"] if isinstance(last["content"], str) else ""
    if text != text.rstrip():
        return problem("messages: final assistant content cannot end with trailing whitespace")
    return None


def marked(body: Body) -> Iterator[tuple[str, bool, str]]:
    """Walk through the texts of a prompt, in order: text, whether a breakpoint of the cache stands there, its ttl."""
    for content in (body.get("system"), *(message["content"] for message in body["messages"])):
        for block in [{"text": content}] if isinstance(content, str) else content or ():
            mark = block.get("cache_control")
            ttl = (mark.get("ttl") if isinstance(mark, dict) else None) or "5m"
            yield str(block.get("text") or ""), mark is not None, str(ttl)
