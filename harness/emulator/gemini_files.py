"""The Files API of Gemini: look, list, download, delete. Uploads have a file of their own."""

from __future__ import annotations

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .downloads import download
from .files import StoredFile
from .gemini_names import LONGEST, NAME, shown, stored
from .gemini_outputs import GENERATED, visible
from .google_replies import answer, page, problem, refusal, time
from .problems import Problem
from .site import Site

DAYS = 172_800  # seconds that an upload is kept: 48 hours


def show(file: StoredFile, base: str) -> dict[str, Any]:
    """Show a file; `base`: the URL of the server as the client knows it."""
    name, made = shown(file.id), file.purpose == GENERATED
    uri = f"{base}v1beta/{name}"
    return {
        "name": name,
        **({"displayName": file.filename} if file.filename else {}),
        "mimeType": file.media_type,
        "sizeBytes": str(file.bytes),
        "createTime": time(file.created_at),
        "updateTime": time(file.created_at),
        **({"expirationTime": time(file.expires_at)} if file.expires_at is not None else {}),
        "sha256Hash": base64.b64encode(file.sha256.encode()).decode(),
        "uri": uri,
        **({"downloadUri": f"{uri}:download?alt=media"} if made else {}),
        "state": "ACTIVE",
        "source": "GENERATED" if made else "UPLOADED",
    }


def find(name: str, site: Site) -> StoredFile | Problem:
    """Find a file by its name, with or without `files/`; one that is not there is said to be forbidden."""
    file = site.state.files.get(stored(name), site.state.clock.now())
    if file is not None and file.profile == NAME and visible(file, site.state):
        return file
    words = f"You do not have permission to access the File {name.removeprefix('files/')} or it may not exist."
    return problem(words, 403)


async def get_file(request: Request, site: Site) -> Response:
    """Show one file."""
    file = find(request.path_params["file_id"], site)
    return refusal(file) if isinstance(file, Problem) else answer(show(file, str(request.base_url)))


async def list_files(request: Request, site: Site) -> Response:
    """List files, newest first."""
    with site.state.changed:
        files = [file for file in site.state.files.listing(site.state.clock.now()) if file.profile == NAME]
        files = [file for file in files if visible(file, site.state)]
    found = page(request, files[::-1], 10, 100)
    if isinstance(found, Problem):
        return refusal(found)
    files, more = list(found[0]), found[1]
    body: dict[str, Any] = {"files": [show(file, str(request.base_url)) for file in files]} if files else {}
    return answer(body | ({"nextPageToken": more} if more else {}))


async def delete_file(request: Request, site: Site) -> Response:
    """Delete a file; the output of a batch has too long a name for that and goes with its batch."""
    name = request.path_params["file_id"]
    if len(name) > LONGEST:
        words = f"The file id must be at most {LONGEST} characters long."
        return refusal(problem(f"* DeleteFileRequest.name: {words}"))
    with site.state.changed:
        file = find(name, site)
        if isinstance(file, Problem):
            return refusal(file)
        site.state.files.delete(file.id)
        site.state.files.discard(file.id)  # batches have read it when they were created
    return answer({})


async def file_content(request: Request, site: Site) -> Response:
    """Send the bytes of a file that a batch made."""
    file = find(request.path_params["file_id"], site)
    if isinstance(file, Problem):
        return refusal(file)
    if file.purpose != GENERATED:
        return refusal(problem("Only generated files can be downloaded."))
    return download(request, site.state.files.path(file.id), file.media_type, {})
