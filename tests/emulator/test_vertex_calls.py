"""Calls to Vertex AI: who may make them, which are refused, how jobs are found and listed."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from google import genai
from google.cloud import storage
from google.genai import errors

from harness.emulator import Running

from .conftest import Start
from .jobs_of_vertex import BUCKET, FLASH, SOURCE, finished, look, order, results, rows

Storages = Callable[..., storage.Client]
Vertexes = Callable[..., genai.Client]


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
    snake["input_config"] = {"instances_format": "jsonl", "gcs_source": {"uris": SOURCE}}
    snake["output_config"] = {"predictions_format": "jsonl", "gcs_destination": {"output_uri_prefix": f"gs://{BUCKET}"}}
    made = httpx2.post(url, json=snake, headers=headers)
    assert (made.status_code, made.json()["labels"]) == (200, {"a": "b"})
    assert made.json()["inputConfig"]["gcsSource"]["uris"] == [SOURCE]


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
