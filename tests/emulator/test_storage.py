"""Cloud Storage, as the official client and plain HTTP see it."""

from __future__ import annotations

import io
import json
import os
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5
from typing import Any

import google_crc32c
import httpx2
import pytest
import requests
from google.api_core import exceptions
from google.cloud import storage

from harness.emulator import Running
from harness.emulator.storage_crc32c import crc32c

from .conftest import Spawn, Start, end, memory

Storages = Callable[..., storage.Client]
NAME = "simulated-bucket"
QUANTUM = 1 << 18


@pytest.mark.parametrize("size", [0, 1, 9, 255, 256, 257, 100_000, 1 << 20])
def test_the_checksum_is_that_of_castagnoli(size: int) -> None:
    data = os.urandom(size)
    assert crc32c(data) == google_crc32c.value(data)
    assert crc32c(data[size // 3 :], crc32c(data[: size // 3])) == crc32c(data)
    assert crc32c(b"123456789") == 0xE3069283


def test_an_object_keeps_name_bytes_and_type(bucket: storage.Bucket) -> None:
    name = "in/a b:ü?#%2F+.jsonl"
    blob = bucket.blob(name)
    blob.metadata = {"run": "k1"}
    blob.upload_from_string(b"hello", content_type="application/jsonl")
    found = bucket.get_blob(name)
    assert (found.name, found.size, found.content_type, found.metadata) == (
        name,
        5,
        "application/jsonl",
        {"run": "k1"},
    )
    assert found.crc32c == b64encode(google_crc32c.value(b"hello").to_bytes(4, "big")).decode()
    assert found.md5_hash == b64encode(md5(b"hello", usedforsecurity=False).digest()).decode()
    assert found.download_as_bytes() == b"hello"
    assert isinstance(found.generation, int)
    assert [one.name for one in bucket.list_blobs()] == [name]


@pytest.mark.parametrize("chunk", [None, QUANTUM, 1 << 20])
def test_a_large_object_comes_by_a_resumable_upload(bucket: storage.Bucket, chunk: int | None) -> None:
    data = os.urandom(9 * (1 << 20) + 7)
    bucket.blob("big", chunk_size=chunk).upload_from_file(io.BytesIO(data), size=len(data))
    assert bucket.blob("big").download_as_bytes() == data
    assert bucket.blob("big").download_as_bytes(start=5, end=99) == data[5:100]
    assert bucket.blob("big").download_as_bytes(start=len(data) - 3) == data[-3:]
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        bucket.blob("big").download_as_bytes(start=len(data))


def test_an_object_can_be_written_and_read_as_a_file(bucket: storage.Bucket) -> None:
    with bucket.blob("file").open("wb", chunk_size=QUANTUM) as sink:  # the length is not known before the end
        for _ in range(10):
            sink.write(b"x" * 100_000)
    with bucket.blob("file").open("rb") as source:
        assert source.read(3) == b"xxx"
        assert len(source.read()) == 999_997


def test_what_is_not_there_is_404_in_the_words_of_the_api(emulator: Running, bucket: storage.Bucket) -> None:
    assert not bucket.blob("no").exists()
    assert bucket.exists()
    assert not bucket.client.bucket("other").exists()
    for call in (bucket.blob("no").reload, bucket.blob("no").delete):
        with pytest.raises(exceptions.NotFound, match="No such object: simulated-bucket/no"):
            call()
    with pytest.raises(exceptions.NotFound, match=r"The specified bucket does not exist\."):
        bucket.client.bucket("other").blob("a").upload_from_string("x" * 3_000_000)
    with pytest.raises(exceptions.NotFound, match=r"The specified bucket does not exist\."):
        list(bucket.client.bucket("other").list_blobs())
    plain = httpx2.get(f"{emulator.root}/download/storage/v1/b/{NAME}/o/a%2Fb?alt=media")
    assert (plain.status_code, plain.text) == (404, "No such object: simulated-bucket/a/b")
    body = httpx2.get(f"{emulator.root}/storage/v1/b/{NAME}/o/no").json()
    words = "No such object: simulated-bucket/no"
    details = [{"message": words, "domain": "global", "reason": "notFound"}]
    assert body == {"error": {"code": 404, "message": words, "errors": details}}
    assert httpx2.get(f"{emulator.root}/storage/v1/nothing").json()["error"]["code"] == 404


def test_a_bucket_exists_once_it_is_created(bucket: storage.Bucket) -> None:
    made = bucket.client.create_bucket("mine")
    made.blob("a").upload_from_string("x")
    assert bucket.client.get_bucket("mine").blob("a").exists()
    with pytest.raises(exceptions.Conflict):
        bucket.client.create_bucket("mine")
    with pytest.raises(exceptions.Conflict):
        bucket.client.create_bucket(NAME)


def test_lists_are_in_order_by_prefix_delimiter_and_page(bucket: storage.Bucket) -> None:
    names = ["a", "a/1", "a/2/x", "a/2/y", "b/1", "ä", "zz"]
    for name in reversed(names):
        bucket.blob(name).upload_from_string(name)

    def listed(**asked: Any) -> tuple[list[str], list[str]]:
        found = bucket.list_blobs(**asked)
        return [one.name for one in found], sorted(found.prefixes)

    assert listed() == (sorted(names), [])
    assert listed(prefix="a/") == (["a/1", "a/2/x", "a/2/y"], [])
    assert listed(delimiter="/") == (["a", "zz", "ä"], ["a/", "b/"])
    assert listed(prefix="a/", delimiter="/") == (["a/1"], ["a/2/"])
    for size in (1, 2, 3):
        assert listed(page_size=size) == (sorted(names), [])
        assert listed(delimiter="/", page_size=size) == (["a", "zz", "ä"], ["a/", "b/"])
    assert listed(prefix="none") == ([], [])


def test_a_condition_on_the_generation_is_kept(bucket: storage.Bucket) -> None:
    blob = bucket.blob("once")
    blob.upload_from_string("1", if_generation_match=0)
    for data in (b"2", b"2" * (9 << 20)):
        with pytest.raises(exceptions.PreconditionFailed, match="At least one of the pre-conditions"):
            bucket.blob("once").upload_from_file(io.BytesIO(data), if_generation_match=0)
    first = blob.generation
    blob.upload_from_string("3", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.delete_blob("once", if_generation_match=first)
    bucket.delete_blob("once", if_generation_match=blob.generation)
    assert not bucket.blob("once").exists()


def test_bytes_that_are_not_what_was_promised_are_refused(emulator: Running) -> None:
    url = f"{emulator.root}/upload/storage/v1/b/{NAME}/o?uploadType=multipart"
    facts = json.dumps({"name": "x", "crc32c": "AAAAAA=="})
    body = f"--=\r\ncontent-type: application/json\r\n\r\n{facts}\r\n--=\r\ncontent-type: a/b\r\n\r\nhi\r\n--=--"
    said = httpx2.post(url, content=body, headers={"content-type": 'multipart/related; boundary="="'})
    assert said.status_code == 400
    assert said.json()["error"]["message"].startswith('Provided CRC32C "AAAAAA==" doesn\'t match')
    torn = httpx2.post(url, content=body[:40], headers={"content-type": 'multipart/related; boundary="="'})
    assert torn.status_code == 400
    other = httpx2.post(url, content=body, headers={"content-type": "text/plain"})
    assert other.status_code == 400
    nameless = httpx2.post(f"{emulator.root}/upload/storage/v1/b/{NAME}/o?uploadType=media", content=b"x")
    assert nameless.json()["error"]["message"] == "Required object name not specified."


def begin(emulator: Running, name: str = "r") -> str:
    """Begin a resumable upload; returns its URL."""
    url = f"{emulator.root}/upload/storage/v1/b/{NAME}/o?uploadType=resumable"
    said = httpx2.post(url, json={"name": name}, headers={"x-upload-content-type": "a/b"})
    assert (said.status_code, said.content) == (200, b"")
    assert said.headers["location"].startswith(emulator.root)
    return said.headers["location"]


def bring(url: str, data: bytes, span: str) -> httpx2.Response:
    return httpx2.put(url, content=data, headers={"content-range": f"bytes {span}"})


def test_a_resumable_upload_says_how_far_it_is(emulator: Running, bucket: storage.Bucket) -> None:
    url, data = begin(emulator), os.urandom(QUANTUM + 10)
    assert "range" not in bring(url, b"", "*/*").headers
    assert bring(url, data[:100], f"0-99/{len(data)}").status_code == 400  # too short to go on
    assert bring(url, data[5:], f"5-{len(data) - 1}/{len(data)}").status_code == 400  # a gap
    assert bring(url, data[:50], f"0-99/{len(data)}").status_code == 400  # fewer than it says
    assert httpx2.put(url, content=b"x", headers={"content-range": "bits 1"}).status_code == 400
    first = bring(url, data[:QUANTUM], f"0-{QUANTUM - 1}/*")
    assert (first.status_code, first.headers["range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    asked = bring(url, b"", f"*/{len(data)}")
    assert (asked.status_code, asked.headers["range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    wrong = {"content-range": f"bytes {QUANTUM}-{len(data) - 1}/{len(data)}", "x-goog-hash": "crc32c=AAAAAA=="}
    assert httpx2.put(url, content=data[QUANTUM:], headers=wrong).status_code == 400
    last = bring(url, data, f"0-{len(data) - 1}/{len(data)}")  # what is there already is passed over
    assert (last.status_code, last.json()["size"], last.json()["contentType"]) == (200, str(len(data)), "a/b")
    assert bring(url, b"", f"*/{len(data)}").json() == last.json()
    assert bucket.blob("r").download_as_bytes() == data
    bucket.delete_blob("r")
    assert bring(url, b"", f"*/{len(data)}").status_code == 404
    assert bring(url + "x", data, "0-1/2").status_code == 404


def test_objects_and_begun_uploads_outlive_a_restart(start: Start, storages: Storages) -> None:
    first = start()
    one, data = storages(first), os.urandom(QUANTUM + 10)
    one.create_bucket("mine").blob("kept").upload_from_string("here")
    one.bucket("mine").blob("gone").upload_from_string("x")
    one.bucket("mine").delete_blob("gone")
    generation = one.bucket("mine").get_blob("kept").generation
    url = begin(first)
    bring(url, data[:QUANTUM], f"0-{QUANTUM - 1}/*")
    ended = begin(first, "ended")
    httpx2.put(ended, content=b"whole")
    first.stop()
    second = start()
    two = storages(second)
    assert [(blob.name, blob.generation) for blob in two.bucket("mine").list_blobs()] == [("kept", generation)]
    assert two.bucket("mine").blob("kept").download_as_text() == "here"
    later = url.replace(first.root, second.root)
    assert bring(later, data[QUANTUM:], f"{QUANTUM}-{len(data) - 1}/{len(data)}").status_code == 200
    assert two.bucket(NAME).blob("r").download_as_bytes() == data
    assert two.bucket(NAME).blob("ended").download_as_bytes() == b"whole"
    assert second.audit()["uploads"] == 4


def test_a_download_that_breaks_off_is_gone_on_with(emulator: Running, bucket: storage.Bucket) -> None:
    data = os.urandom(300_000)
    bucket.blob("a").upload_from_string(data)
    emulator.set_faults(["truncated_download"])
    assert bucket.blob("a").download_as_bytes() == data
    emulator.set_faults([{"fault": "truncated_download", "silent": True, "times": 2}])
    # The client sees from x-goog-stored-content-length that the rest is missing, asks for it, and checks no range.
    assert bucket.blob("a").download_as_bytes() == data[:225_000]
    emulator.set_faults([{"fault": "truncated_download", "silent": True}])
    with pytest.raises(ConnectionError):
        bucket.blob("a").download_as_bytes(retry=None)


def test_faults_strike_calls_of_storage(emulator: Running, bucket: storage.Bucket) -> None:
    bucket.blob("a").upload_from_string("x")
    plan = [
        {"fault": "rate_limited", "on": "list_files"},
        {"fault": "server_error", "on": "file_content", "status": 503},
        {"fault": "drop_connection", "on": "get_file"},
        {"fault": "drop_connection", "on": "upload_file", "when": "after"},
    ]
    emulator.set_faults(plan)
    with pytest.raises(exceptions.TooManyRequests, match="exceeded the rate limit"):
        list(bucket.list_blobs(retry=None))
    with pytest.raises(exceptions.ServiceUnavailable):
        bucket.blob("a").download_as_bytes(retry=None)
    with pytest.raises(requests.ConnectionError):
        bucket.blob("a").reload(retry=None)
    with pytest.raises(requests.ConnectionError):
        bucket.blob("b").upload_from_string("x", retry=None)
    assert bucket.blob("b").exists()
    emulator.set_faults(plan)
    assert [one.name for one in bucket.list_blobs()] == ["a", "b"]  # the client's own retries hide a fault


def test_a_large_upload_and_download_need_little_memory(spawn: Spawn, storages: Storages) -> None:
    child, url = spawn()
    root, block = url.removesuffix("/v1"), os.urandom(1 << 20)
    before = memory(child, "VmRSS")
    where = f"{root}/upload/storage/v1/b/{NAME}/o?uploadType=media&name=big"
    said = httpx2.post(where, content=(block for _ in range(64)), timeout=60)
    assert said.json()["size"] == str(64 << 20)
    with httpx2.stream("GET", f"{root}/storage/v1/b/{NAME}/o/big?alt=media") as response:
        assert sum(map(len, response.iter_bytes())) == 64 << 20
    assert memory(child, "VmHWM") - before < 40
    end(child)


def test_an_error_is_an_error_of_the_api(emulator: Running) -> None:
    said = httpx2.post(f"{emulator.root}/upload/storage/v1/b/{NAME}/o?uploadType=none", content=b"x")
    assert said.status_code == 400
    assert httpx2.get(f"{emulator.root}/storage/v1/b/{NAME}/o?maxResults=x").status_code == 400
    assert httpx2.get(f"{emulator.root}/storage/v1/b/{NAME}/o?pageToken=%21").status_code == 400
    assert httpx2.post(f"{emulator.root}/storage/v1/b", json={"name": "X"}).status_code == 400
