"""A key has no place in a configuration; what is refused is never repeated."""

from __future__ import annotations

from typing import Any

import pytest

from harness.configure.secrets import config_problems, known_secrets, override_problems, scrub

SECRET = "correct-horse-battery"
KEY = "sk-proj-abcdefgh12345678"
ENVIRONMENT = {"OPENAI_API_KEY": SECRET, "MY_TOKEN": "short", "HOME": "/home/me", "EDITOR": "emacs-nox-28"}

REFUSED = [
    f"provider.api_key={SECRET}x",
    f"+provider.api_key={KEY}",
    f"++model.secret={SECRET[:3]}",
    "+provider.password=hunter2",
    "+provider.passphrase=hunter2",
    "+provider.access_token=abc",
    "+provider.x-api-key=abc",
    "+hydra.job.env_set.OPENAI_API_KEY=abc",
    "+hydra.job.env_set={OPENAI_API_KEY:abc}",
    "+provider.headers={Authorization:abc}",
    "+provider.headers={a: b, 'X-Api-Key': abc}",
    f"+provider.headers={{X:{KEY}}}",
    f"model.id={KEY}",
    f"model.id=x{SECRET}x",
    f"task.messages.0.content='use {SECRET}'",
    f"provider.base_url=https://me:{SECRET}@host/v1",
    "provider.base_url=https://me:pass@host/v1",
    "provider.base_url=https://abcdef@host/v1",
    "provider.base_url=https://host/v1?api_key=abcdefgh",
    "provider.base_url=https://host/v1?x=1&key=abcdefgh",
    "+provider.header='Bearer abcdefghijk'",
    "model.id=AIzaSyA1234567890abcdefg",
    "model.id=ghp_abcdefghij0123456789",
    "model.id=AKIAABCDEFGHIJKLMNOP",
    KEY,
]
ACCEPTED = [
    "model=o3-mini",
    "generate.max_tokens=500",
    "model.capabilities.max_tokens_key=max_tokens",
    "provider.api_key_env=OTHER_API_KEY",
    "provider.api_key_env=null",
    "provider.limits.enqueued_tokens=2000000",
    "provider.base_url=http://127.0.0.1:8000/v1",
    "provider.tokenizer=o200k_base",
    "task.dataset.id=token",
    "task.dataset.path=/home/me/rows.csv",
    "task.target='{{ token }}'",
    "generate.logit_bias={50256:-100}",
    "model.ids={groq: openai/gpt-oss-120b}",
    "approved_plan=p-0123456789abcdef0123456789abcdef",
    "hydra.run.dir=outputs/risk-adjusted",
    "+provider.api_key=null",
    "~provider.api_key",
    "model.id=short",
]


@pytest.mark.parametrize("word", REFUSED)
def test_an_override_that_holds_a_secret_is_refused_without_repeating_it(word: str) -> None:
    (found,) = override_problems([word], ENVIRONMENT)
    value = word.partition("=")[2]
    for part in (SECRET, KEY, value or word):
        assert part not in found
    assert "the key stays in the environment" in found


@pytest.mark.parametrize("word", ACCEPTED)
def test_an_override_that_holds_none_passes(word: str) -> None:
    assert override_problems([word], ENVIRONMENT) == []


@pytest.mark.parametrize(
    "word",
    [
        "+x._target_=os.system",
        "hydra.callbacks=null",
        "~hydra.callbacks.harness",
        "+hydra.callbacks.mine._target_=os.system",
        "hydra.sweeper._target_=x",
    ],
)
def test_an_override_that_names_code_is_refused(word: str) -> None:
    (found,) = override_problems([word], {})
    assert "code cannot be named in an override" in found


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"provider": {"api_key": "abc"}}, "provider.api_key"),
        ({"provider": {"headers": {"Authorization": "abc"}}}, "provider.headers.Authorization"),
        ({"provider": {"headers": [{"X-API-Key": "abc"}]}}, "provider.headers.0.X-API-Key"),
        ({"provider": {"base_url": "https://a:b@host"}}, "provider.base_url"),
        ({"model": {"id": f"x {SECRET}"}}, "model.id"),
        ({"model": {"id": "${oc.env:HOME}"}}, "model.id"),
        ({"model": {"id": "${ oc.env : HOME, x}"}}, "model.id"),
        ({"model": {"id": "a ${oc.decode:${oc.env:HOME}}"}}, "model.id"),
        ({"task": {"messages": [{"content": KEY}]}}, "task.messages.0.content"),
        ({"task": {"scorers": {"x": {"_target_": "os.system"}}}}, "task.scorers.x._target_"),
        ({"hydra": {"job": {"env_set": {"OPENAI_API_KEY": "abc"}}}}, "hydra.job.env_set.OPENAI_API_KEY"),
        ({"hydra": {"run": {"dir": "${oc.env:OPENAI_API_KEY}"}}}, "hydra.run.dir"),
    ],
)
def test_a_yaml_that_holds_a_secret_or_reads_one_is_refused_at_its_place(config: Any, key: str) -> None:
    (found,) = config_problems(config, ENVIRONMENT)
    assert found.startswith(f"{key}: ")
    assert SECRET not in found
    assert KEY not in found


def test_a_yaml_that_holds_none_passes() -> None:
    config = {
        "provider": {"api_key_env": "OPENAI_API_KEY", "api_key": None, "token": "???", "secret": ""},
        "model": {"capabilities": {"max_tokens_key": "max_tokens"}, "name": "${task.name}"},
        "task": {"dataset": {"metadata": ["token"]}, "scorers": {"token": {"kind": "includes"}}},
        "batch": {"size": 12, "poll": {"min": "5s"}},
        "hydra": {"sweeper": {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"}},
    }
    assert config_problems(config, ENVIRONMENT) == []


def test_only_long_values_of_telling_names_count_as_known_secrets() -> None:
    assert known_secrets(ENVIRONMENT) == (SECRET,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Incorrect API key provided: {SECRET}.", "Incorrect API key provided: [key]."),
        (f"key {KEY} is wrong", "key [key] is wrong"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: [key]"),
        ("at https://me:pw@host/v1", "at [key]host/v1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_a_text_is_scrubbed_before_it_is_written(text: str, expected: str) -> None:
    assert scrub(text, [SECRET, "abc"]) == expected
