"""OpenAI's batches, as the engine sees them."""

from __future__ import annotations

from .admission import admit
from .openai_delivery import deliver
from .openai_lines import run

__all__ = ["admit", "deliver", "run"]
