"""The surface of the Gemini Developer API as data: which path is which operation, in every version."""

from __future__ import annotations

from . import gemini_batches, gemini_direct, gemini_files, gemini_uploads
from .gemini_names import VERSIONS
from .site import Route

_FILE, _BATCH, _MODEL = "files/{file_id}", "batches/{batch_id}", "models/{model:path}"
_ROUTES: tuple[tuple[str, str, str, Route], ...] = (
    ("POST", "/upload/{0}/files", "upload_file", gemini_uploads.start),
    ("GET", "/download/{0}/" + _FILE + ":download", "file_content", gemini_files.file_content),
    ("GET", "/{0}/" + _FILE + ":download", "file_content", gemini_files.file_content),
    ("POST", "/{0}/" + _BATCH + ":cancel", "cancel_batch", gemini_batches.cancel_batch),
    ("POST", "/{0}/" + _MODEL + ":batchGenerateContent", "create_batch", gemini_batches.create_batch),
    ("POST", "/{0}/" + _MODEL + ":generateContent", "generate_content", gemini_direct.generate_content),
    ("POST", "/{0}/" + _MODEL + ":countTokens", "count_tokens", gemini_direct.count_tokens),
    ("GET", "/{0}/files", "list_files", gemini_files.list_files),
    ("GET", "/{0}/" + _FILE, "get_file", gemini_files.get_file),
    ("DELETE", "/{0}/" + _FILE, "delete_file", gemini_files.delete_file),
    ("GET", "/{0}/batches", "list_batches", gemini_batches.list_batches),
    ("GET", "/{0}/" + _BATCH, "get_batch", gemini_batches.get_batch),
    ("DELETE", "/{0}/" + _BATCH, "delete_batch", gemini_batches.delete_batch),
    ("GET", "/{0}/models", "list_models", gemini_direct.list_models),
    ("GET", "/{0}/" + _MODEL, "get_model", gemini_direct.get_model),
)
ROUTES = tuple(
    (method, path.replace("{0}", version), name, route) for version in VERSIONS for method, path, name, route in _ROUTES
)
