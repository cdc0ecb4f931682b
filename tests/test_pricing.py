"""Rates and sums: equal to genai-prices where it knows a batch price, null with a reason where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from genai_prices import Usage as Counted
from genai_prices import calc_price

from harness.pricing import Rates, from_dict, look_up, own_rates
from harness.settings import Prices
from harness.types import Usage
from tests.build import CONF, settings

PROVIDER = settings("gpt-4o-mini").provider
ALL = sorted(path.stem for path in (CONF / "model").glob("*.yaml") if path.stem not in ("custom", "o1-mini"))
PRICED = [name for name in ALL if (s := settings(name)).provider.prices_id and s.model.prices is None]
USAGES = [
    Usage(input_tokens=1000, output_tokens=500),
    Usage(input_tokens=1000, cached_tokens=400, output_tokens=500, reasoning_tokens=300),
    Usage(input_tokens=1000, cached_tokens=400, cache_write_tokens=100, output_tokens=0),
    Usage(input_tokens=272_000, output_tokens=10),
    Usage(input_tokens=272_001, cached_tokens=5, output_tokens=10),
    Usage(input_tokens=900_000, output_tokens=100_000),
    Usage(),
]


def rates(model: str) -> Rates:
    found = look_up(PROVIDER, model, None).rates
    assert found is not None
    return found


@pytest.mark.parametrize("name", [name for name in PRICED if name != "llama-4-scout"])
def test_costs_are_those_of_the_price_data_at_batch_rates(name: str) -> None:
    provider, model = settings(name).provider, settings(name).model_id()
    found = look_up(provider, model, None).rates
    assert found is not None
    for usage in USAGES:
        counted = Counted(
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
        )
        batch: Any = {"processing": "batch"}
        expected = calc_price(counted, model_ref=model, provider_id=provider.prices_id, price_context=batch)
        assert found.cost(usage) == pytest.approx(float(expected.total_price), rel=1e-12)


def test_cached_tokens_are_no_cheaper_in_a_batch_at_groq() -> None:
    given = settings("gpt-oss-120b")
    found = look_up(given.provider, given.model_id(), None).rates
    assert found is not None
    assert found.cost(Usage(input_tokens=1_000_000, cached_tokens=900_000)) == pytest.approx(0.075)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "llama-4-scout",
            "no batch price known for meta-llama/llama-4-scout-17b-16e-instruct at groq",
        ),
        ("gemma-3-27b-it", "no price known: provider kluster has no prices_id"),
    ],
)
def test_a_model_whose_price_is_not_known_says_so(name: str, said: str) -> None:
    given = settings(name)
    assert look_up(given.provider, given.model_id(), given.model.prices).note == f"{said}; set model.prices"


def test_a_long_prompt_pays_its_tier_for_all_its_tokens() -> None:
    tiered = rates("gpt-5.5")
    assert [tier.from_input_tokens for tier in tiered.tiers] == [0, 272_000]
    assert tiered.cost(Usage(input_tokens=272_001)) > 1.9 * tiered.cost(Usage(input_tokens=272_000))


def test_batch_is_half_of_the_full_price() -> None:
    full = calc_price(Counted(input_tokens=1000, output_tokens=10), model_ref="gpt-4o-mini", provider_id="openai")
    assert rates("gpt-4o-mini").cost(Usage(input_tokens=1000, output_tokens=10)) == float(full.total_price) / 2


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("o1-mini", "no batch price known for o1-mini at openai; set model.prices"),
        ("my-own-tune", "no price known for my-own-tune at openai; set model.prices"),
        ("gpt-4o-minix", "no price known for gpt-4o-minix at openai; set model.prices"),
    ],
)
def test_a_price_that_is_not_known_is_said_and_not_guessed(model: str, said: str) -> None:
    price = look_up(PROVIDER, model, None)
    assert (price.rates, price.note) == (None, said)


def test_a_provider_without_price_data_has_no_price() -> None:
    price = look_up(PROVIDER.model_copy(update={"prices_id": None}), "gpt-4o-mini", None)
    assert price.rates is None
    assert "openai has no prices_id; set model.prices" in price.note


def test_own_prices_win_and_say_so() -> None:
    price = look_up(PROVIDER, "gpt-4o-mini", Prices(input=1, output=2))
    assert price.rates == own_rates(Prices(input=1, output=2))
    assert price.rates.cost(Usage(input_tokens=1_000_000, cached_tokens=500_000, output_tokens=1_000_000)) == 3
    assert price.note == "prices of the model's configuration"


def test_own_prices_of_cached_and_written_tokens() -> None:
    own = own_rates(Prices(input=4, cached_input=1, cache_write=5, output=0))
    usage = Usage(input_tokens=3_000_000, cached_tokens=1_000_000, cache_write_tokens=1_000_000)
    assert own.cost(usage) == 4 + 1 + 5


def test_rates_survive_plan_json() -> None:
    from dataclasses import asdict

    assert from_dict(asdict(rates("gpt-5.5"))) == rates("gpt-5.5")
    assert from_dict(None) is None
