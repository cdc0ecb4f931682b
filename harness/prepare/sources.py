"""Find and read the files of a task: templates, schema, dataset; the user's own folder comes first, file by file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import ConfigError
from harness.settings import Settings


def find(roots: Sequence[Path], task: str, name: str) -> Path | None:
    """Return the first `<root>/<task>/<name>`; None where there is none.

    Raises ConfigError where the name leads out of its folder by `..` or a link: what a plan shows must be what lies
    in the reviewed folder.
    """
    for root in roots:
        folder = root / task
        path = folder / name
        if path.is_file():
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ConfigError(f"{name}: leads out of {folder}; a template or schema lies in its task's folder")
            return path
    return None


def read_text(roots: Sequence[Path], task: str, name: str, setting: str) -> str:
    """Read a template or schema; ConfigError where it is missing or not UTF-8."""
    path = find(roots, task, name)
    if path is None:
        raise ConfigError(f"{setting}: there is no {name} in {' or '.join(str(root / task) for root in roots)}")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{setting}: {path} cannot be read: {error}") from None


def find_dataset(roots: Sequence[Path], settings: Settings, formats: Sequence[str]) -> Path:
    """Return the dataset: in the task's folder, or from the working directory; it may lie anywhere, and be a link."""
    name = settings.task.dataset.path
    if not name.endswith(tuple(formats)):
        raise ConfigError(f"task.dataset.path: {name}: the name must end in {', '.join(formats)}")
    places = [*(root / settings.task.name / name for root in roots), Path(name).absolute()]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ConfigError(f"task.dataset.path: no such file; looked for {', '.join(map(str, dict.fromkeys(places)))}")
    return path
