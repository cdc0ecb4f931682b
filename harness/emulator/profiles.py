"""The providers that speak OpenAI's surface, each with its own accent, as data; the path tells which one is meant.

Read: console.groq.com/docs/batch and groq-python 1.7.0; docs.kluster.ai as of July 2025 (closed since); November 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from . import groq_chat, kluster_chat
from .draws import base32, base62, hexes
from .endpoints import APIS, CHAT, Endpoint
from .problems import Problem

Body = dict[str, Any]
_HOUR = 3600.0
_WINDOW = re.compile(r"([1-9][0-9]{0,3})([hd])")
_STAMP = re.compile(r".*_at")
_EVERYTHING = 9_223_372_036_854_775_807  # what kluster.ai says of the items on a page


@dataclass(frozen=True, slots=True)
class Profile:
    """One provider's accent."""

    name: str
    prefix: str  # of its paths
    apis: Mapping[str, Endpoint]  # by the path that batches and their lines name
    operations: frozenset[str] | None  # that it has; None: all
    windows: tuple[str, ...]  # on offer
    between: bool  # and all between them
    mixed: bool  # the lines of a file may name different models
    spares: bool  # a bad line fails alone, not the batch
    terse: bool  # errors have no keys that are null, and those of a batch are a bare array
    cursor: bool  # lists go on with a cursor
    expiries: bool  # files can be given an end
    max_file: int  # bytes of an input file
    file_id: Callable[..., str]
    batch_id: Callable[..., str]
    line_id: Callable[..., str]
    hidden: Mapping[str, frozenset[str]]  # keys that its own objects of a kind do not have
    bare_lines: bool  # a line without an error has no key for it
    text_stamps: bool  # times are strings, but in the answer to a creation

    def window(self, name: str) -> float | Problem:
        """Read a completion window in seconds."""
        length = _length(name)
        if name in self.windows or (self.between and _length(self.windows[0]) <= length <= _length(self.windows[-1])):
            return length
        joint = " to " if self.between else " or "
        words = f"Value must be {joint.join(repr(window) for window in self.windows)}."
        return Problem(f"Invalid value: '{name}'. {words}", "completion_window", "invalid_value")

    def show(self, thing: Body, *, fresh: bool = False) -> Body:
        """Show a batch or a file, given as OpenAI does; `fresh`: as the answer to its creation."""
        shown = {key: value for key, value in thing.items() if key not in self.hidden[thing["object"]]}
        if self.terse and shown.get("errors"):
            shown["errors"] = [tersely(error) for error in shown["errors"]["data"]]
        if self.text_stamps:
            shown |= {"metadata": shown["metadata"] or {}} if "metadata" in shown else {}
            if not fresh:
                stamps = {key: value for key, value in shown.items() if _STAMP.fullmatch(key) and value is not None}
                shown |= {key: str(value) for key, value in stamps.items()}
        return shown

    def page(self, page: Body) -> Body:
        """Show a page of a list, given as OpenAI does."""
        if self.cursor:
            following = {"next_cursor": page["last_id"]} if page["has_more"] else {}
            return {"object": "list", "data": page["data"], "paging": following}
        if self.text_stamps:
            count = {"count": len(page["data"]), "page": 1, "page_count": -1, "items_per_page": _EVERYTHING}
            return page | count
        return page

    def line(self, mark: str, custom_id: str | None, answer: Body) -> bytes:
        """Write a line of a result file; `answer` has its response and its error."""
        if self.bare_lines and answer["error"] is None:
            answer = {"response": answer["response"]}
        if self.terse and isinstance(body := (answer["response"] or {}).get("body"), dict):
            answer = answer | {"response": answer["response"] | {"body": self.said(body)}}
        return json.dumps({"id": self.line_id(mark), "custom_id": custom_id, **answer}).encode()

    def said(self, body: Body) -> Body:
        """Say an error as the provider does; any other body stays as it is."""
        if self.terse and isinstance(body.get("error"), dict):
            return body | {"error": tersely(body["error"])}
        return body

    def dress(self, response: Response) -> Response:
        """Take from an answer what only OpenAI's has."""
        if self.name == "openai":
            return response
        for name in [name for name in response.headers if name.startswith("openai-")]:
            del response.headers[name]
        if self.terse and response.status_code >= 400 and response.headers.get("content-type") == "application/json":
            response.body = json.dumps(self.said(json.loads(bytes(response.body)))).encode()
            response.headers["content-length"] = str(len(response.body))
        return response


def tersely(error: Body) -> Body:
    """Leave out what is null."""
    return {key: value for key, value in error.items() if value is not None}


def _length(window: str) -> float:
    found = _WINDOW.fullmatch(window)
    return int(found[1]) * (_HOUR if found[2] == "h" else 24 * _HOUR) if found else 0.0


OPENAI = Profile(
    name="openai",
    prefix="/v1",
    apis=APIS,
    operations=None,
    windows=("24h",),
    between=False,
    mixed=False,
    spares=False,
    terse=False,
    cursor=False,
    expiries=True,
    max_file=200_000_000,
    file_id=lambda *parts: "file-" + base62(22, *parts),
    batch_id=lambda *parts: "batch_" + hexes(32, *parts),
    line_id=lambda mark: "batch_req_" + mark[:32],
    hidden={"batch": frozenset(), "file": frozenset()},
    bare_lines=False,
    text_stamps=False,
)
_YOUNGER = {
    "batch": frozenset({"model", "usage"}),
    "file": frozenset({"status", "status_details", "expires_at"}),
}
GROQ = Profile(
    name="groq",
    prefix="/openai/v1",
    apis={CHAT: groq_chat},
    operations=None,
    windows=("24h", "7d"),
    between=True,
    mixed=True,
    spares=True,
    terse=True,
    cursor=True,
    expiries=False,
    max_file=200_000_000,
    file_id=lambda *parts: "file_01" + base32(24, *parts),
    batch_id=lambda *parts: "batch_01" + base32(24, "batch", *parts),
    line_id=lambda mark: "batch_req_01" + base32(24, mark),
    hidden=_YOUNGER,
    bare_lines=False,
    text_stamps=False,
)
KLUSTER = Profile(
    name="kluster",
    prefix="/kluster/v1",
    apis={CHAT: kluster_chat},
    operations=frozenset(
        {
            *("upload_file", "file_content", "create_batch", "list_batches", "get_batch", "cancel_batch"),
            *("list_models", "chat"),
        }
    ),
    windows=("1h", "3h", "6h", "12h", "24h", "48h", "72h"),  # the lists of 2024 and 2025 together
    between=False,
    mixed=True,
    spares=False,
    terse=False,
    cursor=False,
    expiries=False,
    max_file=100_000_000,
    file_id=lambda *parts: hexes(24, *parts),
    batch_id=lambda *parts: hexes(24, "batch", *parts),
    line_id=lambda mark: "batch-req-" + mark[:24],
    hidden=_YOUNGER,
    bare_lines=True,
    text_stamps=True,
)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in (OPENAI, GROQ, KLUSTER)}


def of_path(path: str) -> Profile | None:
    """Find whose path it is."""
    return next((profile for profile in PROFILES.values() if path.startswith(profile.prefix + "/")), None)
