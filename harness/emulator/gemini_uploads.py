"""Resumable uploads of the Gemini API: a start that names a URL, then chunks to it, the last of which makes the file.

Read: ai.google.dev "Files API", google-genai 3.4 `_upload_fd`; checked: 2026-11-24.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import orjson
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from .draws import base32
from .files import StoredFile
from .gemini_files import DAYS, show
from .gemini_names import NAME, chosen, stored, version_of
from .gemini_sessions import Announced
from .google_fields import long, read, record, text, whole
from .google_replies import answer, problem, refusal
from .problems import Problem
from .replies import read_body
from .site import Site

_GRANULARITY = "8388608"  # bytes
_JSON = 65_536  # bytes of what is said of a file
_FILE = record({"name": text, "displayName": text, "mimeType": text, "sizeBytes": long})


async def start(request: Request, site: Site) -> Response:
    """Begin an upload, or take a piece of one: both come to the same path."""
    if "upload_id" in request.query_params:
        return await _chunk(request, site)
    said = await _said(request, site)
    if isinstance(said, Problem):
        return refusal(said)
    site.state.uploads.begin(said)
    path = f"upload/{version_of(request.url.path)}/files?upload_id={said.id}&upload_protocol=resumable"
    return _empty("active", {"x-goog-upload-url": f"{request.base_url}{path}"})


def _empty(status: str, headers: dict[str, str]) -> Response:
    sent = {"x-goog-upload-status": status, "x-goog-upload-chunk-granularity": _GRANULARITY, **headers}
    return Response(b"", 200, sent, "text/plain; charset=utf-8")


async def _said(request: Request, site: Site) -> Announced | Problem:
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
    if found := _taken(file.get("name"), site):
        return found
    size = whole(request.headers.get("x-goog-upload-header-content-length") or file.get("sizeBytes"), 64)
    if size is not None and size > site.state.settings.max_upload:
        return problem(f"The file is larger than the limit of {site.state.settings.max_upload} bytes.")
    kind = file.get("mimeType") or request.headers.get("x-goog-upload-header-content-type") or ""
    return Announced(secrets.token_hex(16), file.get("name"), file.get("displayName", ""), kind, size)


def _taken(name: str | None, site: Site) -> Problem | None:
    """Refuse a name that a file has already."""
    known = name is not None and site.state.files.get(stored(name), site.state.clock.now()) is not None
    return problem(f"The file {name} already exists.", 409) if known else None


async def _chunk(request: Request, site: Site) -> Response:
    """Take in the next bytes; who knows the URL needs no key."""
    said = site.state.uploads.get(request.query_params["upload_id"])
    if said is None:
        return refusal(problem("The upload was not found, or it has ended.", 404))
    commands = {command.strip() for command in request.headers.get("x-goog-upload-command", "").split(",")}
    if not commands <= {"upload", "finalize", "query", "cancel"} or not commands:
        return refusal(problem(f"Unknown upload command: {', '.join(sorted(commands))}."))
    if commands == {"cancel"}:
        site.state.uploads.end(said)
        return _empty("cancelled", {})
    draft = site.state.uploads.draft(said)
    have = draft.stat().st_size
    if commands == {"query"}:
        return _empty("active", {"x-goog-upload-size-received": str(have)})
    offset = request.headers.get("x-goog-upload-offset", "")
    if "upload" in commands and offset != str(have):
        return refusal(problem(f"The upload offset is {offset or 'missing'}, but {have} bytes have been received."))
    if found := await _append(request, draft, site.state.settings.max_upload if said.size is None else said.size):
        return refusal(found)
    return await _finalize(request, said, draft, site) if "finalize" in commands else _empty("active", {})


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


async def _finalize(request: Request, said: Announced, draft: Path, site: Site) -> Response:
    state, size = site.state, draft.stat().st_size
    if said.size not in {None, size}:
        state.uploads.end(said)
        return refusal(problem(f"The upload has {size} bytes, but {said.size} were announced."))
    digest = await to_thread.run_sync(_digest, draft)
    with state.changed:
        now = int(state.clock.now())
        if found := _taken(said.name, site):  # by an upload that began later and was quicker
            state.uploads.end(said)
            return refusal(found)
        file_id = stored(said.name or base32(12, state.settings.seed, state.files.made, said.display, digest))
        file = StoredFile(file_id, "batch", said.display, size, now, now + DAYS, NAME, said.media_type, digest)
        state.files.add(file, draft)
        state.uploads.end(said)
    body = {"file": show(file, str(request.base_url))}
    return answer(body, headers={"x-goog-upload-status": "final"})


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
