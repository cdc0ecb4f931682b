"""What a resumed run may still change."""

from __future__ import annotations

from collections.abc import Sequence

import yaml
from pydantic import ValidationError

from harness.configure import problems
from harness.errors import ConfigError
from harness.settings import Settings


def with_overrides(settings: Settings, overrides: Sequence[str]) -> Settings:
    """Change what a resumed run may change: `output.*`, and `batch.*` except size and window."""
    if not overrides:
        return settings
    data = settings.model_dump(mode="json", by_alias=True)
    for word in overrides:
        key, equals, value = word.partition("=")
        parts = key.split(".")
        if not equals or parts[0] not in ("batch", "output") or key in ("batch.size", "batch.window", "batch.deadline"):
            raise ConfigError(f"{key}: a resumed run keeps what was planned; only output.* and batch.* may change")
        node = data
        for part in parts[:-1]:
            node = node.get(part) or {}
        if parts[-1] not in node:
            raise ConfigError(f"{key}: no such setting{problems.nearest(parts[-1], node)}")
        node[parts[-1]] = yaml.safe_load(value)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(problems.lines(error)) from None
