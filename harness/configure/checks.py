"""Cross-checks of typed settings: what no single field can know. Pure, except for the environment that it is handed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from harness.settings import Settings, duration, is_loopback, seconds


def problems(settings: Settings, today: date) -> list[str]:
    """Return a line for every combination that cannot work, whatever the command."""
    provider, batch, model = settings.provider, settings.batch, settings.model
    found = []
    if batch.size > provider.limits.batch_requests:
        found.append(
            f"batch.size: {provider.name} takes at most {provider.limits.batch_requests} requests a batch"
            f" (got {batch.size})"
        )
    found += _window_problems(settings)
    found += _server_problems(settings, today)
    served = [*([model.home] if model.home else ()), *(name for name in model.ids if name != model.home)]
    if served and provider.named_models_only and provider.name not in served and model.capabilities is not None:
        hint = f"or say what it is called there: model.ids.{provider.name}=…"
        found.append(f"provider: {model.name} is not served by {provider.name}; have: {', '.join(served)}; {hint}")
    if not settings.task.scorers:
        found.append("task.scorers: name at least one scorer; the first is the headline")
    return found


def _server_problems(settings: Settings, today: date) -> list[str]:
    """Check where requests go."""
    provider, model = settings.provider, settings.model
    if settings.endpoint.name == "local":
        # The emulator's address is free on every start; a configured one would be ignored, so it is refused.
        if is_loopback(provider.base_url):
            return [f"provider.base_url: {provider.base_url} is not used with endpoint=local; add endpoint=live"]
        return []
    if settings.endpoint.name == "upstream":
        return []
    life = model.lifecycle
    gone = life is not None and (life.retired or (life.retires_on is not None and life.retires_on <= today))
    if life is not None and gone and not model.allow_retired:
        when = f" since {life.retires_on}" if life.retires_on else ""
        return [
            f"model: {model.name} is retired{when} ({life.source}); "
            "pick another, or insist with model.allow_retired=true"
        ]
    return []


def _window_problems(settings: Settings) -> list[str]:
    """Check the completion window, or the deadline that picks one."""
    offered, batch = settings.provider.windows, settings.batch
    if batch.deadline is not None:
        if not _fitting(settings, batch.deadline):
            last = settings.provider.ends_within
            ends = f"; {settings.provider.name} may take {duration(last)} to end a batch" if last is not None else ""
            return [
                f"batch.deadline: no window on offer fits {duration(batch.deadline)}; have: {', '.join(offered)}{ends}"
            ]
    elif batch.window not in offered:
        return [f"batch.window: {settings.provider.name} does not offer {batch.window}; have: {', '.join(offered)}"]
    return []


def _fitting(settings: Settings, deadline: float) -> list[str]:
    """Return the windows at whose end the provider has ended a batch before the deadline, in seconds."""
    last = settings.provider.ends_within or 0.0
    return [window for window in settings.provider.windows if max(seconds(window), last) <= deadline]


def with_window(settings: Settings) -> Settings:
    """Put the longest window that fits the deadline, if there is one, in place of `batch.window`."""
    if settings.batch.deadline is None:
        return settings
    window = max(_fitting(settings, settings.batch.deadline), key=seconds)
    return settings.model_copy(update={"batch": settings.batch.model_copy(update={"window": window})})


def key_problems(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Check that a run that calls has its key; a plan never asks."""
    upstream = settings.endpoint.name == "upstream"
    variable = (settings.endpoint if upstream else settings.provider).api_key_env
    if settings.endpoint.simulated:
        return []
    for name in (variable, settings.provider.access_token_env):
        if name and (key := environment.get(name)) and not (key.isascii() and key.isprintable() and " " not in key):
            return [f"{name}: holds a blank, a line end or a letter that no key has; set it again"]
    if variable is None or environment.get(variable):
        return []
    whose, setting = (settings.endpoint.url, "endpoint") if upstream else (settings.provider.name, "provider")
    return [
        f"{variable}: not set; endpoint={settings.endpoint.name} needs the key of {whose} in this environment variable "
        f"({setting}.api_key_env=null for a server that takes none)"
    ]
