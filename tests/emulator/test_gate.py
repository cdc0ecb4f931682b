"""Who gets in where a key is demanded."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import Start
from .gemini import FLASH, request
from .test_gemini_files import START, piece

KEY = "the-key"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1beta/files"),
        ("GET", "/v1beta/batches"),
        ("DELETE", "/v1beta/files/a"),
        ("POST", f"/v1beta/models/{FLASH}:generateContent"),
        ("GET", "/upload/v1beta/files"),
        ("POST", "/upload/v1beta/files/a"),
    ],
)
@pytest.mark.parametrize("api_key", [KEY, None])
def test_the_url_of_an_upload_opens_nothing_else(start: Start, method: str, path: str, api_key: str | None) -> None:
    emulator = start(api_key=api_key)
    body: Any = request() if method == "POST" else None
    answer = httpx2.request(method, f"{emulator.root}{path}?upload_id=x", json=body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 200),
        ({"authorization": f"Bearer {KEY}"}, "", 200),
        ({}, f"?key={KEY}", 200),
        ({"authorization": "Bearer other"}, "", 401),
        ({}, "?key=other", 400),
    ],
)
def test_cloud_storage_lets_in_who_brings_nothing_but_not_who_brings_another_key(
    start: Start, headers: dict[str, str], query: str, status: int
) -> None:
    place = f"{start(api_key=KEY).root}/storage/v1/b/simulated/o"
    assert httpx2.get(place + query, headers=headers).status_code == status


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_an_upload_goes_on_without_a_key(start: Start, version: str) -> None:
    emulator = start(api_key=KEY)
    place = f"{emulator.root}/upload/{version}/files"
    assert httpx2.post(place, json={"file": {}}, headers=START).status_code == 403
    begun = httpx2.post(place, json={"file": {}}, headers=START | {"x-goog-api-key": KEY})
    assert piece(begun.headers["x-goog-upload-url"], b"1", 0, "upload, finalize").status_code == 200
