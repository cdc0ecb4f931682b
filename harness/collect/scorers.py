"""From the task's `scorers` to functions: ours by name, or the user's own; and what is wrong with them before a run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from harness.collect.answer_paths import path_problems
from harness.collect.scoring import SCORERS, pick
from harness.collect.user_scorers import in_range, read_user_scorer, user_scorer_problems
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
    path, options = scorer.answer, scorer.options()
    if scorer.kind in SCORERS:
        function = partial(SCORERS[scorer.kind], **options) if options else SCORERS[scorer.kind]
        return lambda fields: function(_answer(fields, path), fields["target"])
    score = read_user_scorer(scorer.kind, folder)

    def guarded(fields: Fields) -> float | None:
        try:
            return in_range(score({**fields, "answer": _answer(fields, path)}, fields["target"], **options))
        except (Exception, SystemExit) as error:  # code of the user, run on output of a model: nothing may end the run
            on_failure(name, f"{type(error).__name__}: {error}")
            return None

    return guarded


def _answer(fields: Fields, path: str | None) -> Any:
    """Return what the scorer looks at; where JSON was found, the text is no substitute, not even for null."""
    return pick(fields["parsed"], None if fields["extracted_by"] else fields["text"], path)


def check_scorers(scorers: Mapping[str, Scorer], schema: Mapping[str, Any] | None, folder: Path | None) -> list[str]:
    """Return what is wrong with the task's scorers, a sentence each that begins with the scorer's name."""
    problems: list[str] = []
    for name, scorer in scorers.items():
        found = _options(scorer, folder)
        if scorer.answer is not None:
            found += path_problems(scorer.answer, schema)
        problems += [f"{name}: {problem}" for problem in found]
    return problems


def _options(scorer: Scorer, folder: Path | None) -> list[str]:
    """Check kind and options."""
    options = scorer.options()
    if scorer.kind not in SCORERS:
        return user_scorer_problems(scorer.kind, folder, options)
    hints = get_type_hints(SCORERS[scorer.kind], include_extras=True)
    known = [name for name in hints if name not in ("answer", "target", "return")]
    problems = []
    for name, value in options.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            problems.append(f"{scorer.kind} has no option {name!r}; {hint}have: {', '.join(known)}")
            continue
        try:
            TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as error:
            problems.append(f"{name}={value!r}: {error.errors()[0]['msg']}")
    return problems
