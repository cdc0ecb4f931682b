"""Each fault of the Vertex surface does what it says, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx2
import pytest
from google import genai
from google.cloud import storage
from google.genai import errors
from google.genai.types import BatchJob

from harness.emulator import Running
from harness.emulator.faults import KINDS
from harness.emulator.serve import main

from .conftest import Start
from .jobs_of_vertex import counts, files, finished, look, order, put, results, rows, state


def under(emulator: Running, client: genai.Client, bucket: storage.Bucket, plan: list[Any], count: int = 4) -> BatchJob:
    """Run a job under a plan."""
    emulator.set_faults(plan)
    return finished(emulator, client, bucket, rows(count))


@pytest.mark.parametrize("fault", ["create_answer_lost", "drop_connection"])
def test_a_lost_answer_leaves_a_job_behind(emulator: Running, vertex: genai.Client, fault: str) -> None:
    emulator.set_faults([{"fault": fault, "on": "create_batch", **({"when": "after"} if "drop" in fault else {})}])
    with pytest.raises(httpx2.RemoteProtocolError):
        order(vertex)
    assert [job.display_name for job in vertex.batches.list()] == ["d"]
    assert order(vertex).name
    assert emulator.audit()["creates"] == 2


def test_a_500_may_or_may_not_have_created_a_job(emulator: Running, vertex: genai.Client) -> None:
    emulator.set_faults(["create_500_then_ok", {"fault": "create_500_but_accepted", "skip": 1}])
    for left in (0, 1):
        with pytest.raises(errors.ServerError, match="Internal error encountered"):
            order(vertex)
        assert len(list(vertex.batches.list())) == left


def test_calls_are_refused_in_the_words_of_the_api(emulator: Running, vertex: genai.Client) -> None:
    plan = ["insufficient_quota", {"fault": "echo_key", "skip": 1}]
    emulator.set_faults([{"fault": "rate_limited", "on": "create_batch", "retry_after": 7}, *plan])
    told = []
    for _ in range(3):
        with pytest.raises(errors.ClientError) as caught:
            order(vertex)
        told.append((caught.value.code, caught.value.status))
        emulator.set_faults(plan[:1] if len(told) == 1 else ["echo_key"])
    assert told == [(429, "RESOURCE_EXHAUSTED"), (403, "PERMISSION_DENIED"), (401, "UNAUTHENTICATED")]
    assert "ya29.test" in str(caught.value)
    for status, name in ((500, "INTERNAL"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED")):
        emulator.set_faults([{"fault": "server_error", "on": "list_batches", "status": status}])
        with pytest.raises(errors.ServerError) as broken:
            list(vertex.batches.list())
        assert (broken.value.code, broken.value.status) == (status, name)
    emulator.set_faults([{"fault": "rate_limited", "on": "generate_content"}])
    with pytest.raises(errors.ClientError, match="RESOURCE_EXHAUSTED"):
        vertex.models.generate_content(model="gemini-2.5-flash", contents="x")


@pytest.mark.parametrize(
    ("code", "words", "ran"),
    [
        (3, "Failed to import data.", 0),
        (9, "Failed to get GCS bucket location for simulated-bucket.", 0),
        (13, "System error.", 0),
        (7, "Service account service-", 4),
    ],
)
def test_a_job_fails_with_any_code(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket, code: int, words: str, ran: int
) -> None:
    job = under(emulator, vertex, bucket, [{"fault": "batch_failed", "code": code}])
    assert (state(job), job.output_info) == ("FAILED", None)
    assert job.error is not None
    assert job.error.code == code
    assert (job.error.message or "").startswith(words)
    assert counts(job) == ({"successful_count": ran} if ran else {})
    assert emulator.audit()["executed"] == ran
    assert files(bucket) == {}
    job = under(emulator, vertex, bucket, [{"fault": "batch_failed", "code": code, "message": "mine"}])
    assert job.error is not None
    assert job.error.message == "mine"


def test_a_job_that_runs_too_long_keeps_what_ran(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    job = under(emulator, vertex, bucket, [{"fault": "expire_after_lines", "lines": 3, "after": 86_400}], 10)
    assert state(job) == "RUNNING"
    emulator.advance(86_400)
    job = look(vertex, job)
    assert (state(job), job.done, counts(job)) == ("EXPIRED", True, {"successful_count": 3, "incomplete_count": 7})
    assert len(results(bucket)) == 3


def test_a_job_that_waits_too_long_leaves_nothing(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    job = under(emulator, vertex, bucket, [{"fault": "expire_after_lines", "lines": 0, "after": 259_200}])
    assert state(job) == "QUEUED"
    emulator.advance(200_000)
    assert state(look(vertex, job)) == "QUEUED"
    emulator.advance(60_000)
    job = look(vertex, job)
    assert (state(job), counts(job), job.output_info, files(bucket)) == ("EXPIRED", {}, None, {})


def test_a_job_may_end_in_part_which_the_client_does_not_call_done(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    job = under(emulator, vertex, bucket, ["partially_succeeded"])
    assert (state(job), job.done) == ("PARTIALLY_SUCCEEDED", False)
    assert len(results(bucket)) == 4


def test_a_job_may_be_stuck_or_show_another_state(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    job = under(emulator, vertex, bucket, ["stuck", {"fault": "unknown_status", "status": "JOB_STATE_UPDATING"}])
    assert [state(job), state(look(vertex, job))] == ["UPDATING", "UPDATING"]
    emulator.advance(10**6)
    assert state(look(vertex, job)) == "RUNNING"
    job = under(emulator, vertex, bucket, ["unknown_status", {"fault": "stuck", "status": "validating"}])
    assert [state(job), state(look(vertex, job)), state(look(vertex, job))] == ["PAUSED", "PAUSED", "QUEUED"]


def test_a_job_vanishes_and_comes_back(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    job = under(emulator, vertex, bucket, [{"fault": "vanished", "looks": 2}])
    for _ in range(2):
        with pytest.raises(errors.ClientError, match="does not exist"):
            look(vertex, job)
        assert list(vertex.batches.list()) == []
    assert state(look(vertex, job)) == "SUCCEEDED"


def test_results_come_late(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    job = under(emulator, vertex, bucket, ["files_late"])
    assert (state(job), job.output_info, files(bucket)) == ("SUCCEEDED", None, {})
    assert look(vertex, job).output_info is None
    assert look(vertex, job).output_info is not None
    assert len(results(bucket)) == 4


def test_counters_lie(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    assert counts(under(emulator, vertex, bucket, ["lying_counters"])) == {"successful_count": 0}
    plan = [{"fault": "lying_counters", "counts": {"successfulCount": 9, "incompleteCount": -1}}]
    assert counts(under(emulator, vertex, bucket, plan)) == {"successful_count": 9, "incomplete_count": -1}


def test_shards_are_left_without_a_final_file(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    job = under(emulator, vertex, bucket, [{"fault": "shards_only", "shards": 3, "overlap": 1}], 9)
    assert state(job) == "SUCCEEDED"
    written = files(bucket)
    assert sorted(written) == [f"incremental_predictions/predictions-0000{i}.jsonl" for i in range(3)]
    seen = Counter(json.loads(line)["custom_id"] for text in written.values() for line in text.splitlines())
    assert set(seen) == {f"q-{i}" for i in range(9)}
    assert sorted(seen.values()) == [1] * 7 + [2] * 2


def test_rows_fail_with_any_status(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    plan = [
        {"fault": "line_error", "rows": [0]},
        {"fault": "line_error", "rows": [1], "status": 500, "message": "boom"},
        {"fault": "line_error", "rows": [2], "error": {"code": 1}},
        {"fault": "line_error", "rows": [3], "body": {"response": {}}},
        {"fault": "insufficient_quota", "on": "lines", "rows": [4]},
        {"fault": "line_error", "rows": [5], "status": 599, "type": "ABORTED"},
    ]
    job = under(emulator, vertex, bucket, plan, 7)
    assert counts(job) == {"successful_count": 1, "failed_count": 6}
    answers = results(bucket)
    told = [answers[f"q-{i}"]["status"] for i in range(7)]
    assert told[0].startswith('Too Many Requests: {"error": {"code": 429, "message": "Resource exhausted.')
    limited = json.loads(told[0].partition(": ")[2])["error"]
    assert limited["status"] == "RESOURCE_EXHAUSTED"
    assert '"boom"' in told[1]
    assert told[2] == 'Too Many Requests: {"error": {"code": 1}}'
    assert (told[3], answers["q-3"]["response"]) == ("", {})
    assert told[4].startswith("Forbidden: ")
    assert told[5].startswith("Unknown: ")
    assert (told[6], "candidates" in answers["q-6"]["response"]) == ("", True)
    assert (emulator.audit()["executed"], emulator.audit()["refused"]) == (1, 6)


def test_usage_may_lack_its_total(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    under(emulator, vertex, bucket, [{"fault": "missing_total", "rows": [1]}])
    has = {name: "totalTokenCount" in one["response"]["usageMetadata"] for name, one in results(bucket).items()}
    assert has == {"q-0": True, "q-1": False, "q-2": True, "q-3": True}


def test_lines_are_delivered_as_faults_say(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    plan = [
        {"fault": "missing_lines", "rows": [0]},
        {"fault": "duplicate_lines", "rows": [1], "differ": True},
        {"fault": "stranger_lines", "rows": [2]},
        {"fault": "cut_line", "rows": [3]},
        {"fault": "not_json_line", "rows": [4]},
        {"fault": "duplicate_lines", "rows": [5]},
    ]
    job = under(emulator, vertex, bucket, plan, 7)
    assert counts(job) == {"successful_count": 7}
    good, bad = [], []
    for line in files(bucket)["predictions.jsonl"].splitlines():
        try:
            good.append(json.loads(line))
        except json.JSONDecodeError:
            bad.append(line)
    assert Counter(one["custom_id"] for one in good) == {"q-1": 2, "q-2": 1, "stranger-2": 1, "q-5": 2, "q-6": 1}
    assert len(bad) == 2
    one, other = [one for one in good if one["custom_id"] == "q-1"]
    assert one["response"] != other["response"]


def test_a_failed_row_that_stands_twice_may_disagree(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    plan = [{"fault": "line_error", "rows": [0]}, {"fault": "duplicate_lines", "rows": [0], "differ": True}]
    under(emulator, vertex, bucket, plan, 1)
    told = [json.loads(line)["status"] for line in files(bucket)["predictions.jsonl"].splitlines()]
    assert len(set(told)) == 2


def test_faults_fit_the_labels_of_a_job(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    emulator.set_faults([{"fault": "batch_failed", "metadata": {"team": "x*"}, "times": None}])
    put(bucket, rows(1))
    labels = {"http_options": {"extra_body": {"labels": {"team": "xy"}}}}
    struck, spared = order(vertex, **labels), order(vertex, dest="gs://simulated-bucket/other")
    emulator.advance(100)
    assert (state(look(vertex, struck)), state(look(vertex, spared))) == ("FAILED", "SUCCEEDED")


def test_faults_fit_the_name_of_a_job(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    emulator.set_faults([{"fault": "stuck", "metadata": {"displayName": "mine-*"}, "times": None}])
    put(bucket, rows(1))
    struck, spared = order(vertex, display_name="mine-1"), order(vertex, dest="gs://simulated-bucket/other")
    emulator.advance(100)
    assert (state(look(vertex, struck)), state(look(vertex, spared))) == ("RUNNING", "SUCCEEDED")
    assert look(vertex, struck).display_name == "mine-1"
    emulator.set_faults([{"fault": "server_error", "on": "get_batch", "metadata": {"displayName": "mine-*"}}])
    assert state(look(vertex, spared)) == "SUCCEEDED"
    with pytest.raises(errors.ServerError):
        look(vertex, struck)


def test_who_may_not_create_a_job_is_told_so(emulator: Running, vertex: genai.Client) -> None:
    emulator.set_faults([{"fault": "server_error", "on": ["create_batch", "list_batches"], "status": 403, "times": 2}])
    place = "//aiplatform.googleapis.com/projects/p/locations/us-central1"
    with pytest.raises(errors.ClientError) as caught:
        order(vertex)
    assert (caught.value.code, caught.value.status) == (403, "PERMISSION_DENIED")
    assert caught.value.message == f"Permission 'aiplatform.batchPredictionJobs.create' denied on resource '{place}'"
    with pytest.raises(errors.ClientError, match="The caller does not have permission"):
        list(vertex.batches.list())


def test_a_row_may_never_have_run(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    job = under(emulator, vertex, bucket, [{"fault": "line_error", "no_response": True}], 2)
    assert counts(job) == {"successful_count": 1, "failed_count": 1}
    bad = results(bucket)["q-0"]
    assert (bad["status"], "response" in bad) == ("", False)


def test_a_stranger_is_named_as_rows_are(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    emulator.set_faults(["stranger_lines"])
    finished(emulator, vertex, bucket, [{"key": one["custom_id"], "request": one["request"]} for one in rows(2)])
    lines = [json.loads(line) for line in files(bucket)["predictions.jsonl"].splitlines()]
    assert {one["key"] for one in lines} == {"q-0", "q-1", "stranger-0"}
    assert not any("custom_id" in one for one in lines)


@pytest.mark.parametrize("path", ["/download/storage/v1/b/", "/storage/v1/b/"])
def test_a_download_breaks_off_on_both_its_paths(emulator: Running, bucket: storage.Bucket, path: str) -> None:
    put(bucket, rows(40))
    emulator.set_faults(["truncated_download"])
    place = f"{emulator.root}{path}{bucket.name}/o/in.jsonl"
    assert httpx2.get(place.replace("/download", "")).json()["name"] == "in.jsonl"
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(place + "?alt=media")
    assert httpx2.get(place + "?alt=media").text == bucket.blob("in.jsonl").download_as_text()


def test_a_plan_goes_on_after_a_restart(start: Start, vertexes: Any, storages: Any) -> None:
    first = start(faults=["files_late"])
    job = finished(first, vertexes(first), storages(first).bucket("simulated-bucket"), rows(2))
    first.stop()
    second = start(faults=["files_late"])
    assert files(storages(second).bucket("simulated-bucket")) == {}
    assert look(vertexes(second), job).output_info is None
    assert look(vertexes(second), job).output_info is not None


def test_the_list_of_faults_says_which_surface_each_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-faults"]) == 0
    listed = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "vertex" in listed["create_answer_lost"]
    assert "vertex" not in listed["cannot_find_file"]
    own = {name for name, kind in KINDS.items() if kind.surfaces == ("vertex",)}
    assert own == {"partially_succeeded", "shards_only", "missing_total"}
