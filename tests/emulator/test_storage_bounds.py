"""What is too much for Cloud Storage, and what is no sense at all."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from harness.emulator import Running

from .conftest import Start

PLACE = "/upload/storage/v1/b/simulated/o"
MULTIPART = (
    b'--x\r\ncontent-type: application/json\r\n\r\n{"name": "a"}\r\n--x\r\ncontent-type: text/plain\r\n\r\n%s\r\n--x--'
)


def send(emulator: Running, kind: str, content: bytes, **headers: str) -> httpx2.Response:
    params = {"uploadType": kind, "name": "a"}
    return httpx2.post(emulator.root + PLACE, params=params, content=content, headers=headers)


def put(url: str, content: bytes, span: str) -> httpx2.Response:
    return httpx2.put(url, content=content, headers={"content-range": span})


@pytest.fixture
def small(start: Start) -> Running:
    return start(max_object=10)


@pytest.mark.parametrize("size", [10, 11])
def test_an_object_has_a_largest_size_whichever_way_it_comes(small: Running, size: int) -> None:
    data, status = b"d" * size, 200 if size == 10 else 413
    answers = [
        send(small, "media", data),
        send(small, "multipart", MULTIPART % data, **{"content-type": "multipart/related; boundary=x"}),
        put(send(small, "resumable", b"{}").headers["location"], data, f"bytes 0-{size - 1}/{size}"),
        httpx2.put(send(small, "resumable", b"{}").headers["location"], content=data),
        send(small, "resumable", b"{}", **{"x-upload-content-length": str(size)}),
    ]
    assert [answer.status_code for answer in answers] == [status] * 5
    if size > 10:
        assert {answer.json()["error"]["errors"][0]["reason"] for answer in answers} == {"uploadTooLarge"}
        assert httpx2.get(f"{small.root}/storage/v1/b/simulated/o").json().get("items") is None


@pytest.mark.parametrize("body", [b"[1]", b"{", b" " * (1 << 20) + b"{}", b'{"name": "' + b"a" * (1 << 20) + b'"}'])
def test_an_upload_does_not_begin_with_what_says_nothing(emulator: Running, body: bytes) -> None:
    answer = send(emulator, "resumable", body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Parse Error")


@pytest.mark.parametrize(
    "facts",
    [
        {"metadata": [1]},
        {"contentType": "text/plain\r\nx-evil: 1"},
        {"contentType": "text/€"},
        {"contentType": "\u0000"},
    ],
)
def test_an_upload_that_could_not_come_back_is_refused(emulator: Running, facts: dict[str, Any]) -> None:
    answer = httpx2.post(emulator.root + PLACE, params={"uploadType": "resumable", "name": "a"}, json=facts)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (400, "invalid")


@pytest.mark.parametrize("bucket", ["simulated%E2%82%AC", "simulated%20", "simulatedA", "simulated" + "a" * 300])
def test_a_bucket_has_the_name_of_one(emulator: Running, bucket: str) -> None:
    place = f"{emulator.root}/upload/storage/v1/b/{bucket}/o"
    assert httpx2.post(place, params={"uploadType": "resumable", "name": "a"}).status_code == 404
    assert httpx2.get(f"{emulator.root}/storage/v1/b/{bucket}/o").status_code == 404


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "x"])
def test_a_number_that_is_none_is_refused(emulator: Running, number: str) -> None:
    assert send(emulator, "media", b"data").status_code == 200
    objects = f"{emulator.root}/storage/v1/b/simulated/o"
    assert httpx2.get(objects, params={"maxResults": number}).status_code == 400
    jobs = f"{emulator.root}/v1/projects/p/locations/l/batchPredictionJobs"
    paged = httpx2.get(jobs, params={"pageSize": number}, headers={"authorization": "Bearer x"})
    assert (paged.status_code, paged.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    if number.isascii():
        whole = httpx2.get(objects + "/a?alt=media", headers={"range": f"bytes={number}-"})
        assert whole.content == b"data"
        url = send(emulator, "resumable", b"{}").headers["location"]
        assert put(url, b"", f"bytes {number}-{number}/*").status_code == 400
