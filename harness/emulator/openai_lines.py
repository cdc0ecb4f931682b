"""Lines of an OpenAI batch: the checks of its input file, what running a line gives, what an unfinished one says.

Checks and words: OpenAI batch guide and public reports of failed batches (November 2026).
"""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from .batches import Batch, Fault
from .draws import hexes
from .endpoints import Endpoint
from .execution import TOO_DEEP, Outcome, digest, execute
from .faults import strikes_line
from .files import lines_of
from .lane import Checked
from .ledger import Entry
from .profiles import PROFILES, Profile
from .state import State

MAX_ERRORS = 100
MAX_LINES = 50_000
_KEYS = ("custom_id", "method", "url", "body")
_DUPLICATE = (
    "The custom_id for this request is a duplicate of another request. "
    "The custom_id parameter must be unique for each request in a batch."
)
UNFINISHED = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request could not be executed because the batch was cancelled."),
}

Error = dict[str, Any]


def check(path: Path, endpoint: str, state: State, profile: Profile) -> Checked:
    """Check a whole input file; problems inside a body beyond model and content are found when the line runs."""
    found, seen, bad = Checked(), set[str](), 0
    spares = profile.spares and state.settings.upstream is None
    rules = _Rules(endpoint, profile, state)
    for number, line in enumerate(lines_of(path), 1):
        found.total = number
        found.tokens += len(line) // 4
        if spares or len(found.errors) < MAX_ERRORS:
            errors = _check_line(line, number, rules, found, seen)
            bad += bool(errors)
            found.errors += errors[:1] if spares else errors
    if spares and bad < found.total:
        found.spared, found.errors = found.errors, []
    if found.total > MAX_LINES:
        words = f"The batch contains {found.total} requests, which exceeds the limit of {MAX_LINES}."
        found.errors = [error("too_many_tasks", words)]
    if not found.total:
        found.errors = [error("empty_file", "The input file is empty.")]
    del found.errors[MAX_ERRORS:]
    return found


