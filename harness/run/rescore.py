"""Judge the answers of a run anew, with another schema, extraction or scorers, beside the old results; no call."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from harness.collect.draft import read_sample
from harness.collect.judging import Judging
from harness.collect.kinds import SCORERS
from harness.collect.merge import Part, merge
from harness.collect.results import collect_batch
from harness.collect.scorer_checks import check_scorers, target_check
from harness.collect.verdict import check_schema
from harness.configure.changes import with_judging
from harness.errors import ConfigError
from harness.prepare import sources
from harness.providers.protocol import load
from harness.run import conclude, folder, journal
from harness.run.fold import fold
from harness.run.state import State
from harness.settings import Settings


@dataclass(frozen=True)
class Rescored:
    """Where new results lie, and what they add up to."""

    folder: Path
    summary: Mapping[str, Any]


def rescore(path: Path, overrides: Sequence[str], roots: Sequence[Path], scorers: Path) -> Rescored:
    """Write results, summary and report into `rescored/<time>/` of the run folder.

    Schema and own scorers are taken from the project where it has them (`roots`: the folders of task folders;
    `scorers`: the folder of own scorers), else from the run's own copies. ConfigError, and nothing written, where they
    do not fit.
    """
    stored = folder.read(path)
    settings = with_judging(stored.settings, overrides)
    state = fold(stored.batches, events := journal.of_run(path))
    conclude.hold_bytes(path, events)
    files = {name: where for name, where in _files(path, settings, roots, scorers).items() if where}
    claimed = folder.claim(path / "rescored" / datetime.now().strftime("%Y-%m-%dT%H-%M-%S"))
    try:
        for name, where in files.items():
            copy = claimed.path / "task" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(where.read_bytes())
        judging = _judging(conclude.judging_of(path, stored.settings), settings, claimed.path)
        _check_targets(path, settings, state, judging.schema)
        folder.write_json(claimed.path / "settings.json", settings.model_dump(mode="json", by_alias=True))
        parts, collected = _collect(path, settings, state, judging, claimed.path / "parts")
        last = events[-1]["t"] if events else state.first_at
        notes = ["judged anew" + (f" with {', '.join(overrides)}" if overrides else ""), *_changed(path, files)]
        results = merge(parts, judging)
        summary = conclude.write_files(
            claimed.path,
            settings,
            plan=stored.plan,
            state=state,
            last=last,
            results=results,
            collected=collected,
            notes=notes,
            texts=False,
        )
    except BaseException:
        folder.discard(claimed)
        raise
    finally:
        shutil.rmtree(claimed.path / "parts", ignore_errors=True)
    return Rescored(claimed.path, summary)


def _files(path: Path, settings: Settings, roots: Sequence[Path], scorers: Path) -> dict[str, Path | None]:
    """Return where each file of the judging is taken from, by its name in the run's copy of the task."""
    task, found = settings.task, dict[str, Path | None]()
    if (name := task.answer_schema) is not None:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ConfigError(f"task.schema: {name}: a schema lies in its task's folder")
        own = sources.find(roots, task.name, name)
        found[name] = own or path / "task" / name
        if not (found[name] or path).is_file():
            places = ", ".join(str(root / task.name) for root in roots)
            raise ConfigError(f"task.schema: there is no {name} in {places}, nor in the run")
    for kind in {scorer.kind for scorer in task.scorers.values()} - SCORERS.keys():
        places_of = (scorers / f"{kind}.py", path / "task" / "scorers" / f"{kind}.py")
        found[f"scorers/{kind}.py"] = next((place for place in places_of if place.is_file()), None)
    return found


def _judging(old: Judging, settings: Settings, into: Path) -> Judging:
    """Return how answers are judged now, where they were judged as `old`; all mistakes in one ConfigError."""
    task, name = settings.task, settings.task.answer_schema
    try:
        schema = orjson.loads((into / "task" / name).read_bytes()) if name else None
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"task.schema: {name}:{error.lineno}: not valid JSON: {error.msg}") from None
    own = into / "task" / "scorers"
    wrong = [f"task.schema: {name}: {problem}" for problem in check_schema(schema)] if schema is not None else []
    wrong = wrong or [
        f"task.scorers.{problem}"
        for problem in check_scorers(task.scorers, schema, own, has_target=task.target is not None)
    ]
    if not task.scorers:
        wrong.append("task.scorers: name at least one scorer; the first is the headline")
    if wrong:
        raise ConfigError(wrong)
    return replace(
        old,
        schema=schema,
        extract=task.extract,
        scorers=task.scorers,
        unscored=task.unscored,
        scorer_folder=own,
    )


def _check_targets(path: Path, settings: Settings, state: State, schema: Mapping[str, Any] | None) -> None:
    """Hold that every scorer can compare with the targets that were planned."""
    suits = target_check(settings.task.scorers, schema)
    for batch in state.batches.values():
        with (path / "batches" / batch.name / "samples.jsonl").open("rb") as lines:
            for line in lines:
                sample = read_sample(line)
                if problem := suits(sample.target):
                    raise ConfigError(f"sample {sample.id!r}: {problem}")


def _collect(
    path: Path, settings: Settings, state: State, judging: Judging, into: Path
) -> tuple[list[Part], list[dict[str, Any]]]:
    """Judge every batch whose answers are here; of the others, the requests are pending."""
    into.mkdir()
    decode = conclude.scrubbed(load(settings.provider.protocol).decode, conclude.scrubber(settings))
    parts, collected = [], []
    for batch in state.batches.values():
        source, target = path / "batches" / batch.name, into / f"{batch.name}.jsonl"
        parts.append(Part(source, batch.first_row, target))
        if batch.phase in ("collected", "done"):
            found = collect_batch(source, decode, judging, conclude.error_of(state, batch), target)
            collected.append(conclude.as_event(source, found, lambda outcome, kind, attempts: False))
    return parts, collected


def _changed(path: Path, files: Mapping[str, Path]) -> list[str]:
    """Name the files that are no longer what the run used."""
    notes = []
    for name, where in files.items():
        before = path / "task" / name
        if not before.is_file():
            notes.append(f"{name} is new, from {where}")
        elif before.read_bytes() != where.read_bytes():
            notes.append(f"{name} has changed since the run, from {where}")
    return notes
