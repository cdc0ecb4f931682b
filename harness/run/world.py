"""What the runs of one process share: the clock, and the emulator where they are simulated or have their own server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.errors import ConfigError, ProviderError
from harness.providers.protocol import Client, Provider, load
from harness.run.clock import RunClock
from harness.run.local import Emulator
from harness.settings import Settings


@dataclass(frozen=True)
class World:
    """What the runs of one process share."""

    clock: RunClock
    console: Console
    emulator: Emulator | None
    books: Path | None


def connect(provider: Provider, settings: Settings, world: World) -> Client:
    """Connect to the emulator of this world, or with the key of the environment to the provider itself."""
    if world.emulator is not None:
        return provider.connect(settings.provider.imitated_at(world.emulator.address()), "simulated")
    return provider.connect(settings.provider, os.environ.get(settings.key_variable() or "", "") or "none")


def unserved(settings: Settings, world: World) -> list[str]:
    """Ask a live provider whether it has the model, before anything is uploaded; what it cannot say, the run will."""
    if world.emulator is not None:
        return []
    provider = load(settings.provider.protocol)
    client = connect(provider, settings, world)
    try:
        if provider.knows(client, settings.model_id()) is not False:
            return []
    except ProviderError:
        return []
    finally:
        client.close()
    name = settings.provider.name
    return [f"model: {name} has no '{settings.model_id()}'; check model.id and model.ids.{name}, or choose another"]


@contextmanager
def world_of(
    settings: Sequence[Settings], folders: Sequence[Path], home: Path | None, last: float, console: Console
) -> Iterator[World]:
    """Start the clock, and the emulator where a run needs it.

    Simulated time goes on where the journal ended, so a run that is resumed next week has not expired meanwhile.
    """
    endpoint = settings[0].endpoint
    differ = [
        name for name in type(endpoint).model_fields if len({getattr(one.endpoint, name) for one in settings}) > 1
    ]
    if differ:
        keys = ", ".join(f"endpoint.{name}" for name in differ)
        raise ConfigError(f"{keys}: the runs of a sweep share one endpoint; make two sweeps of it")
    start = last if endpoint.simulated and last else max(last, time.time())
    clock = RunClock(start, endpoint.speed)
    if not endpoint.embedded():
        yield World(clock, console, None, None)
        return
    state = (home or folders[0]) / ".emulator"
    emulator = Emulator(state, endpoint, now=start, models=sorted({one.model_id() for one in settings}))
    try:
        yield World(clock, console, emulator, state / "books" if endpoint.simulated else None)
    finally:
        emulator.stop()
