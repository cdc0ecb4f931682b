"""How numbers are spelled."""

from __future__ import annotations

import pytest

from harness.report.wording import usd


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "$0.00"),
        (0.000387, "$0.00039"),
        (0.0021, "$0.0021"),
        (0.008787, "$0.0088"),
        (0.0099, "$0.0099"),
        (0.00996, "$0.01"),
        (0.0124, "$0.0124"),
        (0.1, "$0.10"),
        (0.55, "$0.55"),
        (0.99999, "$1.00"),
        (1.5, "$1.50"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_is_spelled_as_it_is(value: float | None, text: str) -> None:
    assert usd(value) == text


@pytest.mark.parametrize("value", [n / 7919 for n in range(1, 9000, 13)])
def test_no_amount_is_spelled_off_by_more_than_its_last_digit(value: float) -> None:
    assert float(usd(value)[1:].replace(",", "")) == pytest.approx(value, abs=0.005 if value >= 1 else 0.00005)
