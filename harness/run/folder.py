"""The run folder: claimed atomically, locked while driven, read back when resumed."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from harness.errors import HarnessError, Stopped
from harness.settings import Settings
from harness.types import BatchFile, run_key_in

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base32, lower case


@dataclass(frozen=True)
class Claimed:
    """A folder that is ours alone, and the folders above it that were made for it."""

    path: Path
    parents: tuple[Path, ...]  # the deepest first


def claim(wanted: Path) -> Claimed:
    """Create the folder, or the next free `-2`, `-3` …: two runs in one second get two folders."""
    parents = tuple(parent for parent in wanted.parents if not parent.exists())
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10_000):
        path = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return Claimed(path, parents)
    raise HarnessError(f"{wanted}: ten thousand folders of this name; choose another hydra.run.dir")


def discard(claimed: Claimed) -> None:
    """Remove a folder that was claimed for a run that is refused, and what was made above it, where empty."""
    shutil.rmtree(claimed.path, ignore_errors=True)
    for parent in claimed.parents:
        try:
            parent.rmdir()
        except OSError:
            return


def new_run_key() -> str:
    """Draw the key that marks everything of one run at the provider: k and 12 base32 characters.

    One of them is a digit, so that nobody's word looks like a key.
    """
    while True:
        key = "k" + "".join(secrets.choice(ALPHABET) for _ in range(12))
        if run_key_in(f"{key}-"):
            return key


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file for people and programs: complete, or not at all."""
    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"
    write_bytes(path, data)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file under another name, sync it, then rename it."""
    partial = path.with_name(path.name + ".tmp")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_asked(
    folder: Path,
    settings: Settings,
    *,
    snapshot: Mapping[str, str],
    sources: Mapping[str, str],
    scorers: Mapping[str, str],
) -> None:
    """Write what was asked: Hydra's snapshot, the typed settings, and the task's files as used."""
    for name, text in snapshot.items():
        _write_text(folder / ".hydra" / name, text)
    for name, text in sources.items():
        _write_text(folder / "task" / name, text)
    for name, text in scorers.items():
        _write_text(folder / "task" / "scorers" / name, text)
    write_json(folder / "settings.json", settings.model_dump(mode="json", by_alias=True))


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Stored:
    """What a run folder says of itself."""

    folder: Path
    settings: Settings
    plan: dict[str, Any]
    batches: tuple[BatchFile, ...]


def read(folder: Path) -> Stored:
    """Read settings and plan; HarnessError with what is wrong and what can still be done."""
    if not folder.is_dir():
        raise HarnessError(f"{folder}: no such run folder")
    try:
        settings = Settings.model_validate(orjson.loads((folder / "settings.json").read_bytes()))
        plan = orjson.loads((folder / "plan.json").read_bytes())
        batches = tuple(BatchFile(**batch) for batch in plan["batches"])
    except FileNotFoundError as error:
        what = Path(error.filename).name
        if runs := sorted(path.parent.name for path in folder.glob("*/plan.json")):
            raise HarnessError(f"{folder}: a sweep; name one of its runs: {', '.join(runs)}") from None
        raise HarnessError(
            f"{folder}: not a complete run folder, {what} is missing; restore it from a copy, or start a new run"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(f"{folder}: damaged ({str(error).splitlines()[0]}); restore it from a copy") from None
    return Stored(folder, settings, plan, batches)


class Lock:
    """One driver per run: held for the life of the process, freed by the system whatever happens to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self.file: IO[str] = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.file.seek(0)
            holder = self.file.read().strip() or "another process"
            self.file.close()
            raise Stopped(f"{folder}: {holder} drives this run; wait for it, or stop it first") from None
        self.file.truncate(0)
        self.file.write(f"process {os.getpid()} on {socket.gethostname()}")
        self.file.flush()

    def release(self) -> None:
        """Give the run free. The file stays: removing it could let two processes hold two locks of one name."""
        self.file.close()


def is_driven(folder: Path) -> bool:
    """Tell whether a living process drives the run."""
    path = folder / "lock"
    try:
        with path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def leave_note(folder: Path, name: str) -> None:
    """Leave a note for the process that drives the run, such as `cancel`."""
    (folder / name).touch()


def take_note(folder: Path, name: str) -> bool:
    """Take a note away and tell whether there was one."""
    try:
        (folder / name).unlink()
    except OSError:
        return False
    return True
