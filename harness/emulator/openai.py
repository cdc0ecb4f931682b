"""The OpenAI surface as data: which path is which operation."""

from __future__ import annotations

from . import endpoints, openai_batches, openai_direct, openai_files
from .site import Route

ROUTES: tuple[tuple[str, str, str, Route], ...] = (
    ("POST", "/v1/files", "upload_file", openai_files.upload_file),
    ("GET", "/v1/files", "list_files", openai_files.list_files),
    ("GET", "/v1/files/{file_id}", "get_file", openai_files.get_file),
    ("GET", "/v1/files/{file_id}/content", "file_content", openai_files.file_content),
    ("DELETE", "/v1/files/{file_id}", "delete_file", openai_files.delete_file),
    ("POST", "/v1/batches", "create_batch", openai_batches.create_batch),
    ("GET", "/v1/batches", "list_batches", openai_batches.list_batches),
    ("GET", "/v1/batches/{batch_id}", "get_batch", openai_batches.get_batch),
    ("POST", "/v1/batches/{batch_id}/cancel", "cancel_batch", openai_batches.cancel_batch),
    ("GET", "/v1/models", "list_models", openai_direct.list_models),
    ("GET", "/v1/models/{model:path}", "get_model", openai_direct.get_model),
    ("POST", endpoints.CHAT, "chat", openai_direct.run),
    ("POST", endpoints.RESPONSES, "responses", openai_direct.run),
)
