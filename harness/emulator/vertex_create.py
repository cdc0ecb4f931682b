"""What a call that creates a job may say; what is wrong with the files themselves shows only when the job runs."""

from __future__ import annotations

from typing import Any

from .google_models import Family
from .google_replies import problem
from .models import Models
from .problems import Problem

Body = dict[str, Any]
_PUBLISHER = "publishers/google/models/"
_NO_TABLES = "This emulator reads and writes Cloud Storage only, no BigQuery."


def wanted(body: Body, models: Models[Family]) -> Body | Problem:
    """Read a job out of a body: what is kept of it, with the bare name of its model; or its first problem."""
    said = body.get("batchPredictionJob", body)  # as some clients wrap it
    if not isinstance(said, dict):
        return problem("Invalid value at 'batch_prediction_job'.")
    job = {_camel(key): value for key, value in said.items()}
    model = job.get("model")
    if not isinstance(model, str) or _PUBLISHER not in model:
        return problem("Model resource name is invalid.", field="model")
    name = model.rpartition("/")[2].partition("@")[0]
    if models.find(name) is None:
        return problem(f"The PublisherModel {name} does not exist.", 404)
    wrong = _input(_object(job, "inputConfig")) or _output(_object(job, "outputConfig"))
    if wrong is not None:
        return wrong
    if not isinstance(job.get("displayName"), str) or not job["displayName"]:
        return problem("Field: display_name; Message: Required field is not set.", field="display_name")
    if not isinstance(job.get("labels") or {}, dict):
        return problem("Invalid value at 'labels'.", field="labels")
    return {
        "model": name,
        "uris": _object(_object(job, "inputConfig"), "gcsSource")["uris"],
        "prefix": _object(_object(job, "outputConfig"), "gcsDestination")["outputUriPrefix"].rstrip("/"),
        "displayName": job["displayName"],
        "labels": {str(key): str(value) for key, value in (job.get("labels") or {}).items()},
        "publisher": model,
    }


def _input(config: Body) -> Problem | None:
    if "bigquerySource" in config:
        return problem(_NO_TABLES)
    if config.get("instancesFormat") != "jsonl":
        return problem(f"Unsupported instances format: {config.get('instancesFormat')}.", field="instances_format")
    uris = _object(config, "gcsSource").get("uris")
    uris = [uris] if isinstance(uris, str) else uris
    if not isinstance(uris, list) or not uris or not all(isinstance(uri, str) and _is_place(uri) for uri in uris):
        return problem("Invalid Cloud Storage URI in gcs_source.", field="input_config.gcs_source.uris")
    return None


def _output(config: Body) -> Problem | None:
    if "bigqueryDestination" in config:
        return problem(_NO_TABLES)
    if config.get("predictionsFormat") != "jsonl":
        words = f"Unsupported predictions format: {config.get('predictionsFormat')}."
        return problem(words, field="predictions_format")
    prefix = _object(config, "gcsDestination").get("outputUriPrefix")
    if not isinstance(prefix, str) or not _is_place(prefix):
        return problem("Invalid Cloud Storage URI in gcs_destination.", field="output_config.gcs_destination")
    return None


def _is_place(uri: str) -> bool:
    return uri.startswith("gs://") and bool(place(uri)[0])


def place(uri: str) -> tuple[str, str]:
    """Split gs://bucket/name."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return bucket, name


def _object(body: Body, key: str) -> Body:
    """Read an object in either spelling of its key; one that is not there is empty."""
    value = body.get(key)
    return {_camel(name): item for name, item in value.items()} if isinstance(value, dict) else {}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
