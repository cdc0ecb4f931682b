"""All surfaces on one server: each has its own batches and models, whatever the others have."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI

from harness.emulator import Running
from tests.emulator import claude
from tests.emulator.conftest import CHAT, Start, body, jsonl

MODELS = {"openai": "gpt-4o-mini", "groq": "openai/gpt-oss-20b", "kluster": "deepseek-ai/DeepSeek-R1-0528"}
PREFIXES = {"openai": "/v1", "groq": "/openai/v1", "kluster": "/kluster/v1"}
Connect = Callable[..., OpenAI]


def submitted(client: OpenAI, model: str) -> Any:
    rows = [{"custom_id": "a", "method": "POST", "url": CHAT, "body": body("hello", model)}]
    file = client.files.create(file=("in.jsonl", jsonl(rows)), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")


def models(emulator: Running, path: str, **headers: str) -> str:
    request = urllib.request.Request(emulator.root + path, headers={"Authorization": "Bearer k", **headers})  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return str(response.read().decode())


@pytest.mark.parametrize("again", [False, True])
def test_each_surface_has_its_own_batches(start: Start, connect: Connect, again: bool) -> None:
    emulator = start()
    made = {
        name: submitted(connect(emulator).with_options(base_url=emulator.root + prefix), MODELS[name])
        for name, prefix in PREFIXES.items()
    }
    with Anthropic(base_url=emulator.root, api_key="any") as claudes:
        message_batch = claude.order(claudes, claude.lines(2))
    if again:
        emulator.stop()
        emulator = start()
    emulator.advance(86_000)
    for name, prefix in PREFIXES.items():
        client = connect(emulator).with_options(base_url=emulator.root + prefix)
        assert client.batches.retrieve(made[name].id).status == "completed"
        assert [batch["id"] for batch in client.get("/batches", cast_to=object)["data"]] == [made[name].id]  # type: ignore[index]
        for stranger in [*(made[other].id for other in made if other != name), message_batch.id]:
            with pytest.raises(openai.NotFoundError):
                client.batches.retrieve(stranger)
            with pytest.raises(openai.NotFoundError):
                client.batches.cancel(stranger)
    with Anthropic(base_url=emulator.root, api_key="any") as claudes:
        assert [batch.id for batch in claudes.messages.batches.list()] == [message_batch.id]
        assert len(claude.results(claudes, message_batch)) == 2
        for batch in made.values():
            with pytest.raises(anthropic.NotFoundError):
                claudes.messages.batches.retrieve(batch.id)


def test_the_header_of_anthropic_tells_only_where_both_have_the_path(emulator: Running) -> None:
    version = {"anthropic-version": claude.OLD}
    assert '"claude-' in models(emulator, "/v1/models", **version)
    assert '"gpt-4o-mini"' in models(emulator, "/v1/models")
    assert '"qwen/' in models(emulator, "/openai/v1/models", **version)


@pytest.mark.parametrize("prefix", PREFIXES.values())
def test_a_model_of_ones_own_serves_batches_of_every_profile(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-upstream-0123456789")
    model = start("model", speed=1.0)
    emulator = start("batches", speed=1.0, upstream=model.url, upstream_key_env="UPSTREAM_KEY")
    client = connect(emulator).with_options(base_url=emulator.root + prefix)
    batch = submitted(client, "gpt-4o-mini")
    deadline = time.monotonic() + 15
    while (look := client.batches.retrieve(batch.id)).status != "completed":
        assert time.monotonic() < deadline, look
        time.sleep(0.01)
    assert '"gpt-4o-mini-2024-07-18"' in client.files.content(str(look.output_file_id)).text
    assert client.chat.completions.create(model="o3-mini", messages=[{"role": "user", "content": "u"}]).choices
