"""Batch prediction jobs from create to delete, as the official clients see them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from google import genai
from google.cloud import storage
from google.genai import errors

from harness.emulator import Running

from .conftest import Start
from .jobs_of_vertex import BUCKET, SOURCE, counts, files, finished, look, order, put, results, row, rows, state

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


def test_shards_come_while_a_job_runs_and_one_file_at_its_end(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket
) -> None:
    put(bucket, rows(10))
    job = order(vertex)
    shards = [f"incremental_predictions/predictions-0000{i}.jsonl" for i in range(2)]
    seen = []
    for _ in range(40):
        emulator.advance(2)
        seen.append((state(look(vertex, job)), *files(bucket)))
    assert list(dict.fromkeys(seen)) == [
        ("RUNNING",),
        ("RUNNING", shards[0]),
        ("RUNNING", *shards),
        ("SUCCEEDED", *shards, "predictions.jsonl"),
    ]
    written = files(bucket)
    both = [line for name in shards for line in written[name].splitlines()]
    assert sorted(both) == sorted(written["predictions.jsonl"].splitlines())
    assert both != written["predictions.jsonl"].splitlines()


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
