"""HTTP answers in the shapes of Cloud Storage: errors, and what buckets and objects look like."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from .storage_objects import StoredObject

REASONS = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    409: "conflict",
    412: "conditionNotMet",
    413: "uploadTooLarge",
    429: "rateLimitExceeded",
    500: "backendError",
    503: "backendError",
}
UNMET = "At least one of the pre-conditions you specified did not hold."


def answer(body: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(json.dumps(body), status, _mark(), "application/json; charset=UTF-8")


def empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Answer without a body."""
    return Response(status_code=status, headers={**_mark(), **(headers or {})})


def _mark() -> dict[str, str]:
    return {"x-guploader-uploadid": secrets.token_hex(16)}


def refusal(status: int, message: str) -> Response:
    """Answer with an error."""
    detail = {"message": message, "domain": "global", "reason": REASONS.get(status, "backendError")}
    if status == 412:
        detail |= {"locationType": "header", "location": "If-Match"}
    return answer({"error": {"code": status, "message": message, "errors": [detail]}}, status)


def too_large(limit: int) -> Response:
    """Say that an object would be larger than any may be here."""
    return refusal(413, f"The object exceeds the maximum size of {limit} bytes.")


def no_bucket() -> Response:
    """Say that there is no such bucket."""
    return refusal(404, "The specified bucket does not exist.")


def missing(bucket: str, name: str) -> str:
    """Word that there is no such object."""
    return f"No such object: {bucket}/{name}"


def bucket_shown(name: str, created: float, request: Request) -> dict[str, Any]:
    """Show a bucket."""
    return {
        "kind": "storage#bucket",
        "selfLink": f"{request.base_url}storage/v1/b/{name}",
        "id": name,
        "name": name,
        "projectNumber": "123456789012",
        "generation": "1",
        "metageneration": "1",
        "location": "US-CENTRAL1",
        "locationType": "region",
        "storageClass": "STANDARD",
        "etag": "CAE=",
        "timeCreated": _time(created),
        "updated": _time(created),
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "inherited"},
    }


def object_shown(one: StoredObject, request: Request) -> dict[str, Any]:
    """Show an object."""
    place = f"b/{one.bucket}/o/{quote(one.name, safe='')}"
    return {
        "kind": "storage#object",
        "id": f"{one.bucket}/{one.name}/{one.generation}",
        "selfLink": f"{request.base_url}storage/v1/{place}",
        "mediaLink": f"{request.base_url}download/storage/v1/{place}?generation={one.generation}&alt=media",
        "name": one.name,
        "bucket": one.bucket,
        "generation": str(one.generation),
        "metageneration": "1",
        "contentType": one.content_type,
        "storageClass": "STANDARD",
        "size": str(one.size),
        "md5Hash": one.md5,
        "crc32c": one.crc32c,
        "etag": etag(one),
        "timeCreated": _time(one.created),
        "updated": _time(one.created),
        "timeStorageClassUpdated": _time(one.created),
        **({"metadata": dict(one.metadata)} if one.metadata else {}),
    }


def etag(one: StoredObject) -> str:
    """Tag the content of an object."""
    return f"C{one.generation:x}="


def _time(seconds: float) -> str:
    """Write a time to the millisecond."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
