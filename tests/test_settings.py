"""The typed settings: durations, numbers that are numbers, and a way to disk and back."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.settings import Settings, duration, seconds
from tests.build import settings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("0.5s", 0.5), ("500ms", 0.5), ("5s", 5.0), ("10m", 600.0), ("24h", 86400.0)),
        *(("7d", 604800.0), ("1.5h", 5400.0), (" 2 m ", 120.0), ("0s", 0.0)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("value", ["5", 5, 5.0, None, "5 minutes", "-5s", "1e3s", "", "h", "5s5m", True, [5]])
def test_anything_else_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match=r"a number and a unit are expected, such as 0\.5s, 10m, 24h or 7d"):
        seconds(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5s"), (5, "5s"), (90, "90s"), (600, "10m"), (86400, "24h"), (604800, "7d"), (1e-7, "0.0000001s")],
)
def test_a_duration_is_written_as_people_write_it(value: float, text: str) -> None:
    assert duration(value) == text


@how(derandomize=True, deadline=None, max_examples=300)
@given(st.floats(min_value=0, max_value=1e18) | st.integers(0, 10**12).map(float))
def test_a_duration_survives_being_written_and_read(value: float) -> None:
    assert seconds(duration(value)) == value


@pytest.mark.parametrize("model", ["gpt-4o-mini", "o3-mini", "o1-mini", "custom"])
def test_settings_survive_settings_json(model: str) -> None:
    changes: dict[str, Any] = {
        "model": {"id": "x", "prices": {"input": 0.1, "output": 1}},
        "batch": {"deadline": "36h", "give_up_after": "90m", "poll": {"min": "0.25s"}},
        "generate": {"temperature": 0, "stop": ["\n", "END"], "logit_bias": {"50256": -100}, "extra": {"top_k": [1]}},
        "task": {"scorers": {"near": {"kind": "numeric", "answer": "a.b", "tolerance": 0.1}}},
        "approved_plan": "p-" + "0" * 32,
    }
    asked = settings(model, **changes)
    written = orjson.dumps(asked.model_dump(mode="json", by_alias=True))
    assert Settings.model_validate(orjson.loads(written)) == asked
    assert asked.task.scorers["near"].options() == {"tolerance": 0.1}


def refused(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        settings("gpt-4o-mini", **changes)
    # what begins with < is no place in the YAML, but tells which kind of item was read
    places = [[str(part) for part in item["loc"] if not str(part).startswith("<")] for item in caught.value.errors()]
    return [(".".join(place), item["msg"]) for place, item in zip(places, caught.value.errors(), strict=True)]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"batch": {"size": True}}, "batch.size"),
        ({"batch": {"size": 0}}, "batch.size"),
        ({"batch": {"size": 1.5}}, "batch.size"),
        ({"batch": {"poll": {"min": "20s", "max": "10s"}}}, "batch.poll"),
        ({"batch": {"poll": {"min": "0s"}}}, "batch.poll"),
        ({"batch": {"min_coverage": 1.1}}, "batch.min_coverage"),
        ({"batch": {"on_stuck": "guess"}}, "batch.on_stuck"),
        ({"batch": {"grace": 3600}}, "batch.grace"),
        ({"generate": {"temperature": True}}, "generate.temperature"),
        ({"generate": {"temperature": float("nan")}}, "generate.temperature"),
        ({"generate": {"temperature": 2.1}}, "generate.temperature"),
        ({"generate": {"stop": "END"}}, "generate.stop"),
        ({"generate": {"max_tokens": 0}}, "generate.max_tokens"),
        ({"max_cost": float("inf")}, "max_cost"),
        ({"max_cost": -1}, "max_cost"),
        ({"approved_plan": "yes"}, "approved_plan"),
        ({"provider": {"base_url": "api.openai.com/v1"}}, "provider.base_url"),
        ({"provider": {"base_url": "https:///v1"}}, "provider.base_url"),
        ({"provider": {"base_url": "http://host:port/v1"}}, "provider.base_url"),
        ({"provider": {"base_url": "http://[::1/v1"}}, "provider.base_url"),
        ({"provider": {"base_url": "https://host/v1?a=b"}}, "provider.base_url"),
        ({"provider": {"base_url": "ftp://host/v1"}}, "provider.base_url"),
        ({"provider": {"api_key_env": "not a name"}}, "provider.api_key_env"),
        ({"provider": {"windows": []}}, "provider.windows"),
        ({"provider": {"windows": ["soon"]}}, "provider.windows.0"),
        ({"provider": {"emulator_path": "v1"}}, "provider.emulator_path"),
        ({"provider": {"emulator_path": "/v1/"}}, "provider.emulator_path"),
        ({"provider": {"deletes_files": "often"}}, "provider.deletes_files"),
        ({"endpoint": {"simulated": False}}, "endpoint"),
        ({"endpoint": {"speed": 0}}, "endpoint.speed"),
        ({"task": {"name": "../up"}}, "task.name"),
        ({"task": {"messages": []}}, "task.messages"),
        ({"task": {"messages": [{"role": "user"}]}}, "task.messages.0"),
        ({"task": {"messages": [{"role": "user", "template": "a", "content": "b"}]}}, "task.messages.0"),
        ({"task": {"messages": [{"role": "bot", "content": "b"}]}}, "task.messages.0.role"),
        ({"task": {"epochs": {"reducer": "pass_at_k"}}}, "task.epochs"),
        ({"task": {"epochs": {"count": 2, "reducer": "pass_at_k", "k": 3}}}, "task.epochs"),
        ({"task": {"scorers": {"x": {"kind": "no-such"}}}}, "task.scorers.x.kind"),
        ({"task": {"unscored": ["answered"]}}, "task.unscored.0"),
        ({"task": {"dataset": {"sha256": "abc"}}}, "task.dataset.sha256"),
        ({"task": {"dataset": {"limit": 0}}}, "task.dataset.limit"),
        ({"task": {"dataset": {"offset": -1}}}, "task.dataset.offset"),
        ({"nope": 1}, "nope"),
        ({"batch": {"nope": 1}}, "batch.nope"),
    ],
    ids=str,
)
def test_a_setting_out_of_its_range_is_refused_at_its_place(changes: dict[str, Any], key: str) -> None:
    assert [place for place, _ in refused(**changes)] == [key]


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": {"base_url": "http://127.0.0.1:8000/v1"}},
        {"provider": {"base_url": "http://[::1]:8000"}},
        {"provider": {"base_url": "https://my-host.example/openai/v1/"}},
        {"provider": {"api_key_env": None}},
        {"generate": {"temperature": 0, "logprobs": True, "logit_bias": {50256: -100}}},
        {"generate": {"extra": {"enable_thinking": False}}},
        {"task": {"epochs": {"count": 4, "reducer": "pass_at_k", "k": 4}}},
        {"max_cost": 0},
    ],
    ids=str,
)
def test_a_setting_within_its_range_is_taken(changes: dict[str, Any]) -> None:
    assert isinstance(settings("gpt-4o-mini", **changes), Settings)


def test_settings_never_change() -> None:
    found = settings("gpt-4o-mini")
    with pytest.raises(ValidationError):
        found.strict = True  # type: ignore[misc]


def test_the_later_wish_wins_family_task_model_top_level() -> None:
    def temperature(**changes: Any) -> object:
        return settings("gpt-4o-mini", **changes).wishes()["temperature"]

    task: dict[str, Any] = {"task": {"generate": {"temperature": 0.1}}}
    model: dict[str, Any] = {"model": {"generate": {"temperature": 0.2}}}
    assert temperature() == 0.5
    assert temperature(**task) == 0.1
    assert temperature(**task, **model) == 0.2
    assert temperature(**task, **model, generate={"temperature": 0}) == 0


def test_only_task_and_top_level_ask() -> None:
    found = settings(
        "gpt-4o-mini", task={"generate": {"seed": 1}}, model={"generate": {"top_p": 1}}, generate={"temperature": 0}
    )
    assert found.asked() == {"seed": 1, "temperature": 0}


def test_a_model_is_called_what_the_provider_calls_it() -> None:
    assert settings("gpt-4o-mini").model_id() == "gpt-4o-mini"
    assert settings("gpt-4o-mini", model={"ids": {"openai": "x"}}).model_id() == "x"
