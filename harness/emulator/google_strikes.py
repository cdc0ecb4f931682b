"""What faults of calls and of rows say on both of Google's surfaces, each in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from .batches import Fault
from .execution import Body
from .google_replies import CODES, error_info, problem, refusal
from .problems import Problem

_INVALID = "Request contains an invalid argument."


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a surface."""

    service: str
    purse: str  # an empty one
    statuses: Mapping[int, str]

    def of(self, status: int) -> str:
        """Word an error by its HTTP status."""
        return self.statuses.get(status, _INVALID if status < 500 else self.statuses[500])


def server_error(status: int, words: Words) -> Response:
    """Say that the server had an error."""
    return refusal(problem(words.statuses.get(status, words.statuses[500]), status))


def unpaid(words: Words) -> tuple[Problem, Body]:
    """Say that the purse is empty: the problem, and its details."""
    return problem(words.purse, 403), error_info("BILLING_DISABLED", words.service)


def of_row(fault: Fault, words: Words) -> tuple[Problem, tuple[Body, ...]]:
    """Say what a fault lets a row come to: the problem, and its details."""
    if fault.get("code") == "insufficient_quota":
        found, why = unpaid(words)
        return found, (why,)
    status = fault.get("status", 429)
    kind = fault.get("type") if fault.get("type") in CODES else None
    return problem(fault.get("message", words.of(status)), status, kind=kind), ()
