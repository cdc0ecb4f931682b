"""Google's two lanes against servers that answer oddly: what is unclear stays unclear, what is not ours stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ProviderError
from harness.providers import gemini, vertex, vertex_bucket
from harness.providers.protocol import Provider
from harness.settings import Provider as ProviderSettings
from harness.settings import Settings
from harness.types import BatchStatus
from tests.build import settings, shipped
from tests.providers.scripted import Script, serving

MODULES: dict[str, Any] = {"gemini": gemini, "vertex": vertex}
CREATE = {"gemini": ":batchGenerateContent", "vertex": "/batchPredictionJobs"}
FILE = {"gemini": "files/f1", "vertex": "gs://b/harness/kabcdefghijk2-0001/requests.jsonl"}


class Lane:
    """A protocol's module, connected to a script."""

    def __init__(self, name: str, script: Script) -> None:
        self.name, self.script = name, script
        self.module: Provider = MODULES[name]
        cloud = {"project": "p", "bucket": "b", "storage_url": script.url} if name == "vertex" else {}
        facts = {**shipped("provider", name), "base_url": script.url, **cloud}
        self.settings: Settings = settings("gemini-2.5-flash", provider=facts)
        self.provider: ProviderSettings = self.settings.provider
        self.client = self.module.connect(self.provider, "secret-key")

    def create(self) -> str:
        return self.module.create(self.client, FILE[self.name], "kabcdefghijk2-0001-1", self.settings)

    def refused(self, status: int, body: Any = None, **headers: str) -> ProviderError:
        self.script.replies.clear()
        self.script.say(f"POST {self.path}", status, body, **headers)
        with pytest.raises(ProviderError) as caught:
            self.create()
        return caught.value

    @property
    def path(self) -> str:
        """Return the path of the create call."""
        if self.name == "gemini":
            return "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
        return "/v1beta1/projects/p/locations/us-central1/batchPredictionJobs"


@pytest.fixture
def script() -> Iterator[Script]:
    with serving(Script()) as script:
        yield script


@pytest.fixture(params=MODULES)
def lane(script: Script, request: pytest.FixtureRequest) -> Iterator[Lane]:
    lane = Lane(request.param, script)
    yield lane
    lane.client.close()


@pytest.fixture
def google(script: Script) -> Iterator[Lane]:
    lane = Lane("gemini", script)
    yield lane
    lane.client.close()


@pytest.fixture
def cloud(script: Script) -> Iterator[Lane]:
    lane = Lane("vertex", script)
    yield lane
    lane.client.close()


@pytest.mark.parametrize("body", [{}, None, [], "x", b"", b"<html>", {"name": ""}, {"metadata": {"state": 5}}])
def test_an_answer_without_a_name_leaves_it_unclear_whether_a_batch_was_made(lane: Lane, body: Any) -> None:
    assert lane.refused(200, body).kind == "unclear"


def error(code: int, status: str, message: str = "no", details: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        *[(201, {"name": "batches/x"}, "unclear"), (204, None, "unclear"), (302, None, "unclear")],
        *[(499, error(499, "CANCELLED"), "unclear"), (500, error(500, "INTERNAL"), "unclear"), (503, "x", "unclear")],
        *[(400, error(400, "INVALID_ARGUMENT"), "permanent"), (401, error(401, "UNAUTHENTICATED"), "auth")],
        *[
            (429, error(429, "RESOURCE_EXHAUSTED"), "retryable"),
            (400, error(400, "INVALID_ARGUMENT", "x", 5), "permanent"),
        ],
        (400, error(400, "INVALID_ARGUMENT", "API key not valid.", [{"reason": "API_KEY_INVALID"}]), "auth"),
        (400, error(400, "FAILED_PRECONDITION", "Please enable billing."), "billing"),
    ],
)
def test_a_create_call_that_was_refused_is_told_from_one_that_may_have_been_carried_out(
    lane: Lane, status: int, body: Any, kind: str
) -> None:
    assert lane.refused(status, body).kind == kind


def test_the_wait_that_google_wishes_is_read_from_either_place(lane: Lane) -> None:
    info = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}]
    assert lane.refused(429, error(429, "RESOURCE_EXHAUSTED", details=info)).retry_after == 17
    assert lane.refused(429, error(429, "RESOURCE_EXHAUSTED"), retry_after="9").retry_after == 9
    assert lane.refused(429, error(429, "RESOURCE_EXHAUSTED", details=[{"retryDelay": "soon"}])).retry_after is None


def test_a_model_that_is_not_there_names_the_setting(lane: Lane) -> None:
    assert "check model.id" in str(lane.refused(404, error(404, "NOT_FOUND", "The model does not exist.")))


def test_a_file_that_is_gone_is_told_from_a_key_without_rights(google: Lane) -> None:
    words = "You do not have permission to access the File f1 or it may not exist."
    gone = google.refused(403, error(403, "PERMISSION_DENIED", words))
    assert (gone.kind, gone.code) == ("retryable", "file_not_found")
    assert google.refused(403, error(403, "PERMISSION_DENIED", "The caller has no permission.")).kind == "auth"


