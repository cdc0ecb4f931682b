"""Compose: find the shipped and the user's own YAML, and turn a composed config into jobs."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from harness.configure import checks, problems, secrets
from harness.errors import ConfigError
from harness.settings import Settings

PACKAGE = Path(__file__).resolve().parent.parent
OLD_HYDRA = hydra.__version__.startswith("1.3")
# What Hydra raises while it composes; the later ones come from its depths, as for `model=null` or `task=[{a: 1}]`.
# RecursionError: a file of the user's that names itself in its defaults.
UNCOMPOSABLE = (
    *(HydraException, OmegaConfBaseException, yaml.YAMLError),
    *(ValueError, TypeError, AttributeError, RecursionError),
)
COMPOSING = threading.Lock()  # Hydra keeps what it composes in globals of the process
NODE_DATA = ("full_key:", "object_type=", "reference_type=", "See https:")


@dataclass(frozen=True)
class Job:
    """One run as asked for: its typed settings and where it wants to live."""

    settings: Settings
    folder: Path  # wanted; claimed only when the run starts
    templates: tuple[Path, ...]  # folders of task folders, the user's first
    scorers: Path  # folder of the user's own scorers
    snapshot: dict[str, str]  # Hydra's record of what was asked: file name → YAML
    label: str = ""  # of a sweep: its overrides


@dataclass(frozen=True)
class Asked:
    """What one command line asks for: a run, or the runs of a sweep in their order."""

    jobs: tuple[Job, ...]
    sweep_folder: Path | None = None


def asset_dir(name: str) -> Path:
    """Return the shipped `conf` or `templates`: inside an installed package, or beside it in a checkout."""
    inside = PACKAGE / "_assets" / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def version_arguments() -> dict[str, Any]:
    """Return what `hydra.main` wants in the installed version: 1.4 warns about what 1.3 needs."""
    return {"version_base": "1.3"} if OLD_HYDRA else {}


class OwnConfFirst(SearchPathPlugin):
    """Put the user's ./conf in front of the shipped one; --config-dir can only append."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Prepend ./conf where it exists and is not the shipped folder itself."""
        own = Path.cwd() / "conf"
        if own.is_dir() and own.resolve() != asset_dir("conf").resolve():
            search_path.prepend("harness-own", f"file://{own}")


def prepare_hydra() -> None:
    """Register our search path, and let Hydra 1.3 start on Python 3.14.

    From 3.14 on argparse checks help texts eagerly, and Hydra 1.3 hands it an object that is no string (hydra #3121).
    """
    Plugins.instance().register(OwnConfFirst)
    if OLD_HYDRA and hasattr(argparse.ArgumentParser, "_check_help"):
        argparse.ArgumentParser._check_help = lambda self, action: None


def settings_of(config: DictConfig) -> Settings:
    """Type a composed config; every mistake in it is a line of the ConfigError."""
    raw = OmegaConf.to_container(config, resolve=False)
    assert isinstance(raw, dict)
    found = secrets.config_problems({k: v for k, v in raw.items() if k != "hydra"}, os.environ)
    found += secrets.config_problems({"hydra": _user_part(raw.get("hydra"))}, os.environ)
    if found:
        raise ConfigError(found)
    own = OmegaConf.masked_copy(config, _own_keys(config))
    missing = sorted(OmegaConf.missing_keys(own))
    wrong = [f"{key}: must be given, such as {key}=…" for key in missing]
    try:
        settings = Settings.model_validate(OmegaConf.to_container(own, resolve=True))
    except OmegaConfBaseException as error:
        raise ConfigError([*wrong, _sentence(error)]) from None
    except ValidationError as error:
        wrong += [line for line in problems.lines(error) if line.partition(":")[0] not in missing]
    if wrong:
        raise ConfigError(wrong)
    wrong = checks.problems(settings, date.today())
    if wrong:
        raise ConfigError(wrong)
    return checks.with_window(settings)


