"""The endpoints that run bodies, by their paths."""

from __future__ import annotations

from . import completion
from .execution import Api

CHAT = "/v1/chat/completions"
APIS: dict[str, Api] = {CHAT: completion}