def error(code: str, message: str, param: str | None = None, line: int | None = None) -> Error:
    """Shape one validation error."""
    return {"code": code, "message": message, "param": param, "line": line}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What lines are held against."""

    endpoint: str
    profile: Profile
    state: State

    @property
    def api(self) -> Endpoint | None:
        """Find what runs the lines; None: an endpoint that only a server upstream knows."""
        return self.profile.apis.get(self.endpoint)


def _check_line(line: bytes, number: int, rules: _Rules, found: Checked, seen: set[str]) -> list[Error]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict):
        return [error("invalid_json_line", "This line is not parseable as valid JSON.", None, number)]
    errors = [
        error("missing_required_parameter", f"Missing required parameter: '{key}'.", key, number)
        for key in _KEYS
        if row.get(key) is None
    ]
    custom_id = row.get("custom_id")
    if custom_id is not None and not isinstance(custom_id, str):
        errors.append(error("invalid_type", "Invalid type for 'custom_id': expected a string.", "custom_id", number))
    elif custom_id in seen:
        errors.append(error("duplicate_custom_id", _DUPLICATE, "custom_id", number))
    elif custom_id is not None:
        seen.add(custom_id)
    if row.get("method") not in {None, "POST"}:
        errors.append(error("invalid_method", "The method of a batch request must be 'POST'.", "method", number))
    urls = rules.profile.apis if rules.profile.spares else (rules.endpoint,)
    if row.get("url") is not None and row["url"] not in urls:
        words = "The URL provided for this request does not match the batch endpoint."
        errors.append(error("invalid_url", words, "url", number))
    body = row.get("body")
    return errors + (_check_body(body, number, rules, found) if body is not None else [])


def _check_body(body: Any, number: int, rules: _Rules, found: Checked) -> list[Error]:
    if not isinstance(body, dict):
        return [error("invalid_type", "Invalid type for 'body': expected an object.", "body", number)]
    api, state = rules.api, rules.state
    if body.get("stream") is True:
        words = f"{api.TITLE if api else rules.endpoint}: Streaming is not supported in the Batch API."
        return [error("streaming_unsupported", words, "body.stream", number)]
    model = body.get("model")
    if state.settings.upstream is not None:  # which models there are, and what they take, is known there
        found.model = found.model or (model if isinstance(model, str) else None)
        return []
    assert api is not None  # others are refused without a server upstream
    if not model:
        return [error("invalid_request", "Model parameter is required.", "body.model", number)]
    if body.get(api.CONTENT) is None:
        words = f"{api.CONTENT.capitalize()} parameter is required."
        return [error("invalid_request", words, f"body.{api.CONTENT}", number)]
    facts = state.models[rules.profile.name].find(model) if isinstance(model, str) else None
    if facts is None or not facts.batch or not api.serves(facts):
        words = f"The provided model '{model}' is not supported by the Batch API."
        return [error("model_not_found", words, "body.model", number)]
    if found.model is None:
        found.model = model
    if model != found.model and not rules.profile.mixed:
        words = f"All requests of a batch must use the same model: expected '{found.model}', but got '{model}'."
        return [error("mismatched_model", words, "body.model", number)]
    return []


def _spared(batch: Batch, row: int) -> Error | None:
    """Find what the checks say of a line, in a batch that goes on without it; they say it in the order of lines."""
    place = bisect_left(batch.errors, row + 1, key=itemgetter("line"))
    return batch.errors[place] if place < len(batch.errors) and batch.errors[place]["line"] == row + 1 else None


def _spoiled(line: bytes, row: int, batch: Batch, found: Error, state: State) -> Entry:
    """Answer a line that did not pass the checks, in a batch that goes on without it."""
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        request = None
    custom_id = request.get("custom_id") if isinstance(request, dict) else None
    mark, said = hexes(64, batch.id, row), {key: found[key] for key in ("message", "param", "code")}
    body = {"error": {**said, "type": "invalid_request_error"}}
    answer = {"response": {"status_code": 400, "request_id": mark[32:], "body": body}, "error": None}
    state.answers.occurrence(TOO_DEEP)
    text = PROFILES[batch.profile].line(mark, custom_id if isinstance(custom_id, str) else None, answer)
    return Entry(False, TOO_DEEP, (0, 0, 0, 0), json.dumps(custom_id), text)


def run(line: bytes, row: int, batch: Batch, state: State, now: int) -> Entry:
    """Run one line; one that did not pass the checks is told so."""
    if (bad := _spared(batch, row)) is not None:
        return _spoiled(line, row, batch, bad, state)
    request, profile = orjson.loads(line), PROFILES[batch.profile]
    custom_id: str = request["custom_id"]
    body: dict[str, Any] = request["body"]
    mark = hexes(64, batch.id, row)
    fault = next((f for f in batch.faults if f["fault"] == "line_error" and strikes_line(f, row, custom_id)), None)
    if fault is not None:
        answer = broken(fault, mark)
        outcome = Outcome(0, {}, digest(body), (0, 0, 0, 0))
        state.answers.occurrence(outcome.digest)
    else:
        api, models = profile.apis[request["url"]], state.models[profile.name]
        outcome = execute(body, api, models, state.answers, seed=state.settings.seed, now=now, key=mark)
        response = {"status_code": outcome.status, "request_id": mark[32:], "body": outcome.body}
        answer = {"response": response, "error": None}
    text = profile.line(mark, custom_id, answer)
    return Entry(outcome.status == 200, outcome.digest, outcome.usage, json.dumps(custom_id), text)


def broken(fault: Fault, mark: str) -> dict[str, Any]:
    """Shape what a fault lets a line come to; `mark` is that of the line."""
    status = fault.get("status", 429)
    code = fault.get("code", "rate_limit_exceeded" if status == 429 else None)
    kinds = {429: "requests", 400: "invalid_request_error"}
    kind = fault.get("type", kinds.get(status, "server_error"))
    message = fault.get("message", "Rate limit reached." if status == 429 else "The server had an error.")
    if fault.get("no_response"):
        return {"response": None, "error": fault.get("error", {"code": code, "message": message})}
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    response = {"status_code": status, "request_id": mark[32:], "body": fault.get("body", "" if not status else body)}
    return {"response": response, "error": fault.get("error")}


def unfinished(line: bytes, row: int, batch: Batch, status: str) -> tuple[str, bytes] | None:
    """Say of a line that it never ran: its custom_id, and the line for the error file; None if it is no request."""
    code, message = UNFINISHED[status]
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    custom_id = request.get("custom_id") if isinstance(request, dict) else None
    if not isinstance(custom_id, str):
        return None
    answer = {"response": None, "error": {"code": code, "message": message}}
    return custom_id, PROFILES[batch.profile].line(hexes(64, batch.id, row), custom_id, answer)
