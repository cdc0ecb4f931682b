"""Why a job fails as a whole: the codes of google.rpc and their words, as real jobs had them until September 2026."""

from __future__ import annotations

from .batches import Batch
from .execution import Body
from .storage_objects import Objects
from .vertex_create import place

_IMPORT = "Failed to import data. Please check 'Prepare input' section of the batch predictions documentation."
_BUCKET = (
    "Failed to get GCS bucket location for {}. Please check that the bucket exists and permissions are set correctly."
)
_WRITE = (
    "Service account service-123456789012@gcp-sa-aiplatform.iam.gserviceaccount.com doesn't have sufficient permission "
    '"storage.objects.create" to write {}/predictions.jsonl.'
)
SYSTEM = "System error. Please try this operation again. If the problem persists, please contact Google Support."
AFTER_ROWS = 7  # of a job whose rows ran, but whose results could not be written


def failure(batch: Batch, code: int, detail: str = "") -> Body:
    """Shape the error of a job; a fault may give it other words."""
    bucket = detail or place(batch.request["prefix"])[0]
    words = {
        3: f"{_IMPORT} {detail}".rstrip(),
        7: _WRITE.format(batch.request["directory"]),
        9: _BUCKET.format(bucket),
    }.get(code, SYSTEM)
    return {"code": code, "message": (batch.fault("batch_failed") or {}).get("message", words)}


def failure_at_once(batch: Batch, objects: Objects) -> Body | None:
    """Find why a job fails before any row runs: a fault says so, or a bucket is not there."""
    fault = batch.fault("batch_failed")
    if fault is not None and fault.get("code") != AFTER_ROWS:
        code = fault.get("code", 3)
        return failure(batch, code if isinstance(code, int) else 3)
    for uri in (*batch.request["uris"], batch.request["prefix"]):
        bucket, _ = place(uri)
        if objects.bucket(bucket) is None:
            return failure(batch, 9, bucket)
    return None
