"""The user's own scorers: `<folder>/<kind>.py` with `score(result, target)`. Only here is code of the user loaded."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from harness.collect.kinds import SCORERS
from harness.errors import ConfigError


def in_range(value: Any) -> float | None:
    """Return a score as a float; ValueError unless it is None, a bool or a number from 0 to 1."""
    if value is None:
        return None
    if not isinstance(value, bool | int | float) or not 0 <= value <= 1:
        raise ValueError(f"a score is a number from 0 to 1, true, false or None; got {value!r:.100}")
    return float(value)


class _Source(SourceFileLoader):
    """Reads the source every time and leaves no __pycache__ in the user's folder."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Say that there is nothing to cache by."""
        raise OSError


def user_kinds(folder: Path | None) -> list[str]:
    """Return the names of the user's scorers."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem.isidentifier()) if folder else []


def read_user_scorer(kind: str, folder: Path | None) -> Callable[..., Any]:
    """Load `score` from the user's file; ConfigError names what is wrong."""
    if folder is None or not (path := folder / f"{kind}.py").is_file():
        raise ConfigError(_unknown(kind, folder))
    name = f"harness_user_scorer_{kind}"
    loader = _Source(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look for their module here
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{path}: cannot be loaded: {type(error).__name__}: {error}") from error
    score = getattr(module, "score", None)
    if not callable(score):
        raise ConfigError(f"{path}: has no function score(result, target)")
    found: Callable[..., Any] = score
    return found


def _unknown(kind: str, folder: Path | None) -> str:
    have = sorted({*SCORERS, *user_kinds(folder)})
    near = difflib.get_close_matches(kind, have, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown scorer {kind!r}; {hint}have: {', '.join(have)}, or write ./scorers/{kind}.py"


def user_scorer_problems(kind: str, folder: Path | None, options: Mapping[str, Any]) -> list[str]:
    """Say why a user's scorer cannot be loaded or called with these options; empty when it can."""
    try:
        inspect.signature(read_user_scorer(kind, folder)).bind({}, None, **options)
    except ConfigError as error:
        return list(error.problems)
    except TypeError as error:
        return [f"score(result, target) of ./scorers/{kind}.py cannot be called so: {error}"]
    return []
