"""The part of the Cloud Storage JSON API that its clients call, as data: which path is which operation.

The operations have the names that files have elsewhere, so that one plan of faults serves all providers.
Read: cloud.google.com/storage/docs/json_api, and what google-cloud-storage 3.17.1 sends; November 2026.
"""

from __future__ import annotations

import re

from starlette.types import Scope

from . import storage_reads, storage_resumable, storage_uploads
from .site import Route

_PATH = re.compile(r"/(upload/|download/)?storage/v1/.*")
_OBJECTS = "/storage/v1/b/{bucket}/o"
_OBJECT = _OBJECTS + "/{name:path}"
ROUTES: tuple[tuple[str, str, str, Route], ...] = (
    ("POST", "/storage/v1/b", "create_bucket", storage_reads.create_bucket),
    ("GET", "/storage/v1/b/{bucket}", "get_bucket", storage_reads.get_bucket),
    ("POST", "/upload" + _OBJECTS, "upload_file", storage_uploads.upload),
    ("PUT", "/upload" + _OBJECTS, "upload_part", storage_resumable.upload_part),
    ("GET", _OBJECTS, "list_files", storage_reads.list_objects),
    ("GET", "/download" + _OBJECT, "file_content", storage_reads.download_object),
    ("GET", _OBJECT, "get_file", storage_reads.get_object),
    ("DELETE", _OBJECT, "delete_file", storage_reads.delete_object),
)


def speaks_storage(scope: Scope) -> bool:
    """Tell by the path."""
    return _PATH.fullmatch(scope["path"]) is not None
