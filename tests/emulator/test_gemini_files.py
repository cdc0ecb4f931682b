"""Files of the Gemini API, as the official client and raw HTTP see them."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from google.genai import Client
from google.genai.errors import ClientError

from harness.emulator import Running
from tests.emulator.conftest import Start
from tests.emulator.gemini import KEY, finished, jsonl, raw, rows, text, upload

START = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
Geminis = Callable[..., Client]


def begun(emulator: Running, body: Any = None, **headers: str) -> httpx2.Response:
    return raw(emulator, "/upload/v1/files", "POST", json=body or {"file": {}}, headers=START | headers)


def piece(url: str, data: bytes, offset: int, command: str) -> httpx2.Response:
    """Send a piece, without a key."""
    headers = {"X-Goog-Upload-Offset": str(offset), "X-Goog-Upload-Command": command}
    return httpx2.post(url, content=data, headers=headers)


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_an_upload_is_kept_for_two_days(emulator: Running, geminis: Geminis, version: str) -> None:
    client = geminis(emulator.root, http_options={"api_version": version})
    name = upload(client, rows(2))
    file = client.files.get(name=name)
    assert (file.name, file.display_name, file.mime_type) == (name, "in.jsonl", "application/jsonl")
    assert (file.size_bytes, str(file.state), str(file.source)) == (
        len(jsonl(rows(2))),
        "FileState.ACTIVE",
        "FileSource.UPLOADED",
    )
    digest = hashlib.sha256(jsonl(rows(2))).hexdigest()
    assert file.sha256_hash == base64.b64encode(digest.encode()).decode()
    assert file.expiration_time is not None
    assert file.create_time is not None
    assert file.expiration_time - file.create_time == timedelta(hours=48)
    emulator.advance(172_900)
    with pytest.raises(ClientError, match="may not exist"):
        client.files.get(name=name)
    assert list(client.files.list()) == []


def test_a_name_may_be_chosen_once_and_the_size_is_a_string(emulator: Running, gemini: Client) -> None:
    config: Any = {"name": "files/my-input", "mime_type": "text/plain"}
    assert gemini.files.upload(file=io.BytesIO(b"{}\n"), config=config).name == "files/my-input"
    assert raw(emulator, "/v1beta/files/my-input").json()["sizeBytes"] == "3"
    with pytest.raises(ClientError, match="already exists"):
        gemini.files.upload(file=io.BytesIO(b"{}\n"), config=config)
    for bad in ("files/Upper", "files/-x", "files/x-", "files/" + "x" * 41, "plain", "files/a.b", "files/a/b"):
        assert begun(emulator, {"file": {"name": bad}}).json()["error"]["status"] == "INVALID_ARGUMENT"


def test_files_are_listed_newest_first_in_pages(gemini: Client) -> None:
    names = [upload(gemini, rows(i + 1)) for i in range(5)]
    assert [file.name for file in gemini.files.list(config={"page_size": 2})] == names[::-1]


def test_an_upload_comes_in_pieces_to_a_url_of_this_server_without_a_key(emulator: Running) -> None:
    answer = begun(emulator, {"file": {"displayName": "p", "sizeBytes": "10"}})
    assert (answer.status_code, answer.content, answer.headers["x-goog-upload-status"]) == (200, b"", "active")
    url = answer.headers["x-goog-upload-url"]
    assert url.startswith(emulator.root + "/upload/v1/files?upload_id=")
    assert piece(url, b"01234", 0, "upload").headers["x-goog-upload-status"] == "active"
    gap = piece(url, b"89", 8, "upload, finalize")
    assert (gap.status_code, gap.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    asked = httpx2.post(url, headers={"X-Goog-Upload-Command": "query"})
    assert asked.headers["x-goog-upload-size-received"] == "5"
    done = piece(url, b"56789", 5, "upload, finalize")
    assert done.headers["x-goog-upload-status"] == "final"
    assert (done.json()["file"]["sizeBytes"], done.json()["file"]["displayName"]) == ("10", "p")
    assert piece(url, b"", 10, "finalize").status_code == 404


def test_an_upload_that_is_not_as_announced_is_refused(start: Start) -> None:
    emulator = start(max_upload=20)
    assert begun(emulator, **{"X-Goog-Upload-Header-Content-Length": "21"}).status_code == 400
    url = begun(emulator, **{"X-Goog-Upload-Header-Content-Length": "4"}).headers["x-goog-upload-url"]
    assert piece(url, b"12345", 0, "upload, finalize").status_code == 400
    assert piece(url, b"1", 0, "jump").status_code == 400
    assert piece(url, b"123", 0, "upload, finalize").status_code == 400
    url = begun(emulator).headers["x-goog-upload-url"]
    assert piece(url, b"1" * 21, 0, "upload, finalize").status_code == 400
    assert httpx2.post(url, headers={"X-Goog-Upload-Command": "cancel"}).status_code == 200
    assert piece(url, b"1", 0, "upload").status_code == 404
    assert piece(emulator.root + "/upload/v1/files?upload_id=abc", b"1", 0, "upload").status_code == 404
    for body in ({"file": {"colour": "red"}}, {"file": {"sizeBytes": "x"}}, {"file": 3}):
        assert begun(emulator, body).status_code == 400
    plain = raw(emulator, "/upload/v1/files", "POST", content=b"x", headers={"X-Goog-Upload-Protocol": "raw"})
    assert "resumable" in plain.json()["error"]["message"]
    assert emulator.audit()["uploads"] == 0


def test_a_file_that_is_deleted_twice_is_forbidden(gemini: Client) -> None:
    name = upload(gemini, rows(1))
    gemini.files.delete(name=name)
    with pytest.raises(ClientError, match="or it may not exist") as caught:
        gemini.files.delete(name=name)
    assert (caught.value.code, caught.value.status) == (403, "PERMISSION_DENIED")


def test_what_a_batch_made_is_downloaded_on_both_paths_and_uploads_are_not(emulator: Running, gemini: Client) -> None:
    job = finished(emulator, gemini, rows(3))
    assert job.dest is not None
    name = str(job.dest.file_name)
    for path in (f"/download/v1beta/{name}:download?alt=media", f"/v1/{name}:download?alt=media&key={KEY}"):
        assert raw(emulator, path).text == text(gemini, job)
    made = gemini.files.get(name=name)
    assert str(made.source) == "FileSource.GENERATED"
    assert gemini.files.download(file=made).decode() == text(gemini, job)
    with pytest.raises(ClientError, match="at most 40 characters"):
        gemini.files.delete(name=name)
    with pytest.raises(ClientError, match="Only generated files"):
        gemini.files.download(file=upload(gemini, rows(1)))


def test_files_and_half_an_upload_survive_a_restart(start: Start, geminis: Geminis, tmp_path: Path) -> None:
    first = start()
    name = upload(geminis(first.root), rows(2))
    url = begun(first, {"file": {"displayName": "half"}}).headers["x-goog-upload-url"]
    piece(url, b"12345", 0, "upload")
    first.stop()
    again = start()
    assert [file.name for file in geminis(again.root).files.list()] == [name]
    file = piece(url.replace(first.root, again.root), b"6", 5, "upload, finalize").json()["file"]
    assert (file["displayName"], file["sizeBytes"]) == ("half", "6")
    again.stop()
    last = start()
    assert piece(url.replace(first.root, last.root), b"7", 6, "upload").status_code == 404
    assert list((tmp_path / "state" / "uploads").iterdir()) == []


def test_a_name_that_two_uploads_choose_goes_to_the_one_that_ends_first(emulator: Running, gemini: Client) -> None:
    slow, quick = (begun(emulator, {"file": {"name": "files/same"}}).headers["x-goog-upload-url"] for _ in range(2))
    assert piece(quick, b"first", 0, "upload, finalize").status_code == 200
    late = piece(slow, b"second", 0, "upload, finalize")
    assert (late.status_code, late.json()["error"]["status"]) == (409, "ALREADY_EXISTS")
    assert gemini.files.get(name="files/same").size_bytes == 5


@pytest.mark.parametrize("size", ["²", "9" * 30, "1.5", "-", " 4"])
def test_a_size_is_a_whole_number(emulator: Running, size: str) -> None:
    answer = begun(emulator, {"file": {"sizeBytes": size}})
    assert "(TYPE_INT64)" in answer.json()["error"]["message"]
    assert raw(emulator, f"/v1beta/files?pageSize={size}").status_code == 400
