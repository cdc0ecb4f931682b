"""Begin a project: copy the starter into a folder, whole or not at all, and never over a file that is there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from harness.errors import ConfigError

STARTER = Path(__file__).resolve().parent.parent / "starter"


def begin_project(folder: Path) -> list[Path]:
    """Write the starter's files into a folder and return them; ConfigError where one of them is there already."""
    files = sorted(path.relative_to(STARTER) for path in STARTER.rglob("*") if path.is_file() and _is_ours(path))
    there = [str(folder / file) for file in files if (folder / file).exists()]
    if there:
        raise ConfigError(f"{folder}: nothing was written, it has {', '.join(there)} already; name another folder")
    written: list[Path] = []
    made: list[Path] = []
    try:
        for file in files:
            parents = [parent for parent in (folder / file).parents if not parent.exists()]
            made += parents[::-1]  # the outermost first
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            with (folder / file).open("xb") as target:
                written.append(folder / file)
                target.write((STARTER / file).read_bytes())
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        for path in made[::-1]:
            with suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise ConfigError(f"{folder}: cannot be written: {error.strerror} ({error.filename})") from None
        raise
    return written


def _is_ours(path: Path) -> bool:
    """Leave out what Python leaves behind when somebody imports the starter's scorer."""
    return "__pycache__" not in path.parts
