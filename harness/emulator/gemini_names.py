"""Names of the Gemini Developer API: versions in paths, batches, files, keys."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, QueryParams

from .draws import base32

VERSIONS = ("v1", "v1beta", "v1alpha")
NAME = "gemini"  # of the surface, and of the profile of its files
LONGEST = 40  # characters of the name of a file that a client may choose or delete
_CHOSEN = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")
_PREFIX = "gemini."  # a dot is in no name that a client may choose: the store is shared with other surfaces


def version_of(path: str) -> str:
    """Read the version of the API out of a path."""
    return next((part for part in path.split("/") if part in VERSIONS), VERSIONS[0])


def key_of(headers: Headers, query: QueryParams) -> str:
    """Read the key, from where Google takes it: its own header, the query, or a bearer token."""
    bearer = headers.get("authorization", "").partition(" ")[2].strip()
    return headers.get("x-goog-api-key") or query.get("key") or bearer


def batch_id(seed: int, number: int, mark: str) -> str:
    """Make the id of a batch; the name of its output file is then too long to be deleted."""
    return base32(18, seed, number, mark) + base32(18, "more", seed, number, mark)


def stored(name: str) -> str:
    """Turn the name of a file into its id in the store."""
    return _PREFIX + name.removeprefix("files/")


def shown(file_id: str) -> str:
    """Turn the id of a file in the store into its name."""
    return "files/" + file_id.removeprefix(_PREFIX)


def chosen(name: str) -> bool:
    """Say whether a client may choose this name for a file."""
    return name.startswith("files/") and _CHOSEN.match(name.removeprefix("files/")) is not None
