"""The lanes of batches by name, as `Batch.lane` gives it."""

from __future__ import annotations

from . import anthropic_lane, gemini_lane, openai_lane, vertex_lane
from .batches import Batch
from .lane import Lane

LANES: dict[str, Lane] = {
    "openai": openai_lane,
    "anthropic": anthropic_lane,
    "gemini": gemini_lane,
    "vertex": vertex_lane,
}


def lane_of(batch: Batch) -> Lane:
    """Find the lane of a batch."""
    return LANES[batch.lane]
