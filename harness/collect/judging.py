"""What an answer is worth: its outcome, its JSON, its errors, its scores and its cost. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.collect.extract import Mode, extract, spoken
from harness.collect.scorers import OnFailure, ignore, load_scorers
from harness.collect.verdict import make_verdict
from harness.pricing import Rates
from harness.settings import Scorer
from harness.types import Response, Result, SchemaError, SentSample

Scores = Mapping[str, float | None]
Judge = Callable[[SentSample, Response | None], Result]

CONTENT_FILTER = "content_filter"  # the finish reason of an answer that the provider's policy cut off


@dataclass(frozen=True, slots=True)
class Judging:
    """How answers are judged: everything that is the same for all requests of a run. It can be pickled."""

    schema: Mapping[str, Any] | None  # as written by the user; None: free text
    nullable: tuple[tuple[str, ...], ...]  # paths that the schema dialect made nullable
    extract: Mode
    scorers: Mapping[str, Scorer]
    unscored: tuple[str, ...]  # outcomes that are nobody's answer
    model: str  # as asked
    rates: Rates | None = None
    simulated: bool = False
    scorer_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What one response turned out to be."""

    outcome: str
    text: str | None = None
    parsed: Any = None
    extracted_by: str | None = None
    schema_errors: tuple[SchemaError, ...] = ()
    error: Mapping[str, Any] | None = None


MISSING = Response(custom_id="")
NOT_DELIVERED = {"expired": "expired", "cancelled": "cancelled"}  # error class → outcome; any other is failed


def judge(judging: Judging, on_failure: OnFailure = ignore) -> Judge:
    """Return the function that turns a sent sample and its response (None: there is no line for it) into a result."""
    find = _finder(judging)
    score = _scorer(judging, on_failure)
    rates = None if judging.simulated else judging.rates
    model, simulated = judging.model, judging.simulated

    def result(sample: SentSample, response: Response | None) -> Result:
        found = find(response) if response else Found("missing")
        got = response or MISSING
        return Result(
            sample.id,
            sample.epoch,
            sample.row,
            sample.custom_id,
            found.outcome,
            found.parsed,
            found.text,
            found.extracted_by,
            sample.target,
            sample.metadata,
            score(sample, got, found),
            found.schema_errors,
            found.error,
            got.usage,
            rates.cost(got.usage) if rates and got.usage else None,
            sample.attempt,
            (),
            model,
            got.model,
            got.finish_reason,
            got.request_id,
            sample.rules,
            simulated,
        )

    return result


def _finder(judging: Judging) -> Callable[[Response], Found]:
    """Return the function that decides the outcome: the first that fits."""
    verdict = None if judging.schema is None else make_verdict(judging.schema, judging.nullable)
    mode: Mode = judging.extract

    def find(response: Response) -> Found:
        text = response.text
        if response.error:
            error = response.error
            fields = {"class": error.kind, "status": error.status, "code": error.code, "message": error.message}
            return Found(NOT_DELIVERED.get(error.kind, "failed"), text, error=fields)
        if response.refusal or response.finish_reason == CONTENT_FILTER:
            return Found("refused", text or response.refusal)
        if response.truncated:
            return Found("truncated", text)
        if text is None or not spoken(text).strip():
            return Found("invalid", text, schema_errors=(SchemaError("", "the answer is empty"),))
        if verdict is None:
            return Found("answered", text)
        extracted = extract(text, mode)
        if extracted is None:
            return Found("invalid", text, schema_errors=(SchemaError("", f"no JSON in the answer (extract: {mode})"),))
        parsed, errors = verdict(extracted[0])
        return Found("invalid" if errors else "answered", text, parsed, extracted[1], errors)

    return find


def _scorer(judging: Judging, on_failure: OnFailure) -> Callable[[SentSample, Response, Found], Scores]:
    """Return the function that scores: answers by their scorers, what is nobody's answer null, the rest 0."""
    scorers = load_scorers(judging.scorers, judging.scorer_folder, on_failure)
    fixed: dict[str, Scores] = {
        outcome: dict.fromkeys(judging.scorers) for outcome in judging.unscored if outcome != "answered"
    }
    wrong: Scores = dict.fromkeys(judging.scorers, 0.0)

    def score(sample: SentSample, response: Response, found: Found) -> Scores:
        if found.outcome != "answered":
            return fixed.get(found.outcome, wrong)
        fields = {
            "id": sample.id,
            "epoch": sample.epoch,
            "row": sample.row,
            "outcome": found.outcome,
            "parsed": found.parsed,
            "text": found.text,
            "extracted_by": found.extracted_by,
            "target": sample.target,
            "metadata": sample.metadata,
            "finish_reason": response.finish_reason,
            "model_served": response.model,
        }
        return {name: function(fields) for name, function in scorers}

    return score
