"""The preflight: a Hydra callback that types and checks everything before anything is written, then runs the rest.

Hydra turns an ordinary exception of a callback into a warning and goes on unchecked, so every way out of here is an
exit. Hydra's own launcher and sweeper never start: a sweep is composed here, once per job, and handed on as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from harness.configure.compose import UNCOMPOSABLE, Asked, Job, hydra_lines, job_of
from harness.errors import ConfigError

# Hydra builds the callback by name, so what follows the checks cannot be an argument: the dispatcher sets it.
continuation: Callable[[Asked], int] | None = None
failure: Exception | None = None


class Preflight(Callback):
    """Check, then hand over; never returns to Hydra."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Take over a single run."""
        leave(lambda: Asked((job_of(config),)))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Take over a sweep."""
        leave(lambda: sweep(config))


def leave(build: Callable[[], Asked]) -> NoReturn:
    """Build what was asked, go on with it, and exit whatever happens; the dispatcher raises `failure` again."""
    global failure
    try:
        if continuation is None:
            raise RuntimeError("the preflight ran without a continuation")
        raise SystemExit(continuation(build()))
    except (HydraException, OmegaConfBaseException) as error:
        failure = ConfigError(hydra_lines(error, ()))
    except Exception as error:
        failure = error
    raise SystemExit(1)


def sweep(config: DictConfig) -> Asked:
    """Compose every job of a sweep; the mistakes of all of them come in one ConfigError, named by job."""
    loader = GlobalHydra.instance().config_loader()
    given = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    given += list(config.hydra.overrides.task)
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(given)
    folder = Path(config.hydra.sweep.dir)
    jobs: list[Job] = []
    wrong: list[str] = []
    batches = BasicSweeper.split_arguments(parsed, None)
    composed = [list(overrides) for overrides in batches[0]] if batches else []
    shared = set.intersection(*map(set, composed)) if len(composed) > 1 else set()
    for number, overrides in enumerate(composed):
        label = " ".join(word.lstrip("+") for word in overrides if word not in shared)
        try:
            job = _composed(loader, config, overrides)
            with read_write(job), open_dict(job):
                job.hydra.job.num = number
                job.hydra.job.id = str(number)
            jobs.append(job_of(job, folder, label))
        except ConfigError as error:
            wrong += [f"job {number} ({label}): {problem}" for problem in error.problems]
        except OmegaConfBaseException as error:
            wrong += [f"job {number} ({label}): {problem}" for problem in hydra_lines(error, overrides)]
    if wrong:
        raise ConfigError(wrong)
    return Asked(tuple(jobs), folder)


def _composed(loader: ConfigLoader, config: DictConfig, overrides: list[str]) -> DictConfig:
    try:
        return loader.load_sweep_config(config, overrides)
    except UNCOMPOSABLE as error:
        raise ConfigError(hydra_lines(error, overrides)) from None
