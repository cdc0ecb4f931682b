"""The OpenAI surface as data: which path, below the prefix of a provider, is which operation."""

from __future__ import annotations

from . import openai_batches, openai_direct, openai_files
from .site import Route

ROUTES: tuple[tuple[str, str, str, Route], ...] = (
    ("POST", "/files", "upload_file", openai_files.upload_file),
    ("GET", "/files", "list_files", openai_files.list_files),
    ("GET", "/files/{file_id}", "get_file", openai_files.get_file),
    ("GET", "/files/{file_id}/content", "file_content", openai_files.file_content),
    ("DELETE", "/files/{file_id}", "delete_file", openai_files.delete_file),
    ("POST", "/batches", "create_batch", openai_batches.create_batch),
    ("GET", "/batches", "list_batches", openai_batches.list_batches),
    ("GET", "/batches/{batch_id}", "get_batch", openai_batches.get_batch),
    ("POST", "/batches/{batch_id}/cancel", "cancel_batch", openai_batches.cancel_batch),
    ("GET", "/models", "list_models", openai_direct.list_models),
    ("GET", "/models/{model:path}", "get_model", openai_direct.get_model),
    ("POST", "/chat/completions", "chat", openai_direct.run),
    ("POST", "/responses", "responses", openai_direct.run),
)
