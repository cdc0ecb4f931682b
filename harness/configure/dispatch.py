"""Hand a command line to Hydra: flags first, secrets refused, the preflight appended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from harness.configure import secrets
from harness.errors import ConfigError

WITH_VALUE = {"--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp"}
RERUN = "--experimental-rerun"
PREFLIGHT = "+hydra.callbacks.harness._target_=harness.configure.preflight.Preflight"


def flags_first(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part flags from overrides: Hydra 1.3 refuses overrides on both sides of a flag."""
    flags: list[str] = []
    overrides: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            overrides.append(word)
            continue
        flags.append(word)
        optional = word in ("--info", "-i") and rest and "=" not in rest[0]
        if rest and (word in WITH_VALUE or optional):
            flags.append(rest.pop(0))
        elif word in ("--info", "-i"):
            flags.append("all")  # else argparse takes the next override for its value
    return flags, overrides


def launch(words: Sequence[str], go_on: Callable[..., int]) -> int:
    """Compose with Hydra, check, and call `go_on` with what was asked; return the exit code.

    Raises ConfigError for what Hydra cannot compose. The task function below is reached only where the preflight
    was kept from running, so it refuses.
    """
    flags, overrides = flags_first(words)
    found = secrets.override_problems(overrides, os.environ)
    # It loads a pickle, which is code, and goes around the callbacks; argparse takes its beginning for the whole.
    if any(len(flag) > 2 and RERUN.startswith(flag.partition("=")[0]) for flag in flags):
        found.append(f"{RERUN}: would run unchecked; `resume` goes on with a run")
    if found:
        raise ConfigError(found)
    import hydra
    from omegaconf import DictConfig

    from harness.configure import compose, preflight, problems

    preflight.continuation, preflight.failure = go_on, None
    compose.prepare_hydra()
    arguments = compose.version_arguments()
    if not compose.OLD_HYDRA:
        arguments["execution_whitelist"] = ["harness.*"]
    sys.argv = ["harness", *flags, *problems.admitted(overrides), PREFLIGHT]
    # Without it Hydra prints composition errors itself and exits with 1; ours are one line and exit 2.
    os.environ["HYDRA_FULL_ERROR"] = "1"

    def refuse(config: DictConfig) -> None:
        raise ConfigError("the preflight did not run; nothing is sent. Remove what overrides hydra.callbacks")

    try:
        hydra.main(config_path=str(compose.asset_dir("conf")), config_name="config", **arguments)(refuse)()
    except compose.UNCOMPOSABLE as error:
        raise ConfigError(compose.hydra_lines(error, overrides)) from None
    except SystemExit as leaving:
        if preflight.failure is not None:
            raise preflight.failure from None
        return leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 2
    return 0
