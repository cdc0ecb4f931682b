"""Resumable uploads of the Gemini API: a start that names a URL, then chunks to it, the last of which makes the file.

What was announced travels in the URL, and the draft on disk knows how much has come: there is nothing else to remember.
Read: ai.google.dev "Files API", google-genai 3.4 `_upload_fd`; checked: 2026-11-24.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from pathlib import Path
from typing import Any

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from .draws import base32
from .files import StoredFile
from .gemini_files import DAYS, show
from .gemini_names import NAME, chosen, stored, version_of
from .google_fields import integer, read, record, text
from .google_replies import answer, problem, refusal
from .problems import Problem
from .replies import read_body
from .site import Site

Body = dict[str, Any]
_GRANULARITY = "8388608"  # bytes
_JSON = 65_536  # bytes of what is said of a file
_NONCE = re.compile(r"[0-9a-f]{32}\Z")
_FILE = record(
    {"name": text, "displayName": text, "mimeType": text, "sizeBytes": lambda where, value: _size(where, value)}
)


def _size(where: str, value: Any) -> Problem | None:
    return None if isinstance(value, str) and value.isdigit() else integer(where, value)


async def start(request: Request, site: Site) -> Response:
    """Begin an upload, or take a piece of one: both come to the same path."""
    if "upload_id" in request.query_params:
        return await _chunk(request, site)
    said = await _said(request, site)
    if isinstance(said, Problem):
        return refusal(said)
    site.state.files.draft(_draft(said)).touch()
    token = base64.urlsafe_b64encode(orjson.dumps(said)).decode()
    path = f"upload/{version_of(request.url.path)}/files?upload_id={token}&upload_protocol=resumable"
    return _empty("active", {"x-goog-upload-url": f"{request.base_url}{path}"})


def _empty(status: str, headers: dict[str, str]) -> Response:
    sent = {"x-goog-upload-status": status, "x-goog-upload-chunk-granularity": _GRANULARITY, **headers}
    return Response(b"", 200, sent, "text/plain; charset=utf-8")


async def _said(request: Request, site: Site) -> Body | Problem:
    """Read what is announced."""
    protocol, command = (request.headers.get(f"x-goog-upload-{name}", "") for name in ("protocol", "command"))
    if protocol != "resumable" or command != "start":
        return problem("This emulator takes uploads of the protocol `resumable`, which begin with the command `start`.")
    raw = await read_body(request, _JSON)
    try:
        body = read(orjson.loads(raw or b"{}")) if isinstance(raw, bytes) else None
    except orjson.JSONDecodeError:
        body = None
    file = body.get("file", {}) if isinstance(body, dict) else None
    if file is None:
        return problem("Invalid JSON payload received.")
    if found := _FILE("file", file):
        return found
    if "name" in file and not chosen(file["name"]):
        words = (
            "The file name must be `files/` and at most 40 lowercase letters, digits and dashes, no dash at its ends."
        )
        return problem(f"* CreateFileRequest.file.name: {words}")
    if "name" in file and site.state.files.get(stored(file["name"]), site.state.clock.now()):
        return problem(f"The file {file['name']} already exists.", 409)
    size = request.headers.get("x-goog-upload-header-content-length") or str(file.get("sizeBytes", ""))
    if size.isdigit() and int(size) > site.state.settings.max_upload:
        return problem(f"The file is larger than the limit of {site.state.settings.max_upload} bytes.")
    kind = file.get("mimeType") or request.headers.get("x-goog-upload-header-content-type") or ""
    known = {"name": file.get("name"), "display": file.get("displayName", ""), "type": kind}
    return {**known, "size": int(size) if size.isdigit() else None, "nonce": secrets.token_hex(16)}


def _draft(said: Body) -> str:
    return f"upload-{said['nonce']}"


async def _chunk(request: Request, site: Site) -> Response:
    """Take in the next bytes; who knows the URL needs no key."""
    said = _announced(request.query_params["upload_id"])
    draft = None if said is None else site.state.files.draft(_draft(said))
    if said is None or draft is None or not draft.exists():
        return refusal(problem("The upload was not found, or it has ended.", 404))
    commands = {command.strip() for command in request.headers.get("x-goog-upload-command", "").split(",")}
    if not commands <= {"upload", "finalize", "query", "cancel"} or not commands:
        return refusal(problem(f"Unknown upload command: {', '.join(sorted(commands))}."))
    if commands == {"cancel"}:
        draft.unlink()
        return _empty("cancelled", {})
    have = draft.stat().st_size
    if commands == {"query"}:
        return _empty("active", {"x-goog-upload-size-received": str(have)})
    offset = request.headers.get("x-goog-upload-offset", "")
    if "upload" in commands and offset != str(have):
        return refusal(problem(f"The upload offset is {offset or 'missing'}, but {have} bytes have been received."))
    if found := await _append(request, draft, min(said["size"] or site.state.settings.max_upload, 1 << 40)):
        return refusal(found)
    return await _finalize(request, said, draft, site) if "finalize" in commands else _empty("active", {})


def _announced(token: str) -> Body | None:
    try:
        said: Body = orjson.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        return None
    return said if isinstance(said, dict) and _NONCE.match(str(said.get("nonce"))) else None


async def _append(request: Request, draft: Path, limit: int) -> Problem | None:
    """Add bytes to a draft; of a chunk that breaks off or is too much nothing stays."""
    have = size = draft.stat().st_size
    try:
        with draft.open("ab") as sink:
            async for block in request.stream():
                size += len(block)
                if size <= limit:
                    sink.write(block)
            if size <= limit:
                have = size
    finally:
        with draft.open("r+b") as sink:
            sink.truncate(have)
    return None if size <= limit else problem(f"More bytes were uploaded than the {limit} that were announced.")


async def _finalize(request: Request, said: Body, draft: Path, site: Site) -> Response:
    state, size = site.state, draft.stat().st_size
    if said["size"] not in {None, size}:
        draft.unlink()
        return refusal(problem(f"The upload has {size} bytes, but {said['size']} were announced."))
    digest = await to_thread.run_sync(_digest, draft)
    with state.changed:
        now = int(state.clock.now())
        file_id = stored(said["name"] or base32(12, state.settings.seed, state.files.made, said["display"], digest))
        file = StoredFile(file_id, "batch", said["display"], size, now, now + DAYS, NAME, said["type"], digest)
        state.files.add(file, draft)
    body = {"file": show(file, str(request.base_url))}
    return answer(body, headers={"x-goog-upload-status": "final"})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
