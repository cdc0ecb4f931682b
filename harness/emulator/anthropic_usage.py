"""What a message cost, the parts that went through the prompt cache apart."""

from __future__ import annotations

from . import tokens
from .anthropic_contents import marked
from .anthropic_models import Family
from .execution import Answered, Body


def usage(answered: Answered[Family], tier: str) -> Body:
    """Count as the API does: `input_tokens` is only what did not go through the cache."""
    spent = answered.spent
    prefix, ttl = _prefix(answered)
    # Hits are best effort: one request in eight writes what the others read. A draw, so that a restart changes nothing.
    writes = prefix > 0 and answered.draws.below(8) == 0
    written, read = (prefix, 0) if writes else (0, prefix)
    thought = {"output_tokens_details": {"thinking_tokens": spent.reasoning}} if answered.asked.effort else {}
    return {
        "input_tokens": spent.prompt - prefix,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 0 if ttl == "1h" else written,
            "ephemeral_1h_input_tokens": written if ttl == "1h" else 0,
        },
        "output_tokens": spent.output,
        **thought,
        "service_tier": tier,
        "inference_geo": "not_available",
    }


def _prefix(answered: Answered[Family]) -> tuple[int, str]:
    """Measure what stands before the last breakpoint of the cache, and name its lifetime; too short, it is none."""
    length, cached, ttl = 0, 0, "5m"
    for text, mark, lifetime in marked(answered.body):
        length += tokens.count(text)
        if mark:
            cached, ttl = length, lifetime
    top = answered.body.get("cache_control")
    if isinstance(top, dict):  # marks the last block that can be
        cached, ttl = length, str(top.get("ttl") or "5m")
    return (cached, ttl) if cached >= answered.facts.cache_min else (0, ttl)
