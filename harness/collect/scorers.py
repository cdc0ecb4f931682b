"""From the task's `scorers` to functions: ours by name, or the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.collect.extract import spoken
from harness.collect.kinds import SCORERS
from harness.collect.scoring import label_of, pick
from harness.collect.user_scorers import in_range, read_user_scorer
from harness.settings import Scorer

Fields = Mapping[str, Any]  # a result as results.jsonl spells it
Scoring = Callable[[Fields], float | None]
OnFailure = Callable[[str, str], None]  # scorer's name, what went wrong


def ignore(name: str, message: str) -> None:
    """Take no note of a failed scorer."""


def load_scorers(
    scorers: Mapping[str, Scorer], folder: Path | None, on_failure: OnFailure = ignore
) -> list[tuple[str, Scoring]]:
    """Return a function for each scorer, in order; ConfigError for a kind that is unknown or cannot be loaded.

    A user's scorer returns a number from 0 to 1, a bool, or None for "no score". Anything else, and any exception,
    becomes None and is told to `on_failure`.
    """
    return [(name, _load(name, scorer, folder, on_failure)) for name, scorer in scorers.items()]


def _load(name: str, scorer: Scorer, folder: Path | None, on_failure: OnFailure) -> Scoring:
    path, within, options = scorer.answer, scorer.target, scorer.options()
    if scorer.kind in SCORERS:
        function = SCORERS[scorer.kind].make(options)
        if within is None:
            return lambda fields: function(_answer(fields, path), fields["target"])
        return lambda fields: function(_answer(fields, path), pick(fields["target"], None, within))
    score = read_user_scorer(scorer.kind, folder)

    def guarded(fields: Fields) -> float | None:
        try:
            target = fields["target"] if within is None else pick(fields["target"], None, within)
            return in_range(score({**fields, "answer": _answer(fields, path)}, target, **options))
        except (Exception, SystemExit) as error:  # code of the user, run on output of a model: nothing may end the run
            on_failure(name, f"{type(error).__name__}: {error}")
            return None

    return guarded


def _answer(fields: Fields, path: str | None) -> Any:
    """Return what the scorer looks at: of free text what stands outside of thoughts that the model wrote into it.

    Where JSON was found, the text is no substitute, not even for null.
    """
    text = None if fields["extracted_by"] or fields["text"] is None else spoken(fields["text"])
    return pick(fields["parsed"], text, path)


def label_readers(scorers: Mapping[str, Scorer]) -> dict[str, Callable[[Fields], tuple[str, str | None] | None]]:
    """Return for each `choice` scorer the function from a result to the label wanted and the one given.

    None where the request was not scored or has no label to reach; a given label of None is an answer without one.
    """
    return {name: partial(_labels, name, scorer) for name, scorer in scorers.items() if scorer.kind == "choice"}


def _labels(name: str, scorer: Scorer, fields: Fields) -> tuple[str, str | None] | None:
    if fields["scores"].get(name) is None:
        return None
    wanted = label_of(pick(fields["target"], None, scorer.target) if scorer.target else fields["target"])
    if wanted is None:
        return None
    return wanted, label_of(_answer(fields, scorer.answer)) if fields["outcome"] == "answered" else None
