"""Rates and sums: what a request costs at batch prices, in USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.settings import Prices, Provider
from harness.types import Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tier:
    """USD per million tokens from a number of input tokens upwards."""

    from_input_tokens: int
    input: float
    cached: float
    cache_write: float
    output: float


@dataclass(frozen=True, slots=True)
class Rates:
    """The batch prices of one model, and where they come from."""

    tiers: tuple[Tier, ...]  # ascending; the first starts at 0
    source: str

    def cost(self, usage: Usage) -> float:
        """Price one request: its tier is chosen by its own input tokens."""
        tier = self.tiers[0]
        for candidate in self.tiers[1:]:
            if usage.input_tokens > candidate.from_input_tokens:
                tier = candidate
        fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
        return (
            fresh * tier.input
            + usage.cached_tokens * tier.cached
            + usage.cache_write_tokens * tier.cache_write
            + usage.output_tokens * tier.output
        ) / MILLION


@dataclass(frozen=True, slots=True)
class Price:
    """The rates, or null with the reason why they are not known."""

    rates: Rates | None
    note: str


def from_dict(data: Mapping[str, Any] | None) -> Rates | None:
    """Read rates as plan.json keeps them."""
    if data is None:
        return None
    return Rates(tuple(Tier(**tier) for tier in data["tiers"]), data["source"])


def own_rates(prices: Prices) -> Rates:
    """Turn a model's own `prices` into rates."""
    cached = prices.input if prices.cached_input is None else prices.cached_input
    write = prices.input if prices.cache_write is None else prices.cache_write
    return Rates((Tier(0, prices.input, cached, write, prices.output),), "prices of the model's configuration")


def look_up(provider: Provider, model: str, prices: Prices | None) -> Price:
    """Find the batch rates of a model, once per run.

    The price data is genai-prices, which asks no network. Where it has no batch price it would answer with the full
    one, so a missing batch variant is said instead of guessed.
    """
    if prices is not None:
        return Price(own_rates(prices), "prices of the model's configuration")
    if provider.prices_id is None:
        return Price(None, f"no price known: provider {provider.name} has no prices_id; set model.prices")
    from genai_prices import Usage as Counted
    from genai_prices import __version__, calc_price

    try:
        found = calc_price(
            Counted(input_tokens=1, output_tokens=1),
            model_ref=model,
            provider_id=provider.prices_id,
            price_context={"processing": "batch"},
        )
    except LookupError:
        return Price(None, f"no price known for {model} at {provider.prices_id}; set model.prices")
    variants = found.model.price_variants or []
    if not any(variant.when.get("processing") == "batch" for variant in variants):
        return Price(None, f"no batch price known for {model} at {provider.prices_id}; set model.prices")
    return Price(_rates(found.model_price, f"genai-prices {__version__}"), f"genai-prices {__version__}, batch")


def _rates(price: Any, source: str) -> Rates:
    """Read the tiers of a genai-prices ModelPrice."""
    columns = [
        price.input_mtok,
        price.cache_read_mtok if price.cache_read_mtok is not None else price.input_mtok,
        price.cache_write_mtok if price.cache_write_mtok is not None else price.input_mtok,
        price.output_mtok,
    ]
    starts = sorted({0} | {tier.start for column in columns for tier in getattr(column, "tiers", ())})
    return Rates(tuple(Tier(start, *(_at(column, start) for column in columns)) for start in starts), source)


def _at(column: Any, start: int) -> float:
    """Return the rate of one column in the tier that begins at `start` input tokens."""
    rate = getattr(column, "base", column)
    for tier in getattr(column, "tiers", ()):
        if start >= tier.start:
            rate = tier.price
    return float(rate or 0)
