"""Combinations that cannot work, and the environment of a run that calls."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.configure.checks import key_problems, problems, with_window
from tests.build import settings

LIVE = {"name": "live", "simulated": False, "speed": 1}
TODAY = date(2026, 11, 24)
TWO_WINDOWS = {"windows": ["24h", "7d"]}


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        (
            "gpt-4o-mini",
            {"batch": {"size": 50_001}},
            "batch.size: openai takes at most 50000 requests a batch (got 50001)",
        ),
        ("gpt-4o-mini", {"batch": {"window": "1h"}}, "batch.window: openai does not offer 1h; have: 24h"),
        ("gpt-4o-mini", {"batch": {"deadline": "6h"}}, "batch.deadline: no window on offer fits 6h; have: 24h"),
        (
            "gemini-2.5-flash",
            {"batch": {"deadline": "30h"}},
            "batch.deadline: no window on offer fits 30h; have: 24h; gemini may take 2d to end a batch",
        ),
        ("gpt-4o-mini", {"task": {"scorers": {"accuracy": None}}}, None),
        ("gpt-4o-mini", {"model": {"ids": {"groq": "x"}}}, None),
        ("gpt-4o-mini", {"provider": {"name": "mine", "named_models_only": False}}, None),
        (
            "gpt-4o-mini",
            {"provider": {"name": "groq"}},
            "provider: gpt-4o-mini is not served by groq; have: openai; or say what it is called there: model.ids.",
        ),
        (
            "gpt-oss-20b",
            {"provider": {"name": "mine"}},
            "provider: gpt-oss-20b is not served by mine; have: groq; or say what it is called there: model.ids.mine=…",
        ),
        ("o3-mini", {"endpoint": LIVE}, "model: o3-mini is retired (OpenAI deprecations page"),
        *(
            (
                "gpt-4o-mini",
                {"provider": {"base_url": f"http://{host}:8000/v1"}},
                f"provider.base_url: http://{host}:8000/v1 is not used with endpoint=local; add endpoint=live",
            )
            for host in ("127.0.0.1", "localhost", "[::1]")
        ),
    ],
)
def test_a_combination_that_cannot_work_is_refused(model: str, changes: Any, said: str | None) -> None:
    if said is None:
        changed = settings(model)
        changed = changed.model_copy(update={"task": changed.task.model_copy(update={"scorers": {}})})
        assert problems(changed, TODAY) == ["task.scorers: name at least one scorer; the first is the headline"]
        return
    (found,) = problems(settings(model, **changes), TODAY)
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("gpt-4o-mini", {"batch": {"size": 50_000}}),
        ("gemini-2.5-flash", {"batch": {"deadline": "48h"}}),
        ("o3-mini", {}),
        ("o3-mini", {"endpoint": LIVE, "model": {"allow_retired": True}}),
        ("gpt-4o-mini", {"endpoint": LIVE, "provider": {"base_url": "http://localhost:8000/v1"}}),
        ("custom", {"model": {"id": "x", "ids": {"groq": "y"}}}),
    ],
    ids=str,
)
def test_a_combination_that_works_passes(model: str, changes: Any) -> None:
    assert problems(settings(model, **changes), TODAY) == []


@pytest.mark.parametrize(
    ("deadline", "window"), [(None, "24h"), ("24h", "24h"), ("6d", "24h"), ("7d", "7d"), ("9d", "7d")]
)
def test_a_deadline_picks_the_longest_window_that_fits(deadline: str | None, window: str) -> None:
    asked = settings("gpt-4o-mini", provider=TWO_WINDOWS, batch={"deadline": deadline})
    assert with_window(asked).batch.window == window


def test_a_deadline_counts_when_the_provider_itself_ends_a_batch() -> None:
    late = {**TWO_WINDOWS, "ends_within": "96h"}
    assert with_window(settings("gpt-4o-mini", provider=late, batch={"deadline": "4d"})).batch.window == "24h"


@pytest.mark.parametrize(
    ("changes", "environment", "refused"),
    [
        ({}, {}, False),
        ({"endpoint": LIVE}, {"OPENAI_API_KEY": "x"}, False),
        ({"endpoint": LIVE}, {}, True),
        ({"endpoint": LIVE}, {"OPENAI_API_KEY": ""}, True),
        ({"endpoint": LIVE, "provider": {"api_key_env": None}}, {}, False),
        ({"endpoint": LIVE, "provider": {"api_key_env": "MINE"}}, {"OPENAI_API_KEY": "x"}, True),
    ],
)
def test_a_run_that_calls_needs_its_key(changes: Any, environment: dict[str, str], refused: bool) -> None:
    found = key_problems(settings("gpt-4o-mini", **changes), environment)
    assert bool(found) == refused
    if refused:
        assert "not set; endpoint=live needs the key of openai in this environment variable" in found[0]


@pytest.mark.parametrize("key", ["sk-1\n", " sk-1", "sk 1", "sk-ä"])
def test_a_key_that_no_call_could_carry_is_refused_without_being_shown(key: str) -> None:
    [found] = key_problems(settings("gpt-4o-mini", endpoint=LIVE), {"OPENAI_API_KEY": key})
    assert found == "OPENAI_API_KEY: holds a blank, a line end or a letter that no key has; set it again"


def test_a_model_is_retired_from_its_announced_day_on() -> None:
    life = {"retired": False, "retires_on": "2027-01-14", "source": "s", "checked": "2026-11-23"}
    chosen = settings("gpt-4o-mini", endpoint=LIVE, model={"lifecycle": life})
    assert problems(chosen, date(2027, 1, 13)) == []
    (found,) = problems(chosen, date(2027, 1, 14))
    assert found.startswith("model: gpt-4o-mini is retired since 2027-01-14 (s); pick another")
