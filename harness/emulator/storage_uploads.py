"""Uploads to Cloud Storage in one call, of both parts or the bytes alone; and how every upload becomes an object."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from . import storage_multipart
from .google_fields import whole
from .site import Site
from .storage_hashes import announced, differs, hashes
from .storage_objects import StoredObject
from .storage_replies import UNMET, answer, empty, no_bucket, object_shown, refusal, too_large
from .storage_sessions import Session

_FACTS = 1 << 20  # bytes of what is said of an object
_TYPE = re.compile(r"[ -~]{1,255}")  # it comes back as a header
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an upload is to become."""

    bucket: str
    name: str
    content_type: str
    generation_match: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)


async def upload(request: Request, site: Site) -> Response:
    """Take an object, or begin a resumable upload."""
    bucket, kind = request.path_params["bucket"], request.query_params.get("uploadType", "")
    if site.state.objects.bucket(bucket) is None:
        return await refuse_read(request, no_bucket())
    if kind == "resumable":
        return await _begin(request, site)
    if kind not in ("multipart", "media"):
        return await refuse_read(request, refusal(400, f"Invalid value for uploadType: {kind!r}"))
    draft = site.state.objects.draft(secrets.token_hex(8))
    try:
        wish = await (_both if kind == "multipart" else _bytes)(request, draft, site.state.settings.max_object)
        return wish if isinstance(wish, Response) else await become(wish, draft, request, site)
    finally:
        draft.unlink(missing_ok=True)


async def refuse_read(request: Request, response: Response) -> Response:
    """Refuse a body that is read and thrown away, so that its sender sees the answer."""
    async for _ in request.stream():
        pass
    return response


async def _both(request: Request, draft: Path, limit: int) -> Wish | Response:
    try:
        facts, content_type = await storage_multipart.receive(request, draft, limit)
    except storage_multipart.TooLargeError:
        return too_large(limit)
    except storage_multipart.NotMultipartError:
        return refusal(400, "Failed to parse multipart upload request body.")
    return _wish(request, facts, content_type)


async def _bytes(request: Request, draft: Path, limit: int) -> Wish | Response:
    size = 0
    with draft.open("wb") as sink:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                sink.write(chunk)
    if size > limit:
        return too_large(limit)
    return _wish(request, {}, request.headers.get("content-type", ""))


def _wish(request: Request, facts: dict[str, Any], content_type: str) -> Wish | Response:
    """Read what an upload is to become; None of the facts is needed if the query names it."""
    name = facts.get("name") or request.query_params.get("name")
    if not isinstance(name, str):
        return refusal(400, "Required object name not specified.")
    if len(name.encode()) > 1024 or "\n" in name or "\r" in name:
        return refusal(400, f"Invalid object name: {name[:100]!r}")
    kind, metadata = str(facts.get("contentType") or content_type or OCTETS), facts.get("metadata") or {}
    if not _TYPE.fullmatch(kind):
        return refusal(400, f"Invalid content type: {kind[:100]!r}")
    if not isinstance(metadata, dict):
        return refusal(400, "Invalid value for metadata: it is not an object.")
    given = {"crc32c": facts.get("crc32c"), "md5": facts.get("md5Hash")}
    return Wish(
        bucket=request.path_params["bucket"],
        name=name,
        content_type=kind,
        generation_match=request.query_params.get("ifGenerationMatch"),
        metadata={key: str(value) for key, value in metadata.items()},
        hashes={key: str(value) for key, value in given.items() if value}
        | announced(request.headers.get("x-goog-hash", "")),
    )


async def become(wish: Wish | Session, draft: Path, request: Request, site: Site) -> Response:
    """Make an object of the bytes in `draft`."""
    made = await to_thread.run_sync(keep, wish, draft, site)
    return made if isinstance(made, Response) else answer(object_shown(made, request))


def keep(wish: Wish | Session, draft: Path, site: Site) -> StoredObject | Response:
    """Store the bytes in `draft`, if they are what the client says and its condition holds."""
    found = hashes(draft)
    if wrong := differs(wish.hashes, found):
        return refusal(400, wrong)
    state = site.state
    with state.changed:
        if unmet(wish.generation_match, state.objects.get(wish.bucket, wish.name)):
            return refusal(412, UNMET)
        facts = {"crc32c": found.crc32c, "md5": found.md5, "content_type": wish.content_type}
        now = state.clock.now()
        return state.objects.put(
            draft, wish.bucket, wish.name, now, metadata=dict(wish.metadata), uploaded=True, **facts
        )


def unmet(wanted: str | None, current: StoredObject | None) -> bool:
    """Say whether a demanded generation is not the current one; 0: there is no object."""
    return wanted is not None and wanted != str(current.generation if current else 0)


async def _facts(request: Request) -> dict[str, Any] | None:
    """Read what is said of an object; None if it is no JSON object, or too long for one."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        body += chunk if size <= _FACTS else b""
    try:
        facts = orjson.loads(body or b"{}") if size <= _FACTS else None
    except orjson.JSONDecodeError:
        return None
    return facts if isinstance(facts, dict) else None


async def _begin(request: Request, site: Site) -> Response:
    """Begin a resumable upload; the bytes come in calls to the URL that is the answer."""
    limit = site.state.settings.max_object
    if (whole(request.headers.get("x-upload-content-length", "0"), 64) or 0) > limit:
        return await refuse_read(request, too_large(limit))
    facts = await _facts(request)
    if facts is None:
        return refusal(400, "Parse Error")
    wish = _wish(request, facts, request.headers.get("x-upload-content-type", ""))
    if isinstance(wish, Response):
        return wish
    with site.state.changed:
        if unmet(wish.generation_match, site.state.objects.get(wish.bucket, wish.name)):
            return refusal(412, UNMET)
        mark, wanted = secrets.token_urlsafe(24), wish.generation_match
        session = Session(
            mark, wish.bucket, wish.name, wish.content_type, wanted, dict(wish.metadata), dict(wish.hashes)
        )
        site.state.sessions.begin(session)
    place = f"{request.base_url}upload/storage/v1/b/{wish.bucket}/o?uploadType=resumable&upload_id={session.id}"
    return empty(200, {"location": place})
