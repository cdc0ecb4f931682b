"""Few-shot turns from a file: which rows are shown, what they look like, and whether an evaluated row is among them."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, TemplateError
from harness.prepare.prompts import Render, Sandbox, Turn, compile_text
from harness.prepare.samples import Row, read_rows
from harness.settings import FewShot

FORMATS = (".jsonl", ".csv")

Read = Callable[[str, str], str]  # file of the task's folder, setting that names it → its text


@dataclass(frozen=True)
class Shots:
    """The shown turns, the same for every sample, and how to tell whether a sample asks what some row asks."""

    turns: tuple[Turn, ...]
    item: FewShot
    path: Path
    user: Render
    marks: array[int]  # a hash of what each row of the file asks, in order: 8 bytes a row

    def overlap(self, fields: Mapping[str, Any]) -> str | None:
        """Say which row of the file asks what this sample asks, white space and capitals aside; None if none does."""
        try:
            asked = _plain(self.user({"row": fields, **fields}))
        except TemplateError:  # a sample without the fields of a shot asks something else
            return None
        mark = hash(asked)
        at = bisect_left(self.marks, mark)
        if at == len(self.marks) or self.marks[at] != mark:
            return None
        rows = read_rows(self.path, ())
        line = next((row[0] for row in rows if _plain(_text(self.item, row, self.user)) == asked), None)
        return None if line is None else f"is also the few-shot example on line {line} of {self.item.fewshot}"


def make_shots(env: Sandbox, item: FewShot, key: str, path: Path, read: Read) -> Shots:
    """Draw and render the shots of one item of `task.messages`; `key` is its place, such as task.messages[1]."""
    if not item.fewshot.endswith(FORMATS):
        raise ConfigError(f"{key}.fewshot: {item.fewshot}: the name must end in {' or '.join(FORMATS)}")
    read(item.fewshot, f"{key}.fewshot")
    user = compile_text(env, item.user, read(item.user, f"{key}.user"))
    assistant = compile_text(env, item.assistant, read(item.assistant, f"{key}.assistant"))
    marks = array("q", sorted(hash(_plain(_text(item, row, user))) for row in read_rows(path, ())))
    if not marks or (item.num is not None and item.num > len(marks)):
        raise ConfigError(f"{key}.num: {item.num or 'all'} of {item.fewshot}, but it has {len(marks)} rows")
    turns = [
        turn
        for row in _shown(item, path, len(marks))
        for turn in (("user", _constant(item, row, user)), ("assistant", _constant(item, row, assistant)))
    ]
    return Shots(tuple(turns), item, path, user, marks)


def _shown(item: FewShot, path: Path, count: int) -> list[Row]:
    """Draw the rows that are shown, in the order of the draw."""
    drawn = list(range(count)) if item.num is None else random.Random(item.seed).sample(range(count), item.num)
    wanted = set(drawn)
    rows = {number: row for number, row in enumerate(read_rows(path, ())) if number in wanted}
    return [rows[number] for number in drawn]


def _constant(item: FewShot, row: Row, render: Render) -> Render:
    text = _text(item, row, render)
    return lambda fields: text


def _text(item: FewShot, row: Row, render: Render) -> str:
    """Render a row of the file."""
    line, fields = row
    try:
        return render({"row": fields, **fields})
    except TemplateError as error:
        raise TemplateError(f"{error} ({item.fewshot}:{line}; fields: {', '.join(fields)})") from None


def _plain(text: str) -> str:
    """Return a text without the differences that make no other question."""
    return " ".join(text.split()).casefold()