def test_a_key_does_not_follow_a_redirect_to_another_host(google: Lane) -> None:
    with serving(Script()) as elsewhere:
        google.script.say("GET /v1beta/batches/x", 302, None, location=elsewhere.url)
        with pytest.raises(ProviderError):
            google.module.poll(google.client, ["batches/x"])
    assert elsewhere.asked == []


def listed(name: str, key: str, created: str) -> dict[str, Any]:
    if name == "gemini":
        return {"name": f"batches/{key}", "metadata": {"displayName": key, "createTime": created}}
    return {"name": f"projects/1/locations/l/batchPredictionJobs/{key}", "displayName": key, "createTime": created}


def test_a_lost_batch_is_found_in_whatever_order_the_list_comes(lane: Lane) -> None:
    call, field = (
        ("GET /v1beta/batches?pageSize=100", "operations")
        if lane.name == "gemini"
        else ("GET /v1beta1/projects/p/locations/us-central1/batchPredictionJobs?pageSize=100", "batchPredictionJobs")
    )
    old = [listed(lane.name, "theirs", "2020-01-01T00:00:00.123456789Z"), listed(lane.name, "odd", "not a time")]
    lane.script.say(call, 200, {field: old, "nextPageToken": "t"})
    ours = listed(lane.name, "kabcdefghijk2-0001-1", "2026-11-24T10:00:00Z")
    lane.script.say(f"{call}&pageToken=t", 200, {field: [ours]})
    [found] = lane.module.find(lane.client, "kabcdefghijk2-0001-1", FILE[lane.name], 1_790_000_000.0)
    assert found.id.endswith("kabcdefghijk2-0001-1")
    assert found.created_at == 1_795_514_400.0


def test_a_deletion_without_the_right_to_it_is_no_deletion(google: Lane) -> None:
    google.script.say("DELETE /v1beta/files/f1", 403, error(403, "PERMISSION_DENIED", "… or it may not exist."))
    assert google.module.clean(google.client, ["files/f1", "files/batch-of-results"]) == 0
    google.script.say("DELETE /v1beta/files/f2", 403, error(403, "PERMISSION_DENIED", "The caller has no permission."))
    google.script.say("DELETE /v1beta/batches/b", 403, error(403, "PERMISSION_DENIED", "… or it may not exist."))
    for name in ("files/f2", "batches/b"):
        with pytest.raises(ProviderError) as caught:
            google.module.clean(google.client, [name])
        assert caught.value.kind == "auth"


def test_only_a_batch_that_has_ended_is_past_cancelling(google: Lane) -> None:
    google.script.say("POST /v1beta/batches/done:cancel", 400, error(400, "FAILED_PRECONDITION"))
    google.module.cancel(google.client, "batches/done")
    invalid = error(400, "INVALID_ARGUMENT", "API key not valid.", [{"reason": "API_KEY_INVALID"}])
    google.script.say("POST /v1beta/batches/running:cancel", 400, invalid)
    with pytest.raises(ProviderError) as caught:
        google.module.cancel(google.client, "batches/running")
    assert caught.value.kind == "auth"


@pytest.mark.parametrize("size", [(400, error(400, "INVALID_ARGUMENT")), (200, {"sizeBytes": "6"}), (200, {})])
def test_results_come_whether_or_not_their_size_is_told(google: Lane, tmp_path: Path, size: tuple[int, Any]) -> None:
    google.script.say("GET /v1beta/files/batch-x", *size)
    google.script.say("GET /v1beta/files/batch-x:download?alt=media", 200, b"a line")
    status = BatchStatus("batches/x", "ended", "BATCH_STATE_SUCCEEDED", files={"output": "files/batch-x"})
    assert google.module.fetch(google.client, status, tmp_path).bytes == 6
    assert (tmp_path / "output.jsonl").read_bytes() == b"a line"


def test_results_that_came_short_are_asked_for_again(google: Lane, tmp_path: Path) -> None:
    google.script.say("GET /v1beta/files/batch-x", 200, {"sizeBytes": "12"})
    google.script.say("GET /v1beta/files/batch-x:download?alt=media", 200, b"a line")
    status = BatchStatus("batches/x", "ended", "BATCH_STATE_SUCCEEDED", files={"output": "files/batch-x"})
    with pytest.raises(ProviderError, match="6 bytes of 12 came"):
        google.module.fetch(google.client, status, tmp_path)
    assert not (tmp_path / "output.jsonl").exists()


@pytest.mark.parametrize(
    "address", ["gs://b/precious/", "gs://b/harness/", "gs://b/harness/other/", "gs://b/", "gs://other/harness/k2/"]
)
def test_what_no_run_of_ours_wrote_is_never_deleted(cloud: Lane, address: str) -> None:
    assert vertex_bucket.delete(cloud.client.bucket, address) == 0
    assert cloud.script.asked == []
