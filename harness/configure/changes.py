"""What may still change once a run is planned: how it travels, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from harness.configure import problems
from harness.errors import ConfigError
from harness.settings import Settings

PLANNED: tuple[list[str], ...] = (
    [],
    ["size"],
    ["window"],
    ["deadline"],
)  # of batch.*: a whole group would go around the others


JUDGING = (
    ["task", "schema"],
    ["task", "extract"],
    ["task", "scorers"],
    ["task", "unscored"],
    ["task", "epochs", "reducer"],
    ["task", "epochs", "k"],
)


def with_judging(settings: Settings, overrides: Sequence[str]) -> Settings:
    """Change how answers are judged: schema, extraction, scorers (`~task.scorers.x` takes one away), reduction."""
    data = settings.model_dump(mode="json", by_alias=True)
    for word in overrides:
        key, equals, value = word.lstrip("+~").partition("=")
        parts = key.split(".")
        if not any(parts[: len(known)] == known for known in JUDGING):
            keys = ", ".join(".".join(known) for known in JUDGING)
            raise ConfigError(f"{key}: answers that are here can be judged anew, not asked for; only {keys} may change")
        if bool(equals) == word.startswith("~"):
            raise ConfigError(f"{word}: write {key}=VALUE to set it, or ~{key} to take it away")
        node: Any = data
        for part in parts[:-1]:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if not isinstance(node, dict) or (not equals and parts[-1] not in node):
            near = problems.nearest(parts[-1], node) if isinstance(node, dict) else ""
            raise ConfigError(f"{key}: no such setting{near}")
        if equals:
            node[parts[-1]] = _value(key, value)
        else:
            del node[parts[-1]]
    return _typed(data)


def with_overrides(settings: Settings, overrides: Sequence[str]) -> Settings:
    """Change what a resumed run may change: `output.*`, and `batch.*` except size and window."""
    if not overrides:
        return settings
    data = settings.model_dump(mode="json", by_alias=True)
    for word in overrides:
        key, equals, value = word.partition("=")
        parts = key.split(".")
        if not equals or parts[0] not in ("batch", "output") or parts[1:2] in PLANNED:
            raise ConfigError(f"{key}: a resumed run keeps what was planned; only output.* and batch.* may change")
        if settings.max_cost is not None and key.startswith("batch.retry"):
            raise ConfigError(f"{key}: would change the worst case that max_cost was held to; start a new run")
        node: Any = data
        for part in parts[:-1]:
            node = node.get(part) if isinstance(node, dict) else None
        if not isinstance(node, dict) or parts[-1] not in node:
            near = problems.nearest(parts[-1], node) if isinstance(node, dict) else ""
            raise ConfigError(f"{key}: no such setting{near}")
        node[parts[-1]] = _value(key, value)
    return _typed(data)


def _value(key: str, text: str) -> Any:
    """Read a value as YAML does."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"{key}: cannot be read (got {text!r})") from None


def _typed(data: Any) -> Settings:
    """Type changed settings; every mistake is a line."""
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(problems.lines(error)) from None
