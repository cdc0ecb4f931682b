"""Builders for batches on disk, with lines as an imaginary provider would write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from harness.collect.judging import Judging
from harness.settings import Scorer
from harness.types import Error, Response, SentSample, Usage

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["yes", "no"]}, "why": {"type": "string"}},
    "required": ["label"],
    "additionalProperties": False,
}


def judging(**changes: Any) -> Judging:
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "nullable": (),
        "extract": "fenced",
        "scorers": {"accuracy": Scorer(kind="exact_match", answer="label")},
        "unscored": ("failed", "expired", "cancelled", "missing"),
        "model": "asked-model",
    }
    return Judging(**(values | changes))


def sample(row: int, attempt: int = 1, target: Any = "yes", **changes: Any) -> SentSample:
    values = {"row": row, "id": f"s{row}", "epoch": 0, "custom_id": f"k-{row}-{attempt}", "attempt": attempt}
    return SentSample(
        **(values | {"target": target, "metadata": {"topic": "t"}, "rules": ("drop temperature",)} | changes)
    )


def answer(row: int, text: str | None = '{"label":"yes"}', attempt: int = 1, **fields: Any) -> dict[str, Any]:
    return {"custom_id": f"k-{row}-{attempt}", "text": text, "usage": {"input_tokens": 10, "output_tokens": 2}} | fields


def failure(row: int, kind: str, message: str = "no", attempt: int = 1) -> dict[str, Any]:
    return {"custom_id": f"k-{row}-{attempt}", "error": {"kind": kind, "message": message, "status": 400}}


def decode(line: bytes) -> Response:
    fields = orjson.loads(line)
    if not isinstance(fields, dict) or "custom_id" not in fields:
        raise ValueError("no line of this provider")
    usage, error = fields.pop("usage", None), fields.pop("error", None)
    return Response(**fields, usage=Usage(**usage) if usage else None, error=Error(**error) if error else None)


def write_lines(path: Path, lines: Sequence[Any]) -> None:
    path.write_bytes(b"".join((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines))


def batch(
    folder: Path,
    samples: Sequence[SentSample],
    output: Sequence[Any] | None = None,
    errors: Sequence[Any] | None = None,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / "samples.jsonl", samples)
    if output is not None:
        write_lines(folder / "output.jsonl", output)
    if errors is not None:
        write_lines(folder / "errors.jsonl", errors)
    return folder


def results(folder: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (folder / "results.jsonl").read_bytes().splitlines()]
