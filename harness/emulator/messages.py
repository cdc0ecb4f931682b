"""Checks of chat messages: roles, contents, and the word that JSON mode asks for."""

from __future__ import annotations

from typing import Any

from .models import Facts
from .problems import Problem, missing, wrong_type, wrong_value
from .shapes import Check, array, typed

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = ("text", "image_url", "input_audio", "refusal", "file")


def check_roles(messages: list[Any], facts: Facts) -> Problem | None:
    """Check that every message is an object with a role that the model takes."""
    problems = (check_role(f"messages[{i}]", message, _ROLES, facts) for i, message in enumerate(messages))
    return next((problem for problem in problems if problem), None)


def check_role(name: str, message: Any, roles: tuple[str, ...], facts: Facts) -> Problem | None:
    """Check that a message is an object with one of some roles, which the model takes."""
    if not isinstance(message, dict):
        return wrong_type(name, "an object", message)
    role = message.get("role")
    if role is None:
        return missing(f"{name}.role")
    if role not in roles:
        return wrong_value(f"{name}.role", role, roles)
    if role in facts.roles_refused:
        words = f"Unsupported value: '{name}.role' does not support '{role}' with this model."
        return Problem(words, f"{name}.role", "unsupported_value")
    return None


def spoken(parts: tuple[str, ...], *written: str) -> Check:
    """Demand a text, or an array of parts of these types; `written` are the types that have a text."""
    kind = typed(parts)

    def part(name: str, value: Any) -> Problem | None:
        if problem := kind(name, value):
            return problem
        text = value.get("text") if value["type"] in written else ""
        return None if isinstance(text, str) else missing(f"{name}.text")

    words = "one of a string or array of objects"
    return lambda name, value: None if isinstance(value, str) else array(part, words)(name, value)


_CONTENT = spoken(_PARTS, "text")


def check_content(body: dict[str, Any]) -> Problem | None:
    """Check what the messages say; the API does this last."""
    for i, message in enumerate(body["messages"]):
        if problem := _content(i, message):
            return problem
    wanted = body.get("response_format", {}).get("type")
    if wanted == "json_object" and "json" not in str(body["messages"]).lower():
        words = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        return Problem(words, "messages")
    return None


def _content(i: int, message: dict[str, Any]) -> Problem | None:
    content = message.get("content")
    if content is None:
        if message["role"] == "assistant" and (message.get("tool_calls") or message.get("function_call")):
            return None
        return Problem("Invalid value for 'content': expected a string, got null.", f"messages.[{i}].content")
    return _CONTENT(f"messages[{i}].content", content)
