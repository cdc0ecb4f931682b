"""The calls that bring the bytes of a resumable upload, in order, each from where the last one ended."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .site import Site
from .storage_hashes import announced
from .storage_objects import StoredObject, size_of
from .storage_replies import answer, empty, object_shown, refusal, too_large
from .storage_sessions import Session
from .storage_uploads import keep, refuse_read

_QUANTUM = 1 << 18  # bytes; what is kept of an upload that goes on is a multiple of it
_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18}|\*)")
_SHORT = (
    "Invalid request.  The number of bytes uploaded is required to be equal or greater than 262144, except for the "
    "final request (it's recommended to be the exact multiple of 262144).  The received request contained {} bytes, "
    "which does not meet this requirement."
)
_GAP = (
    "Invalid request.  According to the Content-Range header, the upload offset is {} byte(s), which exceeds already "
    "uploaded size of {} byte(s)."
)


@dataclass(frozen=True, slots=True)
class _Span:
    """Which bytes a call says that it brings."""

    start: int | None  # None: it only asks
    length: int | None
    total: int | None  # None: not known yet

    def ends(self, size: int) -> bool:
        return self.total == size


def _span(header: str | None) -> _Span | None:
    if header is None:  # all of it, at once
        return _Span(0, None, None)
    found = _RANGE.fullmatch(header)
    if found is None:
        return None
    total = None if found[3] == "*" else int(found[3])
    return _Span(None, 0, total) if found[1] is None else _Span(int(found[1]), int(found[2]) - int(found[1]) + 1, total)


async def upload_part(request: Request, site: Site) -> Response:
    """Take bytes of an upload, or say how many there are."""
    session = site.state.sessions.get(request.query_params.get("upload_id", ""))
    if session is None or session.bucket != request.path_params["bucket"]:
        return await refuse_read(request, refusal(404, "Upload session not found."))
    if session.generation is not None:
        return await refuse_read(request, _became(session, request, site))
    header = request.headers.get("content-range")
    span, have = _span(header), size_of(site.state.sessions.draft(session))
    if span is None:
        return await refuse_read(request, refusal(400, f"Failed to parse Content-Range header: {header}"))
    if span.start is not None:
        if span.start > have:
            return await refuse_read(request, refusal(400, _GAP.format(span.start, have)))
        wrong = await _append(request, site, session, span, have)
        if wrong is not None:
            return wrong
        have = size_of(site.state.sessions.draft(session))
    if header is None or span.ends(have):
        session = replace(session, hashes=session.hashes | announced(request.headers.get("x-goog-hash", "")))
        return await to_thread.run_sync(_finish, session, request, site)
    return empty(308, {"range": f"bytes=0-{have - 1}"} if have else {})


async def _append(request: Request, site: Site, session: Session, span: _Span, have: int) -> Response | None:
    """Add what is new of the bytes that come; bytes that are there already are passed over."""
    start, limit = span.start or 0, site.state.settings.max_object
    path, came, skip = site.state.sessions.draft(session), 0, have - start
    with path.open("ab") as sink:
        try:
            async for chunk in request.stream():
                if start + came + len(chunk) <= limit:
                    sink.write(chunk[max(0, skip - came) :])
                came += len(chunk)
        except ClientDisconnect:
            sink.flush()
            sink.truncate(max(have, sink.tell() // _QUANTUM * _QUANTUM))
            raise
        if start + came > limit:
            sink.truncate(have)
            return too_large(limit)
        if span.length is not None and came != span.length:
            sink.truncate(have)
            return refusal(400, f"Invalid request.  {came} bytes came, but Content-Range speaks of {span.length}.")
        sink.flush()
        if span.length is not None and not span.ends(sink.tell()) and came % _QUANTUM:
            sink.truncate(have)
            return refusal(400, _SHORT.format(came))
    return None


def _finish(session: Session, request: Request, site: Site) -> Response:
    made = keep(session, site.state.sessions.draft(session), site)
    if isinstance(made, Response):
        return made
    site.state.sessions.finish(session, made.generation)
    return _shown(made, request)


def _became(session: Session, request: Request, site: Site) -> Response:
    """Show again what an upload that has ended became."""
    one = site.state.objects.get(session.bucket, session.name)
    if one is None or one.generation != session.generation:
        return refusal(404, "Upload session not found.")
    return _shown(one, request)


def _shown(one: StoredObject, request: Request) -> Response:
    return answer(object_shown(one, request))
