"""The nouns of the harness: frozen values that flow from the dataset to the summary.

Sample ─prepare→ Request ─run→ Response ─collect→ Result ─report→ Summary
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

# One per request, the first that fits; `pending` until it is final.
OUTCOMES = (
    "failed",
    "expired",
    "cancelled",
    "missing",
    "refused",
    "truncated",
    "invalid",
    "answered",
)
PENDING = "pending"
DELIVERED = ("answered", "invalid", "truncated", "refused")  # the provider did its work; all else is no answer

ErrorClass = Literal[
    "retryable",  # 408, 429, 5xx, status 0: another try may help
    "permanent",  # any other 4xx: the same request will fail again
    "billing",  # no money, no quota: stop the run
    "auth",  # wrong key, no permission: stop the run
    "moderation",  # the provider's policy refused the prompt
    "queue_full",  # a batch that the provider cannot queue now; nothing ran
    "expired",  # the window ended before the request ran
    "cancelled",  # the batch was cancelled before the request ran
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a prompt."""

    role: str  # system, user or assistant; capability rules may change it
    content: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the dataset."""

    id: str
    number: int  # 0-based position among the rows that are evaluated
    fields: Mapping[str, Any]
    target: Any
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A change that a capability fact made to what was configured."""

    name: str  # drop, rename, set, fold, schema_in_prompt, schema_rewritten, schema_not_strict, no_facts …
    subject: str  # the parameter, role or file concerned
    note: str  # one sentence for people
    asked: bool = False  # True: the task or the top level asked for what was dropped, so it is a warning


@dataclass(frozen=True, slots=True)
class SentSchema:
    """A JSON Schema as the provider gets it."""

    name: str
    schema: Mapping[str, Any]
    strict: bool  # all that it constrains is enforced, nothing is merely told; OpenAI is sent this word
    nullable: tuple[tuple[str, ...], ...] = ()  # paths (property names, "*" for items) that we made nullable


@dataclass(frozen=True, slots=True)
class Fixed:
    """What all requests of a run have in common, decided once by capabilities and dialects."""

    model: str  # the id on the wire
    api: Literal["chat", "responses", "messages", "generate_content"]
    parameters: Mapping[str, Any]  # names as the model's API spells them
    output: Literal["text", "json_object", "json_schema"]
    schema: SentSchema | None  # set when output is json_schema
    system_role: Literal["system", "developer", "user"]  # user: folded into the head of the first user message
    suffix: str | None  # ends the last user message, after a blank line: the schema, where it cannot be sent apart
    rules: tuple[Rule, ...]
    id_as_label: bool = False  # the request's id also stands in its labels


@dataclass(frozen=True, slots=True)
class Request:
    """One request, before a provider encodes it; its id on the wire is given when its line is written."""

    row: int  # 0-based: sample × epoch
    epoch: int  # 0-based
    sample: Sample
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `input_tokens` includes the cached ones."""

    input_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Error:
    """Why a request or a batch was not answered."""

    kind: ErrorClass
    message: str
    status: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One line of a provider's output, decoded. `error` set means that there is no answer."""

    custom_id: str
    text: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None  # the provider's own word
    truncated: bool = False
    usage: Usage | None = None
    model: str | None = None  # the model that served it
    request_id: str | None = None
    error: Error | None = None


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A prepared batch on disk."""

    name: str  # "0001", or "0001-2" where bytes or tokens cut a shard
    count: int
    bytes: int
    tokens: int  # estimated input tokens
    first_row: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """What a provider says of one batch."""

    id: str
    phase: Literal["running", "ended", "vanished", "unknown"]
    status: str  # the provider's own word
    completed: int = 0
    failed: int = 0
    total: int = 0
    late: bool = False  # ended, but results that it announces are not there yet
    files: Mapping[str, str] = field(default_factory=dict)  # output, errors → id at the provider
    error: Error | None = None  # the batch failed as a whole: nothing ran
    look_after: float | None = None  # seconds that the provider wants to be left alone, said on an answer that is fine


@dataclass(frozen=True, slots=True)
class Candidate:
    """A batch at the provider that may be ours."""

    id: str
    key: str | None  # our label, where the provider keeps labels
    created_at: float  # seconds since the epoch
    count: int
    proven: bool = True  # False: it may be somebody else's, which its results will tell when it has ended


@dataclass(frozen=True, slots=True)
class Belonging:
    """A file or a batch at the provider that carries a key of ours in its name or label."""

    kind: Literal["file", "batch"]
    id: str
    name: str  # the file's name or the batch's label, such as k…-0001.jsonl or k…-0001-1
    created_at: float | None  # seconds since the epoch
    status: str  # the provider's own word; of a file, "" where it has none


# k and 12 base32 characters, one of them a digit: no word of a language, so a stranger's file is never taken for ours.
RUN_KEY = re.compile(r"(?<![A-Za-z0-9])k(?=[a-z]*[2-7])[a-z2-7]{12}(?=-)")


def run_key_in(name: object) -> str | None:
    """Return the run key that a name, a label or a custom_id carries."""
    found = RUN_KEY.search(name) if isinstance(name, str) else None
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Files of an ended batch, written and synced."""

    output: Path | None
    errors: Path | None
    bytes: int


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One way in which an answer misses its schema."""

    path: str  # JSON pointer into the answer, such as /items/0/price; "" is the whole answer
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one request; one line of results.jsonl, in this order of keys."""

    id: str
    epoch: int
    row: int  # 0-based number of the request: sample × epoch
    custom_id: str
    outcome: str
    parsed: Any = None
    text: str | None = None
    extracted_by: str | None = None  # strict, fenced or anywhere
    target: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float | None] = field(default_factory=dict)
    schema_errors: tuple[SchemaError, ...] = ()
    error: Mapping[str, Any] | None = None  # class, status, code, message
    usage: Usage | None = None
    cost: float | None = None  # USD over all attempts
    attempts: int = 0
    later: tuple[Mapping[str, Any], ...] = ()  # answers delivered after the first one
    model: str = ""
    model_served: str | None = None
    finish_reason: str | None = None
    provider_request_id: str | None = None
    rules: tuple[str, ...] = ()
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class SentSample:
    """What collect needs to know of one request; one line of a batch's samples.jsonl."""

    row: int
    id: str
    epoch: int
    custom_id: str
    attempt: int
    target: Any
    metadata: Mapping[str, Any]
    rules: tuple[str, ...]
