"""What a resumed run may still change."""

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
        try:
            node[parts[-1]] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"{key}: cannot be read (got {value!r})") from None
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(problems.lines(error)) from None
