"""Check everything about a run that needs no row of its dataset; all mistakes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import orjson

from harness.errors import ConfigError, DatasetError, HarnessError, TemplateError
from harness.prepare import capabilities, fewshot, prompts, samples, sources
from harness.pricing import Price, look_up
from harness.settings import FewShot, MessageTemplate, Settings
from harness.types import Fixed, Message, Request

Found = TypeVar("Found")
Judged = Callable[[Mapping[str, Any] | None], list[str]]  # schema → what is wrong with it and with the scorers
Suits = Callable[[Any], str | None]  # a sample's target → why the scorers cannot compare with it


@dataclass(frozen=True)
class Ready:
    """A run that passed every check which needs no row of the dataset."""

    settings: Settings
    fixed: Fixed
    schema: Mapping[str, Any] | None
    sources: Mapping[str, str]  # file of the task folder → its text, as used
    turns: Callable[[Mapping[str, Any]], tuple[Message, ...]]
    shots: tuple[fewshot.Shots, ...]
    target: Callable[[Mapping[str, Any]], Any]
    suits: Suits
    dataset: Path
    dataset_digest: str
    price: Price
    notes: tuple[str, ...]


class TaskFiles:
    """The files of a task's folder, and a record of those that were used."""

    def __init__(self, roots: tuple[Path, ...], task: str) -> None:
        self.roots, self.task = roots, task
        self.used: dict[str, str] = {}

    def read(self, name: str, setting: str) -> str:
        """Return a file's text; ConfigError where it is missing."""
        self.used[name] = sources.read_text(self.roots, self.task, name, setting)
        return self.used[name]

    def include(self, name: str) -> str | None:
        """Return what a template includes; None where it is missing."""
        return self.read(name, "task.messages") if sources.find(self.roots, self.task, name) else None

    def turns(self, env: prompts.Sandbox, number: int, item: MessageTemplate | FewShot) -> fewshot.Shots | prompts.Turn:
        """Compile an item of the messages: one turn, or the shots of a file."""
        key = f"task.messages[{number}]"
        if isinstance(item, FewShot):
            path = sources.find(self.roots, self.task, item.fewshot) or Path(item.fewshot)
            return fewshot.make_shots(env, item, key, path, self.read)
        if item.template is None:
            return item.role, prompts.compile_text(env, f"{key}.content", item.content or "")
        return item.role, prompts.compile_text(env, item.template, self.read(item.template, f"{key}.template"))


def make_ready(
    settings: Settings,
    roots: tuple[Path, ...],
    judged: Judged,
    suits: Callable[[Mapping[str, Any] | None], Suits] = lambda schema: lambda target: None,
) -> Ready:
    """Read and check task, schema, templates, dataset file and capability rules; all mistakes in one ConfigError."""
    wrong: list[str] = []

    def attempt(step: Callable[[], Found]) -> Found | None:
        try:
            return step()
        except HarnessError as error:
            wrong.extend(error.problems if isinstance(error, ConfigError) else [str(error)])
            return None

    task, files = settings.task, TaskFiles(roots, settings.task.name)
    schema = attempt(lambda: _schema(files, task.answer_schema))
    unread = task.answer_schema is not None and schema is None
    found = judged({} if unread else schema)  # of a file that cannot be read nothing is known
    wrong.extend(found)
    env = prompts.Sandbox(files.include)
    items = [attempt(partial(files.turns, env, number, item)) for number, item in enumerate(task.messages)]
    shots = tuple(item for item in items if isinstance(item, fewshot.Shots))
    turns = [turn for item in items if item for turn in (item.turns if isinstance(item, fewshot.Shots) else (item,))]
    render = partial(prompts.render_turns, turns)
    target = attempt(lambda: prompts.compile_target(env, task.target))
    dataset = attempt(lambda: sources.find_dataset(roots, settings, samples.FORMATS))
    digest = attempt(partial(_dataset_digest, settings, dataset)) if dataset else None
    fixed = None if found else attempt(lambda: capabilities.apply(settings, schema))
    if not any(isinstance(item, MessageTemplate) and item.role == "user" for item in task.messages):
        wrong.append("task.messages: at least one user message is needed")
    if wrong or fixed is None or target is None or dataset is None or digest is None:
        raise ConfigError(wrong)
    if settings.endpoint.name == "upstream":
        price = Price(None, "a server of your own: it has no price that is known here")
    else:
        price = look_up(settings.provider, settings.model_id(), settings.model.prices)
    notes = _notes(settings, dataset, roots, price)
    return Ready(
        settings, fixed, schema, files.used, render, shots, target, suits(schema), dataset, digest, price, notes
    )


def _schema(files: TaskFiles, name: str | None) -> dict[str, Any] | None:
    """Read the task's answer schema, key order kept; None for free text."""
    if name is None:
        return None
    try:
        schema = orjson.loads(files.read(name, "task.schema"))
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"task.schema: {name}:{error.lineno}: not valid JSON: {error.msg}") from None
    if not isinstance(schema, dict):
        raise ConfigError(f"task.schema: {name} must hold a JSON object")
    return schema


def _dataset_digest(settings: Settings, dataset: Path) -> str:
    found = samples.file_digest(dataset)
    pinned = settings.task.dataset.sha256
    if pinned is not None and pinned != found:
        raise ConfigError(f"task.dataset.sha256: {dataset} has {found}, not the pinned {pinned}")
    return found


def _notes(settings: Settings, dataset: Path, roots: tuple[Path, ...], price: Price) -> tuple[str, ...]:
    notes = []
    life = settings.model.lifecycle
    if life and life.retired:
        where = "it runs on the emulator, " if settings.endpoint.embedded() else ""
        notes.append(f"{settings.model.name} is retired: {where}the provider no longer serves it")
    elif life and life.retires_on:
        notes.append(f"{settings.model.name} is announced to shut down on {life.retires_on} ({life.source})")
    if not any(dataset.resolve().is_relative_to(root) for root in (*roots, Path.cwd())):
        notes.append(f"the dataset lies outside the project: {dataset}")
    if price.rates is None:
        notes.append(price.note)
    return tuple(notes)


def requests(ready: Ready) -> Iterator[Request]:
    """Render every request: sample × epoch, in the dataset's order."""
    epochs = ready.settings.task.epochs.count
    for sample in samples.read_samples(ready.dataset, ready.settings.task.dataset, ready.target, ready.suits):
        try:
            if found := next(filter(None, (shots.overlap(sample.fields) for shots in ready.shots)), None):
                raise DatasetError(f"{ready.dataset}: sample {sample.id!r} {found}; leave it out of one of the two")
            messages = capabilities.turns(ready.turns(sample.fields), ready.fixed)
        except TemplateError as error:
            raise TemplateError(f"{error} (sample {sample.id!r}; fields: {', '.join(sample.fields)})") from None
        for epoch in range(epochs):
            yield Request(sample.number * epochs + epoch, epoch, sample, messages)
