"""The OpenAI Files API: upload, list, look, download, delete."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from . import uploads
from .downloads import download
from .files import StoredFile
from .problems import Problem, missing, wrong_value
from .profiles import PROFILES, Profile
from .replies import answer, limit_of, page, refusal, seconds
from .site import Site
from .uploads import Upload

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_MONTH = 2_592_000  # seconds; batch inputs expire after 30 days


def show(file: StoredFile, *, fresh: bool = False) -> dict[str, Any]:
    """Show a file as its provider does; `fresh`: in the answer to its upload."""
    whole = {
        "object": "file",
        "id": file.id,
        "purpose": file.purpose,
        "filename": file.filename,
        "bytes": file.bytes,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "status": "processed",
        "status_details": None,
    }
    return PROFILES[file.profile].show(whole, fresh=fresh)


async def upload_file(request: Request, site: Site) -> Response:
    """Take in a file."""
    state = site.state
    draft = state.files.draft(secrets.token_hex(8))
    try:
        upload = await uploads.receive(request, draft, state.settings.max_file)
        profile: Profile = request.state.profile
        problem = _refused(upload, draft, profile, site)
        if problem is not None:
            return refusal(problem)
        with state.changed:
            file = _stored(upload, profile, site)
            state.files.add(file, draft)
        return answer(show(file, fresh=True))
    except uploads.NotMultipartError:
        return refusal(missing("file"))
    finally:
        draft.unlink(missing_ok=True)


def _refused(upload: Upload, draft: Path, profile: Profile, site: Site) -> Problem | None:
    purpose, settings = upload.fields.get("purpose"), site.state.settings
    if upload.filename is None:
        return missing("file")
    if not purpose:
        return missing("purpose")
    if purpose not in PURPOSES:
        return wrong_value("purpose", purpose, PURPOSES)
    expiry = _expiry(upload)
    if expiry is not None and (problem := seconds("expires_after", expiry)):
        return problem
    if upload.size > (min(settings.max_batch_file, profile.max_file) if purpose == "batch" else settings.max_file):
        return Problem("File is too large.")
    if purpose == "batch" and not _looks_like_jsonl(upload, draft):
        return Problem("Invalid file format for Batch API. Must be .jsonl")
    return None


def _expiry(upload: Upload) -> dict[str, Any] | None:
    """Read the bracketed fields in which the SDK sends `expires_after`."""
    parts = {key: upload.fields.get(f"expires_after[{key}]") for key in ("anchor", "seconds")}
    if not any(parts.values()):
        return None
    text = parts["seconds"] or ""
    return parts | {"seconds": int(text) if text.isdigit() else parts["seconds"]}


def _looks_like_jsonl(upload: Upload, draft: Path) -> bool:
    """Check name and first line; bytes without a name are called `upload` by the SDK and taken."""
    name = upload.filename or ""
    if not upload.size or not (name.endswith(".jsonl") or name == "upload"):
        return False
    with draft.open("rb") as file:
        try:
            return isinstance(orjson.loads(file.readline()), dict)
        except orjson.JSONDecodeError:
            return False


def _stored(upload: Upload, profile: Profile, site: Site) -> StoredFile:
    state, now = site.state, int(site.state.clock.now())
    expiry, purpose = _expiry(upload) if profile.expiries else None, upload.fields["purpose"]
    keep = int(expiry["seconds"]) if expiry else _MONTH if purpose == "batch" else None
    name = upload.filename or ""
    file_id = profile.file_id(state.settings.seed, state.files.made, name, upload.sha256)
    end = None if keep is None else now + keep
    return StoredFile(file_id, purpose, name, upload.size, now, end, profile.name)


async def list_files(request: Request, site: Site) -> Response:
    """List files, newest first unless asked otherwise."""
    profile: Profile = request.state.profile
    limit = 100 if profile.cursor else limit_of(request, 10_000, 10_000)
    order, purpose = request.query_params.get("order", "desc"), request.query_params.get("purpose")
    if isinstance(limit, Problem):
        return refusal(limit)
    if order not in {"asc", "desc"}:
        return refusal(wrong_value("order", order, ("asc", "desc")))
    with site.state.changed:
        files = site.state.files.listing(site.state.clock.now())
    ours = [file for file in files if file.profile == profile.name]
    shown = [show(file) for file in ours if purpose in {None, file.purpose}]
    after = request.query_params.get("cursor" if profile.cursor else "after")
    return answer(profile.page(page(shown if order == "asc" else shown[::-1], after, limit)))


def _find(request: Request, site: Site) -> StoredFile | Response:
    file_id = request.path_params["file_id"]
    file = site.state.files.get(file_id, site.state.clock.now())
    if file is not None and file.profile == request.state.profile.name:
        return file
    return refusal(Problem(f"No such File object: {file_id}", "id", None, 404))


async def get_file(request: Request, site: Site) -> Response:
    """Show one file."""
    file = _find(request, site)
    return answer(show(file)) if isinstance(file, StoredFile) else file


async def delete_file(request: Request, site: Site) -> Response:
    """Delete a file; one that a batch still reads loses its bytes when that ends."""
    file = _find(request, site)
    if isinstance(file, Response):
        return file
    with site.state.changed:
        site.state.files.delete(file.id)
        if not any(batch.input_file_id == file.id for batch in site.runner.live()):
            site.state.files.discard(file.id)
    return answer({"id": file.id, "object": "file", "deleted": True})


async def file_content(request: Request, site: Site) -> Response:
    """Send the bytes of a file."""
    file = _find(request, site)
    if isinstance(file, Response):
        return file
    name = file.filename.encode("ascii", "replace").decode().replace('"', "").replace("\r", "").replace("\n", "")
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return download(request, site.state.files.path(file.id), "application/octet-stream", headers)
