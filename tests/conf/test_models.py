"""The shipped facts: every one has its source and date, and every model builds."""

from __future__ import annotations

from datetime import date

import pytest

from harness.settings import Capabilities, Model, Provider
from tests.build import CONF, model, shipped

FAMILIES = sorted(path.stem for path in (CONF / "capabilities").glob("*.yaml"))
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
PROVIDERS = sorted(path.stem for path in (CONF / "provider").glob("*.yaml"))
REQUIRED = {
    *("o1-mini", "o3-mini", "o4-mini", "gpt-4o-mini", "gpt-4.1-mini", "gpt-5-mini", "gpt-5.1", "gpt-5.6-terra"),
    *("gpt-6-luna", "gpt-6-astra", "custom"),
    *("gpt-oss-120b", "gpt-oss-20b", "llama-3.3-70b-versatile", "llama-3.1-8b-instant", "llama-4-scout"),
    *("deepseek-r1-0528", "deepseek-v3-0324", "gemma-3-27b-it", "llama-3.3-70b-turbo", "qwen3-235b-a22b"),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_fact_of_a_family_has_its_source_and_date(name: str) -> None:
    facts = Capabilities.model_validate(shipped("capabilities", name))
    expected = facts.model_fields_set - {"family", "evidence"}
    assert set(facts.evidence) == expected
    assert all(entry.source.strip() for entry in facts.evidence.values())
    assert all(date(2026, 1, 1) <= entry.checked <= date(2026, 11, 30) for entry in facts.evidence.values())
    assert facts.family == name


@pytest.mark.parametrize("name", [name for name in MODELS if name != "custom"])
def test_a_model_says_what_it_is_and_how_long_it_lives(name: str) -> None:
    built = Model.model_validate(model(name))
    assert built.name == name
    assert built.home in PROVIDERS
    assert set(built.ids) <= set(PROVIDERS) - {built.home}
    assert built.capabilities is not None
    assert built.lifecycle is not None
    assert built.lifecycle.source.strip()


def test_the_models_that_people_ask_for_are_there() -> None:
    assert set(MODELS) >= REQUIRED


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_names_the_evidence_for_its_limits(name: str) -> None:
    built = Provider.model_validate(shipped("provider", name))
    assert built.name == name
    assert {"windows", "limits", "deletes_files"} <= set(built.evidence)


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_has_the_same_keys(name: str) -> None:
    needed = {key for key, field in Provider.model_fields.items() if field.is_required()}
    assert needed <= set(shipped("provider", name)) <= set(Provider.model_fields)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "custom"])
def test_a_model_that_is_served_elsewhere_names_only_providers_that_ship(name: str) -> None:
    assert set(Model.model_validate(model(name)).ids) <= set(PROVIDERS)
