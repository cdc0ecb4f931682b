"""Direct calls of the Gemini API, keys, and how its calls are told from those of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import openai
import pytest
from anthropic import Anthropic
from google.genai import Client
from google.genai.errors import ClientError
from openai import OpenAI

from harness.emulator import Running
from tests.emulator.claude import lines
from tests.emulator.claude import order as message_order
from tests.emulator.conftest import Start, requests, submit
from tests.emulator.gemini import FLASH, KEY, OLD_FLASH, finished, order, raw, request, rows, upload

Geminis = Callable[..., Client]


def generated(emulator: Running, body: Any, model: str = FLASH, version: str = "v1") -> dict[str, Any]:
    """Generate content without the SDK, which checks some things itself."""
    answer = raw(emulator, f"/{version}/models/{model}:generateContent", "POST", json=body)
    shown: dict[str, Any] = answer.json()
    assert answer.status_code == shown.get("error", {}).get("code", 200)
    return shown


def test_a_direct_call_is_answered_at_once(emulator: Running, gemini: Client) -> None:
    config: Any = {"system_instruction": "be brief", "temperature": 0, "max_output_tokens": 900}
    answer = gemini.models.generate_content(model=FLASH, contents="hello", config=config)
    assert answer.text
    assert answer.model_version == FLASH
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.total_token_count
    assert (emulator.audit()["direct"], emulator.audit()["executed"]) == (1, 0)


def test_the_thoughts_count_apart_and_are_shown_when_asked_for(gemini: Client) -> None:
    config: Any = {"thinking_config": {"thinking_level": "high", "include_thoughts": True}}
    answer = gemini.models.generate_content(model=FLASH, contents="hello", config=config)
    assert answer.candidates is not None
    assert answer.candidates[0].content is not None
    first, last = answer.candidates[0].content.parts or []
    assert (first.thought, last.thought, answer.text) == (True, None, last.text)
    usage = answer.usage_metadata
    assert usage is not None
    assert (usage.thoughts_token_count or 0) >= 256
    assert usage.total_token_count == sum(
        count or 0 for count in (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count)
    )
    calm: Any = {"thinking_config": {"thinking_budget": 0}}
    quiet = gemini.models.generate_content(model=OLD_FLASH, contents="hello", config=calm).usage_metadata
    assert quiet is not None
    assert quiet.thoughts_token_count is None


def test_an_answer_keeps_to_either_kind_of_schema_and_to_its_order(emulator: Running) -> None:
    properties = {"n": {"type": "INTEGER", "minimum": 3, "maximum": 4}, "label": {"type": "STRING", "nullable": True}}
    spelled = {"type": "OBJECT", "properties": properties, "required": ["n", "label"]}
    wanted = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 3, "maximum": 4},
            "label": {"type": ["string", "null"]},
        },
        "required": ["n", "label"],
    }
    ordered = ["label", "n"]
    for key, schema in (("responseSchema", spelled), ("response_json_schema", wanted)):
        config = {"responseMimeType": "application/json", key: schema | {"propertyOrdering": ordered}}
        answer = generated(emulator, request(**config))
        value = json.loads(answer["candidates"][0]["content"]["parts"][0]["text"])
        jsonschema_rs.validate(wanted, value)
        assert list(value) == ordered
    bare = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["yes", "no"]}}
    assert generated(emulator, request(**bare))["candidates"][0]["content"]["parts"][0]["text"] in {"yes", "no"}
    plain = generated(emulator, request(responseMimeType="application/json"))
    assert isinstance(json.loads(plain["candidates"][0]["content"]["parts"][0]["text"]), dict)


def test_several_candidates_stops_and_calls_of_functions(emulator: Running) -> None:
    several = generated(emulator, request(candidateCount=3))
    assert [one["index"] for one in several["candidates"]] == [0, 1, 2]
    (stopped,) = generated(emulator, request(stopSequences=[" "]))["candidates"]
    assert " " not in stopped["content"]["parts"][0]["text"]
    function = {"name": "f", "parameters": {"type": "OBJECT", "properties": {"q": {"type": "STRING"}}}}
    tools = {
        "tools": [{"functionDeclarations": [{"name": "g"}, function]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    }
    called = generated(emulator, request() | tools)["candidates"][0]["content"]["parts"][0]["functionCall"]
    assert (called["name"], list(called["args"])) == ("f", ["q"])


def test_an_answer_that_is_refused_is_blocked_before_or_after(start: Start, tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    mark = sha256(b"hello").hexdigest()
    book = [{"schema": None}, {"digest": mark, "right": "a", "wrong": "b"}]
    (tmp_path / "books" / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in book))
    emulator = start(answers="key", books=tmp_path / "books", rates={"refused": 1})
    found = [generated(emulator, request("hello", temperature=i / 20)) for i in range(20)]
    blocked = [one for one in found if "candidates" not in one]
    assert 0 < len(blocked) < 20
    assert all(one["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT" for one in blocked)
    assert all("candidatesTokenCount" not in one["usageMetadata"] for one in blocked)
    others = [one["candidates"] for one in found if "candidates" in one]
    assert all(one == [{"finishReason": "SAFETY", "index": 0}] for one in others)


def test_tokens_of_a_prompt_are_counted_and_nothing_runs(emulator: Running, gemini: Client) -> None:
    assert gemini.models.count_tokens(model=FLASH, contents="four" * 10).total_tokens == 17
    inner = {"generateContentRequest": {"model": f"models/{FLASH}"} | request("four" * 10)}
    path = f"/v1/models/{FLASH}:countTokens"
    assert raw(emulator, path, "POST", json=inner).json()["totalTokens"] == 17
    for body in ({"contents": []}, [], request() | {"labels": json.loads('{"a":' * 300 + "1" + "}" * 300)}):
        assert raw(emulator, path, "POST", json=body).status_code == 400
    assert emulator.audit()["direct"] == 0


def test_models_are_listed_and_aliases_only_where_they_are_known(emulator: Running, geminis: Geminis) -> None:
    stable, beta = geminis(emulator.root), geminis(emulator.root, http_options={"api_version": "v1beta"})
    names = {model.name for model in stable.models.list(config={"page_size": 5})}
    assert f"models/{FLASH}" in names
    alias = ({model.name for model in beta.models.list()} - names).pop().removeprefix("models/")
    shown = stable.models.get(model=FLASH)
    assert (shown.input_token_limit, shown.output_token_limit, shown.thinking) == (1_048_576, 65_536, True)
    for model in (alias, "nobody"):
        with pytest.raises(ClientError, match="for api version v1"):
            stable.models.get(model=model)
    with pytest.raises(ClientError, match="is not found for API version v1,"):
        stable.models.generate_content(model=alias, contents="hi")
    answer = beta.models.generate_content(model=alias, contents="hi")
    assert answer.model_version != alias


def test_a_model_of_ones_own_has_no_rules(start: Start) -> None:
    emulator = start(extra_models=("mine",))
    odd = {"temperature": 99, "thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "HIGH"}}
    assert generated(emulator, request(**odd), model="mine")["modelVersion"] == "mine"


def test_the_key_comes_in_one_of_three_places(start: Start) -> None:
    emulator = start(api_key=KEY)
    path = "/v1beta/models"
    for call in (
        lambda: httpx2.get(emulator.root + path, headers={"x-goog-api-key": KEY}),
        lambda: httpx2.get(emulator.root + path, params={"key": KEY}),
        lambda: httpx2.get(emulator.root + path, headers={"Authorization": f"Bearer {KEY}"}),
    ):
        assert call().status_code == 200
    wrong = httpx2.get(emulator.root + path, params={"key": "x"})
    error = wrong.json()["error"]
    assert (wrong.status_code, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"] == "API key not valid. Please pass a valid API key."
    assert error["details"][0]["reason"] == "API_KEY_INVALID"
    none = httpx2.get(emulator.root + path)
    assert (none.status_code, none.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert httpx2.post(emulator.root + "/upload/v1/files").status_code == 403


def test_the_client_says_what_is_wrong_with_its_key(start: Start, geminis: Geminis) -> None:
    with pytest.raises(ClientError, match="API key not valid") as caught:
        upload(geminis(start(api_key="another").root), rows(1))
    assert caught.value.code == 400


def test_shared_paths_are_told_apart_by_the_key(emulator: Running, gemini: Client, client: OpenAI) -> None:
    job, other = finished(emulator, gemini, rows(1)), submit(client, requests(1))
    own = str(job.name).removeprefix("batches/")
    assert [batch.id for batch in client.batches.list()] == [other.id]
    assert [batch.name for batch in gemini.batches.list()] == [job.name]
    assert [file.id for file in client.files.list()] == [other.input_file_id]
    assert all(str(file.name).startswith("files/") for file in gemini.files.list())
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(own)
    with pytest.raises(ClientError, match="not found"):
        gemini.batches.get(name=f"batches/{other.id}")
    with pytest.raises(ClientError, match="may not exist"):
        gemini.files.get(name=f"files/{other.input_file_id}")
    with pytest.raises(openai.APIStatusError) as caught:
        client.delete(f"/batches/{own}", cast_to=object)
    assert caught.value.status_code == 405
    assert f"models/{FLASH}" in httpx2.get(emulator.root + f"/v1/models?key={KEY}").text


def test_a_path_that_is_not_there_is_a_404_in_its_words(emulator: Running) -> None:
    for method, path in (("GET", "/v1beta/tunedModels"), ("POST", f"/v1/models/{FLASH}:dance"), ("PUT", "/v1/files")):
        answer = raw(emulator, path, method)
        assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_a_body_that_is_no_request_is_refused(emulator: Running) -> None:
    path = f"/v1/models/{FLASH}:generateContent"
    for content in (
        b"{",
        b"[]",
        b"null",
        b'{"contents": 1}',
        b'{"contents": [null]}',
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ):
        answer = raw(emulator, path, "POST", content=content)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_claude_has_batches_of_its_own(emulator: Running, gemini: Client, claude: Anthropic) -> None:
    name = order(gemini, rows(1))
    assert claude.messages.batches.list().data == []
    message_order(claude, lines(1))
    assert [job.name for job in gemini.batches.list()] == [name]
