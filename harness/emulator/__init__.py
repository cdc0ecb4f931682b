"""An emulator of the providers' batch APIs on loopback, for tests, demonstrations and other people's batch code.

It knows the public wire protocols and nothing of the harness.
`serve_in_thread` starts one in this process; `python -m harness emulator` starts one as a server of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .auditing import audit
    from .embedded import Running, serve_in_thread
    from .state import Settings

__all__ = ["Running", "Settings", "audit", "serve_in_thread"]
_PLACES = {"Running": "embedded", "Settings": "state", "audit": "auditing", "serve_in_thread": "embedded"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used first: `--help` does not pay for a web server."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
