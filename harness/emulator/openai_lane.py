"""OpenAI's batches, as the engine sees them."""

from __future__ import annotations

from .admission import admit
from .openai_delivery import deliver
from .openai_lines import error, run
from .openai_strikes import SERVER_ERROR

__all__ = ["BROKEN", "admit", "deliver", "run"]
BROKEN = error("server_error", SERVER_ERROR)
