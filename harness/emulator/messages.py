"""Checks of chat messages: roles, contents, and the word that JSON mode asks for."""

from __future__ import annotations

from typing import Any

from .models import Facts
from .problems import Problem, missing, wrong_type, wrong_value

ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = ("text", "image_url", "input_audio", "refusal", "file")


def check_roles(messages: list[Any], facts: Facts) -> Problem | None:
    """Check that every message is an object with a role that the model takes."""
    for i, message in enumerate(messages):
        name = f"messages[{i}]"
        if not isinstance(message, dict):
            return wrong_type(name, "an object", message)
        role = message.get("role")
        if role is None:
            return missing(f"{name}.role")
        if role not in ROLES:
            return wrong_value(f"{name}.role", role, ROLES)
        if role in facts.roles_refused:
            words = f"Unsupported value: '{name}.role' does not support '{role}' with this model."
            return Problem(words, f"{name}.role", "unsupported_value")
    return None


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
    if isinstance(content, str):
        return None
    name = f"messages[{i}].content"
    if not isinstance(content, list):
        return wrong_type(name, "one of a string or array of objects", content)
    return next((problem for j, part in enumerate(content) if (problem := _part(f"{name}[{j}]", part))), None)


def _part(name: str, part: Any) -> Problem | None:
    if not isinstance(part, dict):
        return wrong_type(name, "an object", part)
    if "type" not in part:
        return missing(f"{name}.type")
    if part["type"] not in _PARTS:
        return wrong_value(f"{name}.type", part["type"], _PARTS)
    if part["type"] == "text" and not isinstance(part.get("text"), str):
        return missing(f"{name}.text")
    return None
