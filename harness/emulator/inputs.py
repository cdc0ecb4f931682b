"""Items of an input: their checks, and what of them the model reads as messages."""

from __future__ import annotations

from typing import Any

from .messages import check_role, spoken
from .models import Facts
from .problems import Problem, missing, wrong_type, wrong_value

_ROLES = ("assistant", "system", "developer", "user")
_ANSWERED = ("output_text", "refusal")
_PARTS = ("input_text", "input_image", "output_text", "refusal", "input_file", "computer_screenshot", "summary_text")
_CONTENT = spoken(_PARTS, "input_text", "output_text")


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """List what the model reads, as messages: the instructions, then the input."""
    told, asked = body.get("instructions"), body["input"]
    items = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    return [*([{"role": "system", "content": told}] if told else ()), *(item for item in items if "role" in item)]


def check_input(body: dict[str, Any], facts: Facts) -> Problem | None:
    """Check the items of the input, and the word that JSON mode asks for."""
    items = [] if isinstance(body["input"], str) else body["input"]
    problems = (_item(f"input[{i}]", item, facts) for i, item in enumerate(items))
    if problem := next((problem for problem in problems if problem), None):
        return problem
    wanted = (body.get("text", {}).get("format") or {}).get("type")
    if wanted == "json_object" and "json" not in str(body["input"]).lower():
        words = "Response input messages must contain the word 'json' in some form to use 'text.format'"
        return Problem(f"{words} of type 'json_object'.", "input")
    return None


def _item(name: str, item: Any, facts: Facts) -> Problem | None:
    """Check a message; other items, which hand back what an answer held, are taken as they are."""
    if isinstance(item, dict) and item.get("type") not in (None, "message"):
        return None if isinstance(item["type"], str) else wrong_type(f"{name}.type", "a string", item["type"])
    if problem := check_role(name, item, _ROLES, facts):
        return problem
    content = item.get("content")
    if content is None:
        return missing(f"{name}.content")
    return _CONTENT(f"{name}.content", content) or _side(name, item["role"], content)


def _side(name: str, role: str, content: Any) -> Problem | None:
    """Refuse what only users send in the mouth of the assistant."""
    parts = content if role == "assistant" and isinstance(content, list) else []
    wrong = next((i for i, part in enumerate(parts) if part["type"] not in _ANSWERED), None)
    return None if wrong is None else wrong_value(f"{name}.content[{wrong}]", parts[wrong]["type"], _ANSWERED)
