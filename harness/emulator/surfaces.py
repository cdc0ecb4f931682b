"""Which protocol a call speaks, where that has to be known before its route is."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from .profiles import OPENAI, of_path

_PATH = "/v1/messages"


def speaks_anthropic(scope: Scope) -> bool:
    """Tell by the path, and where both protocols may have it by the header that Anthropic's clients send."""
    path: str = scope["path"]
    if path == _PATH or path.startswith(_PATH + "/"):
        return True
    return of_path(path) in (None, OPENAI) and "anthropic-version" in Headers(scope=scope)
