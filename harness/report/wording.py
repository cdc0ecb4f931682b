"""How reports spell numbers and name outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from harness.types import OUTCOMES, PENDING

NONE = "–"

MEANINGS = {
    "answered": "an answer that fits",
    "invalid": "empty, not JSON, or not the schema",
    "truncated": "cut off at the token limit",
    "refused": "the model or a filter declined",
    "failed": "the provider returned an error",
    "expired": "the window ended first",
    "cancelled": "cancelled before it ran",
    "missing": "no line came back",
    PENDING: "not final yet",
}


def number(value: float | None) -> str:
    """Spell a score."""
    return NONE if value is None else f"{value:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """Spell a range of scores."""
    return NONE if low is None or high is None else f"{low:.3f}–{high:.3f}"


def share(value: float | None) -> str:
    """Spell a share; 100 % and 0 % only where nothing is missing or there."""
    if value is None:
        return NONE
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{100 * value:.4g} %" if value in (0, 1) else f"{100 * value:.1f} %"


def usd(value: float | None) -> str:
    """Spell an amount of money: cents, below a dollar up to four decimals, below a tenth of a cent two digits."""
    if value is None:
        return NONE
    if value == 0 or value >= 1:
        return f"${value:,.2f}"
    if value < 0.001:
        return f"${Decimal(f'{value:.2g}'):f}"
    whole, _, decimals = f"{value:.4f}".rstrip("0").partition(".")
    return f"${whole}.{decimals:0<2}"


def cost(summary: Mapping[str, Any], estimate: Mapping[str, float | None] | None, simulated: bool) -> tuple[str, str]:
    """Spell the estimated and the actual cost."""
    estimated = NONE
    if estimate:
        estimated = usd(estimate.get("expected"))
        if estimate.get("low") is not None and estimate.get("cap") is not None:
            estimated += f" (from {usd(estimate.get('low'))}, at most {usd(estimate.get('cap'))})"
    actual = "none, simulated" if simulated else usd(summary["cost"]["actual"])
    return estimated, actual


def measure(summary: Mapping[str, Any]) -> str:
    """Name what a score is the mean of, where that is not one answer per sample."""
    epochs = summary["epochs"]
    if epochs["count"] == 1:
        return "mean"
    names = {"mean": "mean", "mode": "mode", "pass_at_k": f"pass@{epochs['k']}"}
    return f"{names[epochs['reducer']]} of {epochs['count']}"


def size(summary: Mapping[str, Any]) -> str:
    """Spell how much was asked."""
    requests = plural(summary["requests"], "request", "requests")
    epochs = summary["epochs"]["count"]
    return f"{requests} ({summary['samples']:,} samples × {epochs} epochs)" if epochs > 1 else requests


def measures(summary: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    """Return scorer, measure and value of what stands beside the means: macro F1 and the agreement of epochs."""
    found = []
    for name, score in summary["scores"].items():
        if score["macro_f1"] is not None:
            labels = plural(len(summary["confusion"][name]["labels"]), "label", "labels")
            found.append((name, "macro F1", f"{number(score['macro_f1'])} over {labels}"))
        if score["agreement"] is not None:
            found.append((name, "agreement", f"{share(score['agreement'])} of the samples scored alike in every epoch"))
    return found


def tokens(usage: Mapping[str, int]) -> str:
    """Spell token counts."""
    cached = f" ({usage['cached_tokens']:,} cached)" if usage["cached_tokens"] else ""
    reasoning = f" ({usage['reasoning_tokens']:,} reasoning)" if usage["reasoning_tokens"] else ""
    return f"{usage['input_tokens']:,} in{cached}, {usage['output_tokens']:,} out{reasoning}"


def outcome_rows(summary: Mapping[str, Any]) -> Sequence[tuple[str, str, str, str, str]]:
    """Return name, meaning, requests, share and what it counts as, for the outcomes that occurred and answered."""
    total = summary["requests"]
    names = [name for name in (*reversed(OUTCOMES), PENDING) if summary["outcomes"][name] or name == "answered"]
    unscored = {*summary["unscored"], PENDING}
    return [
        (
            name,
            MEANINGS[name],
            f"{summary['outcomes'][name]:,}",
            share(summary["outcomes"][name] / total if total else None),
            "scored" if name == "answered" else "not scored" if name in unscored else "0",
        )
        for name in names
    ]


def names(counts: Mapping[str, int]) -> str:
    """Spell names with their counts, the count left out where there is one name only."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items()) or NONE


def plural(count: int, noun: str, nouns: str) -> str:
    """Spell a count with its noun."""
    return f"{count:,} {noun if count == 1 else nouns}"


def when(started: str | None, finished: str | None) -> str:
    """Spell two ISO times to the second, the day once where it is the same."""
    begin, end = (moment.replace("T", " ")[:19] if moment else None for moment in (started, finished))
    if begin is None or end is None:
        return begin or end or NONE
    return f"{begin} – {end[11:] if begin[:10] == end[:10] else end}"
