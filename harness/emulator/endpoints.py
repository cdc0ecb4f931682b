"""The endpoints of OpenAI that run bodies, by their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from . import completion, responses
from .execution import Api, Body
from .models import Facts


class Endpoint(Api[Facts], Protocol):
    """What the module of an endpoint defines."""

    TITLE: str
    CONTENT: str  # the key that holds what the model reads

    def serves(self, facts: Facts, /) -> bool:
        """Say whether a family of models is served here."""

    def contradict(self, body: Body, /) -> bool:
        """Let an answer say something else, in place; False when it says nothing."""

    def stream(self, body: Body, answer: Body, /) -> Iterator[str]:
        """Cut the answer to a request into the events of a stream."""


CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
APIS: dict[str, Endpoint] = {CHAT: completion, RESPONSES: responses}
