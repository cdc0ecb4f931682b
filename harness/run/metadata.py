"""metadata.json: how the results of a run came to be."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness.providers.protocol import load
from harness.run.state import BatchState, State
from harness.types import DELIVERED


def metadata(
    state: State, last: float, plan: Mapping[str, Any], summary: Mapping[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """Return metadata.json: how the results came to be; `last` is the time of the journal's last line."""
    batches = list(state.batches.values())
    sdk = load(plan["destination"]["protocol"]).SDK.values()
    return {
        "harness": _version("harness"),
        "versions": {name: _version(name) for name in ("hydra-core", *sdk, "jsonschema-rs", "genai-prices")},
        "python": platform.python_version(),
        "simulated": plan["simulated"],
        "run_key": state.run_key,
        "plan": plan["digest"],
        "state": "finished" if state.finished else "stopped" if state.stopped else "unfinished",
        "stopped": {"kind": state.stopped, "reason": state.reason} if state.stopped else None,
        "times": {
            "started": _iso(state.first_at),
            "ended": _iso(last) if state.finished or state.stopped else None,
            "seconds": round(last - state.first_at, 3),
            "clock": "simulated" if plan["simulated"] else "real",
        },
        "destination": plan["destination"],
        "model": {"asked": plan["model"]["id"], "served": summary["models_served"]},
        "counts": {"requests": summary["requests"], **summary["outcomes"]},
        "batches": {
            "total": len(batches),
            "planned": plan["counts"]["batches"],
            "resends": len(batches) - plan["counts"]["batches"],
            "by_status": dict(Counter(batch.status or batch.phase for batch in batches)),
            "submissions": sum(batch.submission for batch in batches),
        },
        "salvage": _salvage(batches),
        "queue_seconds": _queue(batches),
        "cost": summary["cost"],
        "attempts": summary["attempts"],
        "rules": plan["rules"],
        "digests": plan["digests"],
        "notes": list(notes),
    }


def _salvage(batches: Sequence[BatchState]) -> dict[str, Any]:
    """Count the answers kept from batches that did not complete."""
    broken = [batch for batch in batches if _broken(batch)]
    answers = sum(_answers(batch) for batch in broken)
    costs = [batch.cost for batch in broken if batch.cost is not None]
    return {"batches": len(broken), "answers": answers, "cost": sum(costs) if costs else None}


def _broken(batch: BatchState) -> bool:
    """Tell whether a batch that was sent did not complete: its requests say so, whatever words a provider has."""
    unfinished = batch.outcomes.get("expired", 0) + batch.outcomes.get("cancelled", 0)
    failed = batch.error is not None and not _answers(batch)
    return batch.id is not None and (unfinished > 0 or failed)


def _answers(batch: BatchState) -> int:
    return sum(batch.outcomes.get(outcome, 0) for outcome in DELIVERED)


def _queue(batches: Sequence[BatchState]) -> dict[str, dict[str, float]]:
    """Return the time from creation to end, by size of batch."""
    times: dict[int, list[float]] = {}
    for batch in batches:
        if batch.ended_at and batch.created_at:
            times.setdefault(batch.count, []).append(batch.ended_at - batch.created_at)
    return {
        str(size): {
            "batches": len(found),
            "mean": round(sum(found) / len(found), 3),
            "min": round(min(found), 3),
            "max": round(max(found), 3),
        }
        for size, found in sorted(times.items())
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
