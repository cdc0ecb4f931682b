"""What a scorer costs: microseconds of CPU per request, on right and on wrong answers to the samples of our tasks.

python -m tests.bench.scorers
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from harness.collect.scorers import Scoring, load_scorers
from harness.configure.compose import asset_dir, composed
from harness.prepare.answers import book_line
from harness.settings import Task

ROUNDS = 7
REPEATS = 20  # of all samples in a round
TASKS = ("arithmetic", "extraction", "routing", "sentiment", "summary")
# The scorers that no shipped task uses, on one that they fit.
FURTHER = {"sentiment": {"exact_match": {"kind": "exact_match", "answer": "label"}}}


def answers(task: Task, schema: Any, which: str) -> Iterator[dict[str, Any]]:
    """Yield results with the answers that the emulator would give."""
    folder: Path = asset_dir("templates") / task.name
    for line in (folder / "samples.jsonl").read_bytes().splitlines():
        target = orjson.loads(line)[task.target or ""]
        entry = book_line([], target, task.scorers.values(), schema)
        assert entry is not None
        answer = orjson.loads(entry)[which]
        text = answer if isinstance(answer, str) else orjson.dumps(answer).decode()
        parsed = None if isinstance(answer, str) else answer
        yield {"parsed": parsed, "text": text, "extracted_by": None if parsed is None else "strict", "target": target}


def microseconds(score: Scoring, results: list[dict[str, Any]]) -> float:
    """Return the median over the rounds of what a call costs, the loop included."""
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(REPEATS):
            for fields in results:
                score(fields)
        found.append((time.process_time() - start) / REPEATS / len(results) * 1e6)
    return statistics.median(found)


def main() -> None:
    """Print a line per task, scorer and kind of answer."""
    print(f"{'task':<12} {'scorer':<12} {'right':>8} {'wrong':>8}   µs a request")
    for name in TASKS:
        task = composed([f"task={name}", "model=gpt-4o-mini"]).jobs[0].settings.task
        schema_file = asset_dir("templates") / name / "schema.json"
        schema = orjson.loads(schema_file.read_bytes()) if schema_file.exists() else None
        scorers = {one: scorer.model_dump() for one, scorer in task.scorers.items()} | FURTHER.get(name, {})
        task = Task.model_validate(task.model_dump(by_alias=True) | {"scorers": scorers})
        both = [list(answers(task, schema, which)) for which in ("right", "wrong")]
        for one, score in load_scorers(task.scorers, None):
            right, wrong = (microseconds(score, results) for results in both)
            print(f"{name:<12} {task.scorers[one].kind:<12} {right:>8.2f} {wrong:>8.2f}")


if __name__ == "__main__":
    main()
