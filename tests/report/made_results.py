"""Builders for results as results.jsonl spells them."""

from __future__ import annotations

from typing import Any

USAGE = {"input_tokens": 10, "cached_tokens": 4, "cache_write_tokens": 0, "output_tokens": 5, "reasoning_tokens": 3}


def result(row: int, outcome: str = "answered", score: float | None = 1.0, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"id": f"s{row}", "row": row, "outcome": outcome, "scores": {"accuracy": score}}
    values |= {"schema_errors": [], "error": None, "usage": None, "cost": None, "attempts": 1, "later": []}
    values |= {"model_served": None, "finish_reason": None, "simulated": False, "metadata": {}}
    return values | changes


def failed(row: int, message: str, kind: str = "permanent") -> dict[str, Any]:
    error = {"class": kind, "message": message, "status": 400, "code": None}
    return result(row, "failed", None, error=error)
