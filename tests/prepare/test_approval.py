"""Approval and budget: of a run its own plan, of a sweep all its runs' in their order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from harness.prepare.approval import refusals, whole_digest
from harness.prepare.plan import Plan
from tests.build import settings
from tests.prepare.test_plan import PRICES, folder, plan

__all__ = ["folder"]
CAPPED: dict[str, Any] = {"model": {"prices": PRICES}, "generate": {"max_tokens": 1000}}


def held(plans: list[Plan], **asked: Any) -> list[str]:
    return refusals([settings("gpt-4o-mini", **asked)] * len(plans), plans)


def test_a_run_is_approved_by_its_own_digest(folder: Path) -> None:
    found = plan(folder)
    assert re.fullmatch(r"p-[0-9a-f]{32}", found.digest)
    assert held([found], approved_plan=found.digest) == []
    (line,) = held([plan(folder, generate={"temperature": 0})], approved_plan=found.digest)
    assert line.startswith(f"approved_plan: {found.digest} was approved, but this plan is p-")


def test_a_sweep_is_approved_as_a_whole_and_in_its_order(folder: Path) -> None:
    one, two = plan(folder), plan(folder, generate={"temperature": 0})
    digest = whole_digest([one, two])
    assert re.fullmatch(r"p-[0-9a-f]{32}", digest)
    assert held([one, two], approved_plan=digest) == []
    assert held([two, one], approved_plan=digest) != []
    assert held([one, two], approved_plan=one.digest) != []


@pytest.mark.parametrize(
    ("count", "budget", "fits"), [(1, 1.0, True), (1, 0.2, False), (2, 0.4, False), (2, 0.6, True)]
)
def test_one_budget_holds_for_all_runs_together(count: int, budget: float, fits: bool, folder: Path) -> None:
    found = held([plan(folder, **CAPPED)] * count, max_cost=budget)
    assert (found == []) is fits
    if not fits:
        assert re.match(r"max_cost: the worst case is \$0\.\d{4}, above \$0\.\d; nothing is sent", found[0])


def test_a_budget_needs_a_worst_case(folder: Path) -> None:
    (line,) = held([plan(folder, model={"prices": PRICES})], max_cost=100)
    assert "gpt-4o-mini is not known; it needs generate.max_tokens and a known price" in line
