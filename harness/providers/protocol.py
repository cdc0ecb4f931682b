"""What a provider module defines; the type checker holds each module against it, no class is needed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from harness.errors import ConfigError
from harness.settings import Provider as ProviderSettings
from harness.settings import Settings
from harness.types import BatchStatus, Belonging, Candidate, Fetched, Fixed, Request, Response

Client = Any  # the SDK's own client


class Provider(Protocol):
    """A wire protocol: pure functions on top, then the handful of calls.

    Every call raises ProviderError, of kind `unclear` where it may have been carried out all the same.
    """

    SDK: Mapping[str, str]  # what the calls import when they are made → the package that has it
    EXTRA: str  # of the harness, that brings them
    UPLOADS: bool  # False: requests travel with the create call, and `file` is a path of ours
    APIS: tuple[str, ...]  # the values of model.api whose bodies it writes

    def encoder(self, fixed: Fixed) -> Callable[[Request], bytes]:
        """Return the function that makes the body of a request: one JSON object without line end, the same bytes
        for the same request, and no id in it. What is constant is encoded once.
        """

    def line(self, custom_id: str, body: bytes, fixed: Fixed) -> bytes:
        """Wrap a body into a line of the batch's input file, with line end; the id is its first value."""

    def decode(self, line: bytes) -> Response:
        """Read one line of output or errors. Raises ValueError for what is no such line."""

    def problems(self, provider: ProviderSettings, environment: Mapping[str, str]) -> list[str]:
        """Return a line for everything that calls to the provider itself lack beside the key; nothing is sent."""

    def connect(self, provider: ProviderSettings, key: str) -> Client:
        """Return a client without retries of its own."""

    def upload(self, client: Client, path: Path, name: str) -> str:
        """Upload an input file and return its id. A stray copy is harmless."""

    def create(self, client: Client, file: str, key: str, settings: Settings) -> str:
        """Create a batch labelled with `key` by exactly one call, and return its id."""

    def find(self, client: Client, key: str, file: str, since: float) -> list[Candidate]:
        """List the batches created after `since` (epoch seconds) that carry `key`, or where the provider keeps no
        label, were made of this input file; not `proven` where only their results will tell.
        """

    def poll(self, client: Client, ids: Sequence[str]) -> list[BatchStatus]:
        """Ask for the state of all these batches, with as few calls as the lane allows."""

    def fetch(self, client: Client, status: BatchStatus, folder: Path) -> Fetched:
        """Write output.jsonl and errors.jsonl: the provider's exact bytes, complete and synced, or not at all."""

    def cancel(self, client: Client, batch: str) -> None:
        """Ask for cancellation; a batch that has ended already is no error."""

    def clean(self, client: Client, files: Sequence[str]) -> int:
        """Delete files and return how many were there; one that is gone already is no error."""

    def belongings(self, client: Client) -> list[Belonging]:
        """List all files and batches whose name or label carries a run key, newest first; none of a kind that the
        provider cannot list.
        """

    def knows(self, client: Client, model: str) -> bool | None:
        """Tell whether the provider serves a model of this id; None: it cannot say."""


def load(protocol: str) -> Provider:
    """Return the module of a wire protocol."""
    try:
        return cast(Provider, importlib.import_module(f"harness.providers.{protocol}"))
    except ModuleNotFoundError as error:
        raise ConfigError(f"provider.protocol: '{protocol}' cannot be used here: {error}") from None


def api_problems(settings: Settings) -> list[str]:
    """Check that the provider speaks the model's API."""
    provider, model = settings.provider, settings.model
    spoken = load(provider.protocol).APIS
    if model.api in spoken:
        return []
    return [
        f"provider: {provider.name} speaks {' and '.join(spoken)}, {model.name} {model.api}; choose another of them"
    ]


def setup_problems(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Check that the SDK is there, and what the protocol wants of settings and environment, before anything is sent."""
    provider = settings.provider
    module = load(provider.protocol)
    if missing := [package for name, package in module.SDK.items() if not _is_installed(name)]:
        needs = f"needs {' and '.join(missing)}; pip install 'harness[{module.EXTRA}]'"
        return [f"provider: {provider.name} {needs}"]
    return [] if settings.endpoint.embedded() else module.problems(provider, environment)


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # the package that it is part of
        return False


if TYPE_CHECKING:
    from harness.providers import anthropic, gemini, openai, vertex

    held: tuple[Provider, ...] = (anthropic, gemini, openai, vertex)
