"""Thoughts of models that think aloud: what stands before the answer, and what is left when the cap comes first."""

from __future__ import annotations

# With JSON that is not the answer: who looks for the first object of the text finds the wrong one.
THOUGHT = 'Let me think. A first draft would be {"draft": true}, but that is not it. I look at the question once more.'


def with_thought(text: str, *, cut: bool) -> str:
    """Put the thought before a text; an answer that was cut before it began has an open thought."""
    if cut and not text:
        return f"<think>\n{THOUGHT[:60]}"
    return f"<think>\n{THOUGHT}\n</think>\n\n{text}"
