"""Hold what would be sent to what a reviewer approved and to the budget. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from harness.prepare.plan import Plan
from harness.settings import Settings


def whole_digest(plans: Sequence[Plan]) -> str:
    """Return the digest to approve: a run's own, for a sweep one over its runs' in their order."""
    if len(plans) == 1:
        return plans[0].digest
    return "p-" + hashlib.sha256(" ".join(plan.digest for plan in plans).encode()).hexdigest()[:32]


def refusals(settings: Sequence[Settings], plans: Sequence[Plan]) -> list[str]:
    """Return why these plans may not be sent: another plan was approved, or the worst case exceeds `max_cost`."""
    digest, wrong = whole_digest(plans), []
    approved = sorted({one.approved_plan for one in settings if one.approved_plan is not None})
    if approved and approved != [digest]:
        wrong.append(f"approved_plan: {', '.join(approved)} was approved, but this plan is {digest}; review it again")
    budgets = [one.max_cost for one in settings if one.max_cost is not None]
    if not budgets:
        return wrong
    caps = [plan.cost["cap"] for plan in plans]
    unknown = [plan.model["id"] for plan in plans if plan.cost["cap"] is None]
    if unknown:
        what = ", ".join(dict.fromkeys(unknown))
        wrong.append(f"max_cost: the worst case of {what} is not known; it needs generate.max_tokens and a known price")
    elif sum(caps) > min(budgets):
        wrong.append(f"max_cost: the worst case is ${sum(caps):.4f}, above ${min(budgets):g}; nothing is sent")
    return wrong
