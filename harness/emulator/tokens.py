"""Plausible token counts: four characters a token, and hidden reasoning that grows with the effort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .answers import Reply
from .draws import Draws

_REASONING = {  # effort → fewest and most blocks of 64 tokens; OpenAI counts reasoning in such blocks
    "minimal": (0, 0),
    "low": (0, 2),
    "medium": (1, 4),
    "high": (4, 16),
    "xhigh": (8, 32),
    "max": (16, 64),
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a reply cost."""

    prompt: int
    reasoning: int
    content: int

    @property
    def output(self) -> int:
        """Count what is paid as output."""
        return self.reasoning + self.content


def count(text: str) -> int:
    """Count the tokens of a text."""
    return (len(text) + 3) // 4


def prompt(messages: list[dict[str, Any]]) -> int:
    """Count the tokens of a prompt: 4 for each message and 3 for the start of the answer."""
    return 3 + sum(4 + count(words(message.get("content"))) for message in messages)


def words(content: Any) -> str:
    """Join the text of a message, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))


def reasoning(effort: str | None, draws: Draws) -> int:
    """Draw how many tokens go into hidden reasoning."""
    low, high = _REASONING.get(effort or "none", (0, 0))
    return 64 * (low + draws.below(high - low + 1))


def total(prompt: int, parts: Sequence[Spent]) -> Spent:
    """Add up what several replies to one prompt cost."""
    return Spent(prompt, sum(part.reasoning for part in parts), sum(part.content for part in parts))


def capped(reply: Reply, spent: Spent, cap: int | None) -> tuple[Reply, Spent]:
    """Cut a reply at the cap, which counts reasoning too: a small cap leaves no content at all."""
    if cap is None or reply.refusal is not None or spent.output <= cap:
        return reply, spent
    left = max(0, cap - spent.reasoning)
    content = (reply.content or "")[: 4 * left]
    return Reply(content, cut=True), replace(
        spent, reasoning=min(spent.reasoning, cap), content=cap - min(spent.reasoning, cap)
    )
