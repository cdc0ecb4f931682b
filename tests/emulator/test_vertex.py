"""Batch prediction jobs from create to delete, as the official clients see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from google import genai
from google.cloud import storage
from google.genai import errors

from harness.emulator import Running

from .conftest import Start
from .jobs_of_vertex import BUCKET, FLASH, SOURCE, counts, files, finished, look, order, put, results, row, rows, state

Storages = Callable[..., storage.Client]
Vertexes = Callable[..., genai.Client]


def test_a_job_lives_from_pending_to_succeeded(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    put(bucket, rows(20))
    job = order(vertex)
    assert re.fullmatch(r"projects/\d{12}/locations/us-central1/batchPredictionJobs/\d{19}", job.name or "")
    assert (state(job), job.display_name, counts(job), job.output_info, job.start_time) == (
        "PENDING",
        "d",
        {},
        None,
        None,
    )
    seen = []
    for _ in range(400):
        emulator.advance(0.25)
        seen.append(state(look(vertex, job)))
    assert list(dict.fromkeys(seen)) == ["PENDING", "QUEUED", "RUNNING", "SUCCEEDED"]
    done = look(vertex, job)
    assert done.done
    assert counts(done) == {"successful_count": 20}
    assert done.create_time is not None
    stamp = done.create_time.isoformat().replace("+00:00", "Z")
    assert done.output_info is not None
    assert done.output_info.gcs_output_directory == f"gs://{BUCKET}/out/prediction-model-{stamp}"
    assert done.start_time is not None
    assert done.end_time is not None
    assert done.create_time < done.start_time < done.end_time
    answers = results(bucket)
    assert set(answers) == {f"q-{i}" for i in range(20)}
    assert list(answers) != [f"q-{i}" for i in range(20)]  # in no order
    audit = emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"], audit["creates"], audit["uploads"]) == (20, 1, 1, 1)


def test_a_row_says_what_was_asked_and_answered(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"label": {"type": "STRING", "enum": ["yes", "no"]}},
        "required": ["label"],
    }
    config = {"responseMimeType": "application/json", "responseSchema": schema, "temperature": 1.0, "seed": None}
    finished(emulator, vertex, bucket, [row("a", generationConfig=config, labels={"k": "a"})])
    one = results(bucket)["a"]
    assert list(one) == ["custom_id", "status", "processed_time", "request", "response"]
    assert one["status"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", one["processed_time"])
    assert one["request"]["labels"] == {"k": "a"}
    assert "seed" not in one["request"]["generationConfig"]  # nulls are dropped
    assert '"temperature":1}' in json.dumps(one["request"], separators=(",", ":"))
    (candidate,) = one["response"]["candidates"]
    assert json.loads(candidate["content"]["parts"][-1]["text"])["label"] in {"yes", "no"}
    usage = one["response"]["usageMetadata"]
    assert usage["totalTokenCount"] == sum(
        usage.get(f"{kind}TokenCount", 0) for kind in ("prompt", "candidates", "thoughts")
    )
    assert usage["trafficType"] == "ON_DEMAND"


def test_a_row_that_is_wrong_fails_alone_in_its_status(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    wrong = row("role")
    wrong["request"]["contents"][0]["role"] = "system"
    cap = row("cap", generationConfig={"maxOutputTokens": 9_999_999})
    job = finished(emulator, vertex, bucket, [row("good"), wrong, cap])
    assert (state(job), counts(job)) == ("SUCCEEDED", {"successful_count": 1, "failed_count": 2})
    answers = results(bucket)
    reason, _, text = answers["role"]["status"].partition(": ")
    words = {"code": 400, "message": "Please use a valid role: user, model.", "status": "INVALID_ARGUMENT"}
    assert (reason, json.loads(text)["error"]) == ("Bad Request", words)
    assert "response" not in answers["role"]
    assert answers["role"]["request"]["contents"][0]["role"] == "system"
    assert "maxOutputTokens" in answers["cap"]["status"]
    assert emulator.audit()["refused"] == 2


def test_siblings_come_back_and_texts_of_digits_as_numbers(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    lines = [row(f"{i:06}") | {"key": f"k-{i}", "price": f"{i}.50", "mixed": "1" if i else "x"} for i in range(3)]
    finished(emulator, vertex, bucket, lines)
    answers = results(bucket)
    assert sorted(answers) == [0, 1, 2]
    assert [answers[2][name] for name in ("key", "price", "mixed")] == ["k-2", 2.5, "1"]
    assert emulator.audit()["executed_by_custom_id_max"] == 1


def test_rows_stand_in_shards_and_in_one_file(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    finished(emulator, vertex, bucket, rows(3))
    written = files(bucket)
    assert sorted(written) == ["incremental_predictions/predictions-00000-of-00001.jsonl", "predictions.jsonl"]
    assert len(set(written.values())) == 1


def test_a_job_reads_several_files_and_all_that_begin_with_a_stem(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    put(bucket, rows(2), "one.jsonl")
    put(bucket, [row("r-1")], "more/1.jsonl")
    put(bucket, [row("r-2"), ""], "more/2.jsonl")
    order(vertex, {"gcs_uri": [f"gs://{BUCKET}/one.jsonl", f"gs://{BUCKET}/more/*"], "format": "jsonl"})
    bucket.delete_blob("one.jsonl")
    put(bucket, rows(2), "one.jsonl")
    emulator.advance(100)
    assert set(results(bucket)) == {"q-0", "q-1", "r-1", "r-2"}


def test_a_model_that_is_not_there_and_a_body_without_sense_are_refused(
    emulator: Running, vertex: genai.Client
) -> None:
    with pytest.raises(errors.ClientError, match=r"The PublisherModel gemini-nope does not exist\.") as caught:
        order(vertex, model="gemini-nope")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    good = {
        "displayName": "d",
        "model": f"publishers/google/models/{FLASH}",
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [SOURCE]}},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": f"gs://{BUCKET}/out"}},
    }
    url = f"{emulator.root}/v1/projects/p/locations/global/batchPredictionJobs"
    headers = {"authorization": "Bearer x"}
    for change in (
        {"displayName": ""},
        {"model": FLASH},
        {"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": []}}},
        {"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["https://x/y"]}}},
        {"inputConfig": {"instancesFormat": "csv", "gcsSource": {"uris": [SOURCE]}}},
        {"inputConfig": {"instancesFormat": "bigquery", "bigquerySource": {"inputUri": "bq://p.d.t"}}},
        {"outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": "out"}}},
        {"outputConfig": {"predictionsFormat": "csv"}},
        {"outputConfig": {"predictionsFormat": "bigquery", "bigqueryDestination": {}}},
        {"labels": [1]},
    ):
        said = httpx2.post(url, json=good | change, headers=headers)
        assert (said.status_code, said.json()["error"]["status"]) == (400, "INVALID_ARGUMENT"), change
    assert httpx2.post(url, content=b"{", headers=headers).status_code == 400
    assert httpx2.get(url, headers=headers).json() == {}
    snake = {"display_name": "d", "model": good["model"], "labels": {"a": "b"}}
    snake["input_config"] = {"instances_format": "jsonl", "gcs_source": {"uris": [SOURCE]}}
    snake["output_config"] = {"predictions_format": "jsonl", "gcs_destination": {"output_uri_prefix": f"gs://{BUCKET}"}}
    made = httpx2.post(url, json=snake, headers=headers)
    assert (made.status_code, made.json()["labels"]) == (200, {"a": "b"})


@pytest.mark.parametrize(
    ("source", "dest", "bucket_named"),
    [("gs://nobody/in.jsonl", f"gs://{BUCKET}/out", "nobody"), (SOURCE, "gs://noone/out", "noone")],
)
def test_a_bucket_that_is_not_there_fails_the_job(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket, source: str, dest: str, bucket_named: str
) -> None:
    put(bucket, rows(1))
    job = order(vertex, source, dest=dest)
    emulator.advance(100)
    failed = look(vertex, job)
    assert (state(failed), counts(failed)) == ("FAILED", {})
    assert failed.error is not None
    assert failed.error.code == 9
    assert (failed.error.message or "").startswith(f"Failed to get GCS bucket location for {bucket_named}.")


@pytest.mark.parametrize("lines", [[], ["{"], None])
def test_a_file_that_cannot_be_imported_fails_the_job(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket, lines: list[Any] | None
) -> None:
    if lines is not None:
        put(bucket, [*lines])
    job = order(vertex)
    emulator.advance(100)
    failed = look(vertex, job)
    assert (state(failed), failed.done) == ("FAILED", True)
    assert failed.error is not None
    assert failed.error.code == 3
    assert (failed.error.message or "").startswith("Failed to import data. Please check 'Prepare input' section")
    assert (emulator.audit()["executed"], files(bucket)) == (0, {})


def test_a_job_that_waits_is_cancelled_at_once(emulator: Running, vertex: genai.Client, bucket: storage.Bucket) -> None:
    put(bucket, rows(4))
    job = order(vertex)
    vertex.batches.cancel(name=job.name or "")
    gone = look(vertex, job)
    assert (state(gone), counts(gone), gone.output_info, files(bucket)) == ("CANCELLED", {}, None, {})
    assert gone.error is not None
    assert (gone.error.code, gone.error.message) == (1, "CANCELED")
    with pytest.raises(errors.ClientError, match="FAILED_PRECONDITION"):
        vertex.batches.cancel(name=job.name or "")


def test_a_job_that_runs_is_cancelled_after_a_while_and_keeps_what_ran(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    put(bucket, rows(40))
    job = order(vertex)
    emulator.advance(20)
    vertex.batches.cancel(name=job.name or "")
    assert state(look(vertex, job)) == "CANCELLING"
    with pytest.raises(errors.ClientError, match="FAILED_PRECONDITION"):
        vertex.batches.delete(name=job.name or "")
    emulator.advance(20)
    ended = look(vertex, job)
    ran = results(bucket)
    assert state(ended) == "CANCELLED"
    assert 0 < len(ran) < 40
    assert counts(ended) == {"successful_count": len(ran), "incomplete_count": 40 - len(ran)}
    assert emulator.audit()["executed"] == len(ran)


def test_a_deleted_job_is_gone_but_not_its_results(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    job = finished(emulator, vertex, bucket, rows(1))
    assert vertex.batches.delete(name=job.name or "").done
    with pytest.raises(errors.ClientError, match="The BatchPredictionJob does not exist") as caught:
        look(vertex, job)
    assert caught.value.code == 404
    assert list(vertex.batches.list()) == []
    assert len(results(bucket)) == 1
    audit = emulator.audit()
    assert (audit["executed"], audit["creates"]) == (1, 1)


def test_jobs_are_listed_newest_first_by_page_and_by_filter(vertex: genai.Client) -> None:
    labels = {"http_options": {"extra_body": {"labels": {"team": "x"}}}}
    made = [order(vertex, display_name=f"job-{i}", **(labels if i == 2 else {})).name for i in range(5)]

    def listed(text: str = "", size: int = 2) -> list[str | None]:
        return [job.name for job in vertex.batches.list(config={"page_size": size, "filter": text})]

    assert listed() == made[::-1]
    assert listed(size=100) == made[::-1]
    assert listed('displayName="job-3"') == [made[3]]
    assert listed('display_name:"job-*" AND state="JOB_STATE_PENDING"') == made[::-1]
    assert listed("display_name != job-1") == [made[i] for i in (4, 3, 2, 0)]
    assert listed("labels.team=x") == [made[2]]
    assert listed('state="JOB_STATE_RUNNING"') == []
    with pytest.raises(errors.ClientError, match="Invalid filter"):
        listed("nonsense")


def test_a_job_is_found_in_its_own_project_and_place_only(
    emulator: Running, vertex: genai.Client, vertexes: Vertexes
) -> None:
    job = order(vertex)
    digits = (job.name or "").rpartition("/")[2]
    assert vertex.batches.get(name=digits).name == job.name
    headers = {"authorization": "Bearer x"}
    assert httpx2.get(f"{emulator.root}/v1/{job.name}", headers=headers).json()["name"] == job.name
    assert httpx2.get(
        f"{emulator.root}/v1/projects/p/locations/eu/batchPredictionJobs/{digits}", headers=headers
    ).is_error
    with pytest.raises(errors.ClientError, match="does not exist"):
        vertex.batches.get(name="12345")
    assert httpx2.post(f"{emulator.root}/v1/{job.name}:pause", headers=headers).json()["error"]["code"] in (404, 405)
    express = vertexes(emulator, api_key="any")
    assert express.batches.get(name=order(express).name or "").display_name == "d"
    assert len(list(express.batches.list())) == 1


def test_who_brings_no_credentials_is_refused(start: Start, vertexes: Vertexes, storages: Storages) -> None:
    emulator = start(api_key="right")
    url = f"{emulator.root}/v1beta1/projects/p/locations/us-central1/batchPredictionJobs"
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"x-goog-api-key": "wrong"},
        {"authorization": "Basic right"},
    ):
        said = httpx2.get(url, headers=headers)
        assert (said.status_code, said.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    for headers in ({"authorization": "Bearer right"}, {"x-goog-api-key": "right"}):
        assert httpx2.get(url, headers=headers).status_code == 200
    assert httpx2.get(url + "?key=right").status_code == 200
    assert storages(emulator).bucket(BUCKET).exists()  # a client without credentials is let in, as others' emulators do
    refused = httpx2.get(f"{emulator.root}/storage/v1/b/{BUCKET}", headers={"authorization": "Bearer wrong"})
    assert refused.status_code == 401


def test_contents_are_generated_at_once_too(emulator: Running, vertex: genai.Client) -> None:
    said = vertex.models.generate_content(model=FLASH, contents="hello")
    assert said.text
    assert said.model_version == FLASH
    with pytest.raises(errors.ClientError, match="was not found") as caught:
        vertex.models.generate_content(model="gemini-nope", contents="hello")
    assert caught.value.code == 404
    with pytest.raises(errors.ClientError, match="valid role"):
        vertex.models.generate_content(model=FLASH, contents=[{"role": "x", "parts": [{"text": "y"}]}])
    assert emulator.audit()["direct"] == 1


def test_a_restart_goes_on_with_the_same_jobs(start: Start, vertexes: Vertexes, storages: Storages) -> None:
    first = start()
    put(storages(first).bucket(BUCKET), rows(20))
    client = vertexes(first)
    job, ended = order(client), order(client, dest=f"gs://{BUCKET}/other")
    client.batches.cancel(name=ended.name or "")
    first.advance(25)
    first.stop()
    second = start()
    client = vertexes(second)
    assert (state(look(client, job)), state(look(client, ended))) == ("RUNNING", "CANCELLED")
    second.advance(100)
    assert state(look(client, job)) == "SUCCEEDED"
    assert len(results(storages(second).bucket(BUCKET))) == 20
    audit = second.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"]) == (20, 1)
    second.stop()
    third = start()
    assert state(look(vertexes(third), job)) == "SUCCEEDED"
    assert len(results(storages(third).bucket(BUCKET))) == 20


def test_a_job_may_go_by_looks(start: Start, vertexes: Vertexes, storages: Storages) -> None:
    emulator = start(looks=3)
    put(storages(emulator).bucket(BUCKET), rows(3))
    client = vertexes(emulator)
    job = order(client)
    assert [state(look(client, job)) for _ in range(3)] == ["RUNNING", "RUNNING", "SUCCEEDED"]
    other = order(client)
    client.batches.cancel(name=other.name or "")
    assert state(look(client, other)) == "CANCELLED"
