"""The endpoints that run bodies, by their paths."""

from __future__ import annotations

from . import completion, responses
from .execution import Api

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
APIS: dict[str, Api] = {CHAT: completion, RESPONSES: responses}