def job_of(config: DictConfig, sweep: Path | None = None, label: str = "") -> Job:
    """Build one job of a composed config that still holds its `hydra` node."""
    settings = settings_of(config)
    given = list(config.hydra.overrides.task)
    if settings.endpoint.embedded() and any(word.lstrip("+").startswith("provider.base_url=") for word in given):
        instead = "set endpoint.url" if settings.endpoint.url else "add endpoint=live"
        raise ConfigError(f"provider.base_url: not used with endpoint={settings.endpoint.name}; {instead}")
    folder = Path(config.hydra.run.dir) if sweep is None else sweep / str(config.hydra.sweep.subdir)
    own = OmegaConf.masked_copy(config, _own_keys(config))
    snapshot = {
        "config.yaml": OmegaConf.to_yaml(own),
        "hydra.yaml": OmegaConf.to_yaml(OmegaConf.masked_copy(config, ["hydra"])),
        "overrides.yaml": OmegaConf.to_yaml(given),
    }
    return Job(settings, folder, template_roots(), Path.cwd() / "scorers", snapshot, label)


def template_roots() -> tuple[Path, ...]:
    """Return the folders of task folders, the user's first."""
    return tuple(dict.fromkeys([Path.cwd() / "templates", asset_dir("templates")]))


def composed(overrides: Sequence[str]) -> Asked:
    """Compose one run for the Python API, with the checks that the command line makes."""
    found = secrets.override_problems(overrides, os.environ)
    if found:
        raise ConfigError(found)
    with COMPOSING:
        return Asked((_job(overrides),))


def _job(overrides: Sequence[str]) -> Job:
    prepare_hydra()
    try:
        with hydra.initialize_config_dir(config_dir=str(asset_dir("conf")), job_name="harness", **version_arguments()):
            config = hydra.compose("config", problems.admitted(overrides), return_hydra_config=True)
    except UNCOMPOSABLE as error:
        raise ConfigError(hydra_lines(error, overrides)) from None
    try:
        return job_of(config)
    except OmegaConfBaseException as error:
        raise ConfigError(hydra_lines(error, overrides)) from None


def hydra_lines(error: Exception, overrides: Sequence[str]) -> list[str]:
    """Say what Hydra could not compose, with the nearest name."""
    found = problems.unknown_keys(overrides)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        options = [str(option) for option in error.options or []]
        near = problems.nearest(name, options)
        have = f" (have: {', '.join(sorted(options))})" if options and not near else ""
        return [*found, f"{group or 'config'}: there is no '{name}'{near}{have}"]
    if isinstance(error, OverrideParseException):
        key = error.override.partition("=")[0] or error.override
        return [f"{key or 'an empty word'}: cannot be read as key=value; put quotes around a value with special signs"]
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark):
        return [f"{mark.name}:{mark.line + 1}: not valid YAML: {error.problem}"]
    if isinstance(error, RecursionError):
        return ["a file of your ./conf names itself in its defaults; call it other than the one that it builds on"]
    if isinstance(error, UnicodeDecodeError):
        return [f"a file of your ./conf is not valid UTF-8: {error}"]
    if not isinstance(error, HydraException | OmegaConfBaseException) or not str(error):
        keys = ", ".join(word.partition("=")[0] for word in overrides)
        return found or [f"cannot be composed: {_sentence(error)}; look at the values of {keys}"]
    return found or [_sentence(error)]


def _own_keys(config: DictConfig) -> list[str]:
    """Return the top-level keys that are ours."""
    return [str(key) for key in config if key != "hydra"]


def _sentence(error: Exception) -> str:
    """Put an error on one line, its key in front, and drop the node data at its end."""
    lines = [line.strip() for line in (str(error) or str(error.__cause__)).splitlines()]
    key = getattr(error, "full_key", None)
    text = f"{key}: " if key else ""
    text += " ".join(line for line in lines if line and not line.startswith(NODE_DATA))
    return text if len(text) <= 300 else text[:299] + "…"


def _user_part(node: object) -> object:
    """Return Hydra's node without our own callback and without the overrides, which were looked at already."""
    if not isinstance(node, dict):
        return node
    job = {key: value for key, value in (node.get("job") or {}).items() if key != "override_dirname"}
    kept = {key: value for key, value in node.items() if key not in ("callbacks", "overrides", "hydra_logging")}
    return {**kept, "job": job}
