"""Declarative evaluation of language models on the providers' batch APIs.

From Python: `run(["model=o3-mini"])`, `plan([...])`, `open(folder)`. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, devnull
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, HarnessError, Stopped

__all__ = ["ConfigError", "HarnessError", "Run", "Stopped", "__version__", "open", "plan", "run"]
__version__ = "0.1.0"


@dataclass(frozen=True)
class Run:
    """A run folder. Everything is read from disk when asked for."""

    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        """Return summary.json: scores, outcomes, coverage, cost, usage."""
        return self._read("summary.json")

    @property
    def metadata(self) -> dict[str, Any]:
        """Return metadata.json; its `state` is finished, stopped or unfinished."""
        return self._read("metadata.json")

    def results(self) -> Iterator[dict[str, Any]]:
        """Stream results.jsonl, one mapping per request in the dataset's order."""
        import orjson

        with (self.folder / "results.jsonl").open("rb") as lines:
            for line in lines:
                yield orjson.loads(line)

    def _read(self, name: str) -> dict[str, Any]:
        import orjson

        try:
            data: dict[str, Any] = orjson.loads((self.folder / name).read_bytes())
        except FileNotFoundError:
            raise HarnessError(f"{self.folder}: no {name} yet; resume the run, or rebuild it with `report`") from None
        return data


def run_experiment(overrides: Sequence[str] = ()) -> Run:
    """Run an experiment to its end, silently; the overrides are those of the command line.

    Raises ConfigError before anything is sent, and Stopped where the run is resumable but not finished.
    """
    from rich.console import Console

    from harness.configure.compose import composed
    from harness.run.driver import begin

    with Path(devnull).open("w", encoding="utf-8") as nowhere:
        ended = begin(composed(_words(overrides)), Console(file=nowhere))[0]
    if ended.stopped:
        raise Stopped(f"{ended.folder}: {ended.reason}; go on with `python -m harness resume {ended.folder}`")
    return Run(ended.folder)


# Importing the room harness/run would hide a function of this name, so the room can be called as well.
run = run_experiment


def plan(overrides: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return the plan of a run as plan.json spells it; nothing is written, no key is read, nothing is called."""
    from dataclasses import asdict

    from harness.configure.compose import composed
    from harness.run.planning import plan_all

    return asdict(plan_all(composed(_words(overrides)))[0])


def _words(overrides: Sequence[str]) -> Sequence[str]:
    """Hold that overrides are a list of texts: a text alone would be read letter by letter."""
    if isinstance(overrides, str) or not all(isinstance(word, str) for word in overrides):
        raise ConfigError(f"overrides: a list of texts is expected, such as ['model=o3-mini'] (got {overrides!r:.80})")
    return overrides


def open(folder: str | PathLike[str]) -> Run:
    """Open the folder of a run, or of its answers judged anew."""
    path = Path(folder)
    if not any((path / name).is_file() for name in ("plan.json", "summary.json")):
        raise HarnessError(f"{path}: not a run folder, it has no plan.json")
    return Run(path)
