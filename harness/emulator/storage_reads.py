"""Reading of Cloud Storage: buckets, metadata, lists, bytes; and removing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .downloads import download
from .replies import parse_json, read_body
from .site import Site
from .storage_hidden import hidden, late_folders
from .storage_objects import BUCKET_NAME, StoredObject
from .storage_replies import UNMET, answer, bucket_shown, empty, etag, missing, no_bucket, object_shown, refusal
from .storage_uploads import unmet

_LAST = "\U0010ffff"  # sorts behind everything
_MAX_PAGE = 1000
_LIMIT = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


async def create_bucket(request: Request, site: Site) -> Response:
    """Create a bucket."""
    raw = await read_body(request, 1 << 20)
    body = parse_json(raw) if isinstance(raw, bytes) else raw
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str) or not BUCKET_NAME.fullmatch(name):
        return refusal(400, f"Invalid bucket name: '{name}'")
    with site.state.changed:
        if site.state.objects.bucket(name) is not None:
            return refusal(409, "Your previous request to create the named bucket succeeded and you already own it.")
        now = site.state.clock.now()
        site.state.objects.create_bucket(name, now)
    return answer(bucket_shown(name, now, request))


async def get_bucket(request: Request, site: Site) -> Response:
    """Show a bucket."""
    name = request.path_params["bucket"]
    created = site.state.objects.bucket(name)
    return no_bucket() if created is None else answer(bucket_shown(name, created, request))


def _find(request: Request, site: Site) -> StoredObject | None:
    one = site.state.objects.get(request.path_params["bucket"], request.path_params["name"])
    if one is None or hidden(one, late_folders(site.state)):
        return None
    wanted = request.query_params.get("generation")
    return one if wanted in (None, str(one.generation)) else None


def _wanted(request: Request, site: Site) -> StoredObject | tuple[int, str]:
    """Find the object that a call is about, if its condition holds; else the status and words of a refusal."""
    one = _find(request, site)
    if one is None:
        return 404, missing(request.path_params["bucket"], request.path_params["name"])
    return (412, UNMET) if unmet(request.query_params.get("ifGenerationMatch"), one) else one


async def get_object(request: Request, site: Site) -> Response:
    """Show the metadata of an object, or send its bytes, as clients without a library ask for them."""
    if request.query_params.get("alt") == "media":
        return await download_object(request, site)
    with site.state.changed:
        one = _wanted(request, site)
    return refusal(*one) if isinstance(one, tuple) else answer(object_shown(one, request))


async def delete_object(request: Request, site: Site) -> Response:
    """Delete an object."""
    with site.state.changed:
        one = _wanted(request, site)
        if isinstance(one, tuple):
            return refusal(*one)
        site.state.objects.delete(one)
    return empty(204)


async def download_object(request: Request, site: Site) -> Response:
    """Send the bytes of an object, or a range of them."""
    with site.state.changed:
        one = _wanted(request, site)
    if isinstance(one, tuple):
        return PlainTextResponse(one[1], one[0])
    headers = {
        "x-goog-hash": f"crc32c={one.crc32c},md5={one.md5}",
        "x-goog-generation": str(one.generation),
        "x-goog-metageneration": "1",
        "x-goog-storage-class": "STANDARD",
        "x-goog-stored-content-length": str(one.size),
        "etag": etag(one),
        "accept-ranges": "bytes",
    }
    span = _span(request.headers.get("range", ""), one.size)
    if span is not None and span[0] >= span[1]:
        return PlainTextResponse("", 416, headers={"content-range": f"bytes */{one.size}"})
    return download(request, site.state.objects.path(one), one.content_type, headers, span)


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Read which bytes are wanted: the first, and the one behind the last; None: all."""
    found = _RANGE.fullmatch(header)
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    return int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)


async def list_objects(request: Request, site: Site) -> Response:
    """List a page of names in their order; what shares a name up to the delimiter stands there once, as a prefix."""
    bucket, asked = request.path_params["bucket"], request.query_params
    if site.state.objects.bucket(bucket) is None:
        return no_bucket()
    limit, token = asked.get("maxResults", str(_MAX_PAGE)), _unpacked(asked.get("pageToken", ""))
    if not _LIMIT.fullmatch(limit) or token is None:
        return refusal(400, "Invalid argument.")
    with site.state.changed:
        steps = _steps(site, bucket, asked.get("prefix", ""), asked.get("delimiter", ""), token)
        items: list[StoredObject] = []
        prefixes: list[str] = []
        more, last = False, ""
        for name, one in steps:
            if len(items) + len(prefixes) == min(int(limit) or _MAX_PAGE, _MAX_PAGE):
                more = True
                break
            last = name + (_LAST if one is None else "")
            if one is None:
                prefixes.append(name)
            else:
                items.append(one)
    page: dict[str, object] = {"kind": "storage#objects"}
    page |= {"nextPageToken": base64.b64encode(last.encode()).decode()} if more else {}
    page |= {"prefixes": prefixes} if prefixes else {}
    page |= {"items": [object_shown(one, request) for one in items]} if items else {}
    return answer(page)


def _steps(
    site: Site, bucket: str, prefix: str, delimiter: str, after: str
) -> Iterator[tuple[str, StoredObject | None]]:
    """Go through a listing behind `after`: a name with its object, or a common prefix without one."""
    objects, folders, group = site.state.objects, late_folders(site.state), None
    for name in objects.names(bucket, max(prefix, after)):
        if not name.startswith(prefix):
            return
        if name <= after or (group is not None and name.startswith(group)):
            continue
        one = objects.get(bucket, name)
        if one is None or hidden(one, folders):
            continue
        end = name.find(delimiter, len(prefix)) if delimiter else -1
        group = name[: end + len(delimiter)] if end >= 0 else None
        yield (name, one) if group is None else (group, None)


def _unpacked(token: str) -> str | None:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
