"""Try, without a paid request, what a run needs of its provider; each trial ends in one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.errors import ProviderError
from harness.providers.protocol import Client, Provider
from harness.run.folder import new_run_key
from harness.settings import Settings
from harness.types import Fixed, Message, Request, Sample

UNSERVED = (404, 405, 501)  # not even the list is there: the address is that of something else
PING = Request(0, 0, Sample("ping", 0, {}, None, {}), (Message("user", "ping"),))


@dataclass(frozen=True, slots=True)
class Probe:
    """How one trial went."""

    name: str
    state: Literal["ok", "fails", "skipped"]
    text: str  # what happened, and where it fails what to do now
    error: ProviderError | None = None

    def hopeless(self) -> bool:
        """Tell whether every further call would fail alike: nobody answers, or not to this key."""
        if self.error is None:
            return False
        status = self.error.status
        return status is None or status in UNSERVED or (self.error.kind == "auth" and status != 403)


@dataclass(frozen=True)
class Patient:
    """What is looked at: a provider's module and client, and a file of one request on our disk."""

    provider: Provider
    client: Client
    settings: Settings
    file: Path
    key: str  # a run key of its own, so that whatever stays behind is found again
    scrub: Callable[[str], str]  # takes keys out of a provider's words


def patient(
    provider: Provider, client: Client, settings: Settings, folder: Path, scrub: Callable[[str], str]
) -> Patient:
    """Write the file of one request, as the protocol spells it; it is never made a batch of."""
    key = new_run_key()
    api: Any = provider.APIS[0]
    fixed = Fixed(settings.model_id(), api, {"max_tokens": 1}, "text", None, "system", None, ())
    file = folder / f"{key}-doctor.jsonl"
    file.write_bytes(provider.line(f"{key}-0-1", provider.encoder(fixed)(PING), fixed))
    return Patient(provider, client, settings, file, key, scrub)


def can_list(one: Patient) -> Probe:
    """List batches as a run does that looks for a lost one."""

    def act() -> Probe:
        one.provider.find(one.client, f"{one.key}-doctor-1", str(one.file), time.time())
        return Probe("batches", "ok", "the endpoint answers and lists them: a lost one would be found again")

    return _try("batches", one, act)


def serves(one: Patient) -> Probe:
    """Ask whether the provider knows the model; a key without the right to ask is no reason to fail."""
    name, model = one.settings.provider.name, one.settings.model_id()

    def act() -> Probe:
        found = one.provider.knows(one.client, model)
        if found is None:
            return Probe("model", "skipped", f"{name} does not say which models it serves")
        if found:
            return Probe("model", "ok", f"'{model}' is served")
        advice = f"check model.id and model.ids.{name}, or choose another with model=…"
        return Probe("model", "fails", f"{name} has no model '{model}'; {advice}")

    probe = _try("model", one, act)
    if probe.error is not None and probe.error.status == 403:
        return Probe("model", "skipped", f"this key may not ask for models: {one.scrub(str(probe.error))}")
    return probe


def can_upload(one: Patient) -> Probe:
    """Upload the file and delete it again, where both exist."""
    name, size = one.settings.provider.name, one.file.stat().st_size
    if not one.provider.UPLOADS:
        return Probe("files", "skipped", "none are uploaded: requests travel with the create call")
    if not one.settings.provider.deletes_files:
        return Probe("files", "skipped", f"{name} has no call that deletes a file, so none is uploaded for a trial")

    def act() -> Probe:
        uploaded = one.provider.upload(one.client, one.file, one.file.name)
        if not one.provider.clean(one.client, [uploaded]):
            words = f"one was uploaded ({uploaded}) and could not be deleted; look at the rights of the key"
            return Probe("files", "fails", words)
        return Probe("files", "ok", f"one of {size} bytes was uploaded and deleted again")

    return _try("files", one, act)


def _try(name: str, one: Patient, act: Callable[[], Probe]) -> Probe:
    try:
        return act()
    except ProviderError as error:
        return Probe(name, "fails", told(error, one.settings, one.scrub), error)


def told(error: ProviderError, settings: Settings, scrub: Callable[[str], str]) -> str:
    """Return the provider's words without keys, and what to do now."""
    return f"{scrub(str(error)).rstrip('. ')}; {_advice(error, settings)}"


def _advice(error: ProviderError, settings: Settings) -> str:
    upstream, variable = settings.endpoint.url is not None, settings.key_variable()
    where = "endpoint.url" if upstream else "provider.base_url"
    if error.kind == "auth":
        if variable is None:
            return f"a key is wanted: name its variable in {'endpoint' if upstream else 'provider'}.api_key_env"
        other = " or the machine's own credentials" if variable == settings.provider.access_token_env else ""
        return f"check the key in {variable}{other}, and its rights"
    if error.kind == "billing":
        return f"check money and quota of the account that the key in {variable} belongs to"
    if error.status is None or (upstream and error.status >= 500):
        return f"check {where} ({settings.address()}), and whether it can be reached"
    if error.status == 404 and "provider." in str(error):
        return "check that setting"
    if error.status in (404, 405, 501):
        return f"there is no such call at {where} ({settings.address()}); check it"
    if error.kind in ("retryable", "queue_full", "unclear"):
        return "say the same again in a while"
    return f"check provider.* (conf/provider/{settings.provider.name}.yaml)"
