"""Build Settings from the shipped YAML without Hydra: fast, for tests of pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from harness.settings import Settings

CONF = Path(__file__).parents[1] / "conf"
TASK = {
    "name": "t",
    "version": 1,
    "dataset": {
        "path": "samples.jsonl",
        "sha256": None,
        "id": "id",
        "json": [],
        "metadata": [],
        "limit": None,
        "offset": 0,
        "sample": None,
        "seed": 0,
    },
    "target": "label",
    "messages": [{"role": "user", "content": "{{ text }}"}],
    "generate": {},
    "schema": None,
    "structured_output": "auto",
    "extract": "fenced",
    "epochs": {"count": 1, "reducer": "mean", "k": None},
    "scorers": {"accuracy": {"kind": "exact_match"}},
    "unscored": ["failed", "expired", "cancelled", "missing"],
}


@cache
def _text(group: str, name: str) -> str:
    return (CONF / group / f"{name}.yaml").read_text(encoding="utf-8")


def shipped(group: str, name: str) -> dict[str, Any]:
    """Return a shipped YAML without its defaults list."""
    data = yaml.safe_load(_text(group, name))
    data.pop("defaults", None)
    return data


def model(name: str) -> dict[str, Any]:
    """Return a model with its facts."""
    data = shipped("model", name)
    data["generate"] = data.get("generate") or {}
    defaults = yaml.safe_load(_text("model", name))["defaults"]
    family = next(
        (entry["/capabilities@capabilities"] for entry in defaults if "/capabilities@capabilities" in entry), None
    )
    data["capabilities"] = shipped("capabilities", family) if family else None
    return data


def provider_of(name: str) -> str:
    """Return the provider that a model brings."""
    defaults = yaml.safe_load(_text("model", name))["defaults"]
    key = "/provider@_global_.provider"
    return str(next(entry[key] for entry in defaults if key in entry))


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested mappings with changes taken in."""
    result = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if nested else value
    return result


def settings(model_name: str, **changes: Any) -> Settings:
    """Return the settings of a run with this model; changes are nested mappings by group."""
    base = {
        "task": TASK,
        "model": model(model_name),
        "provider": shipped("provider", provider_of(model_name)),
        "endpoint": shipped("endpoint", "local"),
        "batch": shipped("batch", "default"),
        "executor": shipped("executor", "inline"),
        "generate": {},
        "output": {"txt_limit": 10_000},
        "strict": False,
        "approved_plan": None,
        "max_cost": None,
    }
    return Settings.model_validate(merged(base, changes))
