"""What a user may ask of an emulator with a model server upstream, and what not."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from .state import Settings, State
from .upstream import LOOPBACK

_DEFAULT = Settings()
# Settings of the simulated model, each with its option and why a real one leaves no room for it.
_CLASHES = {
    "answers": ("--answers", "the model upstream answers"),
    "books": ("--books", "the model upstream answers"),
    "rates": ("--rates", "the model upstream answers"),
    "seed": ("--seed", "nothing is drawn"),
    "looks": ("--looks", "a batch takes as long as its work"),
    "speed": ("--speed", "a real model works in real time"),
    "now": ("--now", "a real model works in real time"),
    "extra_models": ("--extra-model", "which models there are is known upstream"),
}


class UpstreamError(ValueError):
    """Settings that do not fit together; one line that says why."""


def check(settings: Settings, environ: Mapping[str, str], port: int) -> str | None:
    """Check all that concerns upstream, for an emulator on `port`; returns the key, if one was named."""
    if settings.upstream is None:
        if settings.upstream_key_env is not None:
            raise UpstreamError("--upstream-key-env needs --upstream URL")
        return None
    _check_url(settings.upstream, port)
    for name, (option, reason) in _CLASHES.items():
        if getattr(settings, name) != getattr(_DEFAULT, name):
            raise UpstreamError(clash(option, reason))
    if settings.concurrency < 1 or settings.upstream_attempts < 1 or settings.upstream_backoff < 0:
        raise UpstreamError("--concurrency and --upstream-attempts are at least 1, and no wait is negative")
    return _key(settings.upstream_key_env, environ)


def check_batches(state: State) -> None:
    """Refuse a folder whose unfinished batches live in the other way: they could not go on."""
    upstream = state.settings.upstream is not None
    if any(not batch.ended and (batch.life.by == "work") != upstream for batch in state.batches.all()):
        begun = "without" if upstream else "with"
        raise UpstreamError(
            f"{state.root} holds an unfinished batch that was begun {begun} --upstream: "
            "let it finish as it began, or take another --state"
        )


def clash(option: str, reason: str = "the model upstream answers") -> str:
    """Say that an option and --upstream exclude each other."""
    return f"--upstream and {option} exclude each other: {reason}"


def _check_url(url: str, port: int) -> None:
    """Refuse what is no server; words show no more of the URL than its host, since it may hold a password."""
    try:
        parts = urlsplit(url)
        number = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        raise UpstreamError("--upstream is no URL; expected e.g. http://127.0.0.1:11434/v1") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UpstreamError("--upstream is an http:// or https:// URL, e.g. http://127.0.0.1:11434/v1")
    if _secretive(parts):
        raise UpstreamError("--upstream takes no user, password, query or fragment; name a key by --upstream-key-env")
    if parts.hostname in LOOPBACK and number == port:
        raise UpstreamError(f"--upstream is this emulator itself: port {port}")


def _secretive(parts: SplitResult) -> bool:
    return bool("@" in parts.netloc or parts.query or parts.fragment)


def _key(name: str | None, environ: Mapping[str, str]) -> str | None:
    if name is None:
        return None
    key = environ.get(name, "").strip()
    if not key:
        raise UpstreamError(f"--upstream-key-env: the variable {name} is not set")
    if not (key.isascii() and key.isprintable()):  # a library would show it when it refuses to send it
        raise UpstreamError(f"--upstream-key-env: the value of {name} cannot stand in a header")
    return key
