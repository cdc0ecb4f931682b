"""A scorer of your own: `kind: short_enough` in the task finds this file by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def score(result: Mapping[str, Any], target: Any, words: int) -> float:
    """1.0 when the text under `answer` has at most so many words; half of it for every word too many.

    `result` has what results.jsonl has (parsed, text, metadata …) and `answer`; options of the scorer come by name.
    """
    count = len(str(result["answer"]).split())
    return 1.0 if count <= words else 0.5 ** (count - words)
