"""What the service refuses at once: keys, hosts, uploads, creations, ids that nobody knows."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from openai import OpenAI

from harness.emulator import Running, Settings, serve_in_thread

from .conftest import CHAT, Start, jsonl, requests, submit, upload

ORDER = {"endpoint": CHAT, "completion_window": "24h", "input_file_id": "file-x"}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One emulator for all tests of this file: none of them leaves anything that another one sees."""
    with serve_in_thread(tmp_path_factory.mktemp("state"), Settings(speed=0)) as running:
        yield running


def raw(emulator: Running, method: str, path: str, data: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Call without a client, so that nothing is filled in."""
    parts = urlsplit(emulator.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    try:
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None
    finally:
        connection.close()


def test_a_missing_key_is_401(emulator: Running) -> None:
    status, body = raw(emulator, "GET", "/v1/models")
    assert status == 401
    assert body["error"]["message"].startswith("You didn't provide an API key.")
    assert body["error"]["code"] is None


def test_a_wrong_key_is_401_and_not_repeated(start: Start, connect: Callable[..., OpenAI]) -> None:
    emulator = start(api_key="sk-right")
    with pytest.raises(openai.AuthenticationError) as caught:
        connect(emulator, api_key="sk-ab-secret-secret-yz").models.list()
    assert caught.value.code == "invalid_api_key"
    assert "sk-ab***yz" in caught.value.message
    assert "secret" not in caught.value.message
    assert connect(emulator, api_key="sk-right").models.list().data


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_other_names_for_this_host_are_refused(emulator: Running, host: str) -> None:
    assert raw(emulator, "GET", "/_emulator/audit", Host=host)[0] in {400, 421}


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]:8000"])
def test_loopback_names_are_served(emulator: Running, host: str) -> None:
    assert raw(emulator, "GET", "/_emulator/audit", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("null", 403), ("http://localhost:3", 200)]
)
def test_foreign_web_pages_are_refused(emulator: Running, origin: str, status: int) -> None:
    assert raw(emulator, "GET", "/_emulator/audit", Origin=origin)[0] == status


def test_an_unknown_route_says_so(emulator: Running) -> None:
    key = {"Authorization": "Bearer k"}
    status, body = raw(emulator, "POST", "/v1/nothing", b"{}", **key)
    assert (status, body["error"]["message"]) == (404, "Invalid URL (POST /v1/nothing)")
    status, body = raw(emulator, "PUT", "/v1/batches", b"{}", **key)
    assert (status, body["error"]["code"]) == (405, "method_not_supported")


@pytest.mark.parametrize(
    ("changes", "message", "param", "code"),
    [
        ({"endpoint": "/v1/x"}, "Invalid value: '/v1/x'. Supported values are: '/v1/chat", "endpoint", "invalid_value"),
        ({"completion_window": "48h"}, "Value must be '24h'.", "completion_window", "invalid_value"),
        ({"input_file_id": None}, "Missing required parameter: 'input_file_id'.", "input_file_id", None),
        ({"endpoint": None}, "Missing required parameter: 'endpoint'.", "endpoint", None),
        ({"completion_window": None}, "Missing required parameter", "completion_window", None),
        ({"input_file_id": 7}, "expected a string, but got an integer instead.", "input_file_id", "invalid_type"),
        (
            {"metadata": {"tags": []}},
            "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
            "metadata.tags",
            "invalid_type",
        ),
        (
            {"metadata": {str(i): "" for i in range(17)}},
            "at most 16 properties, but got an object with 17 properties instead.",
            "metadata",
            "object_above_max_properties",
        ),
        ({"metadata": {"k" * 65: ""}}, "too long", "metadata", "property_name_above_max_length"),
        ({"metadata": {"k": "v" * 600}}, "maximum length 512", "metadata.k", "string_above_max_length"),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 60}},
            "Expected a value >= 3600, but got 60 instead.",
            "output_expires_after.seconds",
            "integer_below_min_value",
        ),
        ({"priority": 1}, "Unknown parameter: 'priority'.", "priority", "unknown_parameter"),
    ],
)
def test_a_bad_order_is_refused_at_once(
    client: OpenAI, changes: dict[str, Any], message: str, param: str, code: str | None
) -> None:
    order = {key: value for key, value in (ORDER | changes).items() if value is not None}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/batches", body=order, cast_to=object)
    assert message in caught.value.message
    assert caught.value.param == param
    assert caught.value.code == (code or "missing_required_parameter")


def test_broken_json_is_refused(emulator: Running) -> None:
    status, body = raw(emulator, "POST", "/v1/batches", b"{nope", Authorization="Bearer k")
    assert status == 400
    assert body["error"]["message"].startswith("We could not parse the JSON body of your request.")


@pytest.mark.parametrize(
    ("name", "data"),
    [("in.jsonl", b""), ("in.txt", b"{}\n"), ("in.jsonl", b"[1]\n"), ("in.jsonl", b"\xef\xbb\xbf{}\n"), ("x", b"{}\n")],
)
def test_an_upload_that_is_no_jsonl_is_refused(client: OpenAI, name: str, data: bytes) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.files.create(file=(name, data), purpose="batch")
    assert caught.value.message.endswith("Invalid file format for Batch API. Must be .jsonl")
    assert (caught.value.param, caught.value.code) == (None, None)


def test_bytes_without_a_name_are_taken(client: OpenAI) -> None:
    assert client.files.create(file=jsonl(requests(1)), purpose="batch").filename == "upload"


def test_a_file_over_the_limit_is_refused_after_it_was_read(start: Start, connect: Callable[..., OpenAI]) -> None:
    client = connect(start(max_batch_file=1000, max_file=2000))
    with pytest.raises(openai.BadRequestError, match=r"File is too large\."):
        client.files.create(file=("in.jsonl", jsonl(requests(200))), purpose="batch")
    assert not client.files.list().data


def test_upload_fields_are_checked(client: OpenAI, emulator: Running) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.files.create(file=("a.jsonl", b"{}\n"), purpose="party")  # type: ignore[arg-type]
    assert caught.value.code == "invalid_value"
    with pytest.raises(openai.BadRequestError) as caught:
        client.files.create(
            file=("a.jsonl", b"{}\n"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 5}
        )
    assert caught.value.code == "integer_below_min_value"
    form = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'
    headers = {"Authorization": "Bearer k", "Content-Type": "multipart/form-data; boundary=b"}
    status, body = raw(emulator, "POST", "/v1/files", form, **headers)
    assert (status, body["error"]["message"]) == (400, "Missing required parameter: 'file'.")


def test_a_form_may_hold_the_file_first(emulator: Running) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{}\n\r\n'
        b'--b\r\nContent-Disposition: form-data; name="expires_after[seconds]"\r\n\r\n3600\r\n'
        b'--b\r\nContent-Disposition: form-data; name="expires_after[anchor]"\r\n\r\ncreated_at\r\n'
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'
    )
    headers = {"Authorization": "Bearer k", "Content-Type": "multipart/form-data; boundary=b"}
    status, body = raw(emulator, "POST", "/v1/files", form, **headers)
    assert status == 200
    assert (body["bytes"], body["expires_at"] - body["created_at"]) == (3, 3600)


def test_unknown_ids_are_404(client: OpenAI) -> None:
    for call in (client.files.retrieve, client.files.delete, client.files.content):
        with pytest.raises(openai.NotFoundError) as caught:
            call("file-nope")
        assert "No such File object: file-nope" in caught.value.message
        assert caught.value.param == "id"
    for look in (client.batches.retrieve, client.batches.cancel):
        with pytest.raises(openai.NotFoundError, match="No batch found with id"):
            look("batch_nope")
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-99")
    assert caught.value.code == "model_not_found"


def test_a_file_of_another_purpose_is_no_batch(client: OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", jsonl(requests(1))), purpose="fine-tune")
    with pytest.raises(openai.BadRequestError) as caught:
        client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    assert caught.value.param == "input_file_id"


def test_limits_of_listings_are_checked(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.batches.list(limit=0)
    assert caught.value.code == "integer_below_min_value"
    with pytest.raises(openai.BadRequestError) as caught:
        client.batches.list(limit=101)
    assert caught.value.code == "integer_above_max_value"


def test_an_ended_batch_cannot_be_cancelled(emulator: Running, client: OpenAI) -> None:
    batch = submit(client, requests(1))
    emulator.advance(100)
    with pytest.raises(openai.ConflictError) as caught:
        client.batches.cancel(batch.id)
    assert "Cannot cancel a batch with status 'completed'." in caught.value.message


def test_a_deleted_file_is_gone(client: OpenAI) -> None:
    file_id = upload(client, requests(1))
    assert client.files.delete(file_id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(file_id)
