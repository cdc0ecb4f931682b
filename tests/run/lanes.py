"""The lanes of the contract tests: every provider of conf/, found by name, and the little that differs among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from harness.emulator.faults import KINDS
from harness.run.driver import Ended
from tests.build import CONF, model, provider_of, shipped
from tests.conftest import lines
from tests.run.test_faults import outcomes

DONE = (0, {"answered": 30})


@dataclass(frozen=True)
class Lane:
    """One provider, and the model that stands for all of its models."""

    name: str
    protocol: str  # the emulator's surface has the same name
    path: str  # where the emulator speaks as this provider does
    model: str
    deletes_files: bool
    asks: tuple[str, ...]  # settings of its own

    def words(self, url: str) -> tuple[str, ...]:
        """Return the overrides that let a run go there, and to the emulator at `url` for everything."""
        known = {key: value for key, value in ANSWERS.items() if key in self.asks}
        known |= {"storage_url": url} if "storage_url" in self.asks else {}
        return (f"provider={self.name}", *(f"provider.{key}={value}" for key, value in known.items()))

    def has(self, fault: str) -> bool:
        """Tell whether a fault can strike here."""
        return self.protocol in KINDS[fault].surfaces

    @property
    def keeps(self) -> bool:
        """Tell whether a batch that expired or was cancelled keeps what it had answered."""
        return self.protocol not in KEEPS_NOTHING


# What a live provider wants to be told and its YAML leaves open; the emulator has whatever begins like this.
ANSWERS = {"project": "simulated", "bucket": "simulated"}

# Batch API guide, ai.google.dev (checked: 2026-11-24): only a job that succeeded has results.
KEEPS_NOTHING = frozenset({"gemini"})

# The error of a line that only moderation has. The other protocols have no such error: to refuse is an answer there.
MODERATION: dict[str, list[dict[str, Any]]] = {"openai": [{"status": 400, "code": "content_policy_violation"}]}

# What the official client still finds at the provider; there is no listing that all protocols share.
LEFT: dict[str, Callable[[Any], list[Any]]] = {
    "openai": lambda client: client.files.list().data,
    "anthropic": lambda client: client.messages.batches.list().data,
    "gemini": lambda client: [*client.sdk.files.list(), *client.sdk.batches.list()],
    "vertex": lambda client: [*client.bucket.list_blobs(), *client.sdk.batches.list()],
}

# What makes the failure of a batch one that no second try mends: Google says it by the number of google.rpc.Code.
REJECTED: dict[str, dict[str, Any]] = {"gemini": {"code": 3}, "vertex": {"code": 3}}


def found() -> list[Lane]:
    """Return the lanes by name."""
    return [_lane(path.stem) for path in sorted((CONF / "provider").glob("*.yaml"))]


def _lane(name: str) -> Lane:
    facts = shipped("provider", name)
    models = [path.stem for path in sorted((CONF / "model").glob("*.yaml"))]
    served = [one for one in models if name == provider_of(one) or name in model(one)["ids"]]
    first = min(served, key=lambda one: (provider_of(one) != name, *_rank(one)))
    return Lane(name, facts["protocol"], facts["emulator_path"], first, facts["deletes_files"], tuple(facts))


def _rank(name: str) -> tuple[bool, bool, bool]:
    """Put first what has a batch API, then what is still served, then what is held to a schema; then by name."""
    facts = model(name)
    can = facts["capabilities"] or {}
    return (
        not can.get("batchable"),
        bool((facts["lifecycle"] or {}).get("retired")),
        can.get("structured_output") != "json_schema",
    )


def those(fits: Callable[[Lane], bool]) -> pytest.MarkDecorator:
    """Run a test on some lanes only."""
    lanes = [lane for lane in found() if fits(lane)]
    return pytest.mark.parametrize("facts", lanes, ids=[lane.name for lane in lanes])


def came(ended: Ended) -> tuple[int, dict[str, int]]:
    """Return the exit code and the outcomes; the answer to another request would be a wrong one."""
    assert ended.summary["scores"]["accuracy"]["mean"] in (1.0, None)
    return ended.code, outcomes(ended)


def attempts(ended: Ended) -> list[int]:
    """Return how often each request was sent, in the order of the dataset."""
    return [result["attempts"] for result in lines(ended.folder / "results.jsonl")]
