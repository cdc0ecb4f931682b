"""Short ways to say what a batch prediction job is."""

from __future__ import annotations

import json
from typing import Any, Final

from google import genai
from google.cloud import storage
from google.genai.types import BatchJob

from harness.emulator import Running

FLASH: Final = "gemini-2.5-flash"
BUCKET: Final = "simulated-bucket"
SOURCE: Final = f"gs://{BUCKET}/in.jsonl"
Row = dict[str, Any]


def row(custom_id: str, text: str = "", **more: Any) -> Row:
    contents = [{"role": "user", "parts": [{"text": text or f"hello {custom_id}"}]}]
    return {"custom_id": custom_id, "request": {"contents": contents, **more}}


def rows(count: int) -> list[Row]:
    return [row(f"q-{i}") for i in range(count)]


def put(bucket: storage.Bucket, lines: list[Any], name: str = "in.jsonl") -> None:
    """Upload lines; text stands for itself."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    bucket.blob(name).upload_from_string(text, content_type="application/jsonl")


def order(client: genai.Client, source: Any = SOURCE, model: str = FLASH, **config: Any) -> BatchJob:
    settings: Any = {"dest": f"gs://{BUCKET}/out", "display_name": "d", **config}
    return client.batches.create(model=model, src=source, config=settings)


def finished(emulator: Running, client: genai.Client, bucket: storage.Bucket, lines: list[Any]) -> BatchJob:
    put(bucket, lines)
    job = order(client)
    emulator.advance(100)
    return look(client, job)


def look(client: genai.Client, job: BatchJob) -> BatchJob:
    return client.batches.get(name=job.name or "")


def state(job: BatchJob) -> str:
    assert job.state is not None
    return job.state.value.removeprefix("JOB_STATE_")


def files(bucket: storage.Bucket) -> dict[str, str]:
    """Read all output files: name below the directory of the job → text."""
    blobs = bucket.list_blobs(prefix="out/prediction-model-")
    return {blob.name.split("/", 2)[2]: blob.download_as_text() for blob in blobs}


def results(bucket: storage.Bucket, name: str = "predictions.jsonl") -> dict[Any, Row]:
    """Read the final file by id."""
    return {one["custom_id"]: one for one in map(json.loads, files(bucket)[name].splitlines())}


def counts(job: BatchJob) -> dict[str, int]:
    """Read the counts that are told."""
    return job.completion_stats.model_dump(exclude_none=True) if job.completion_stats else {}
