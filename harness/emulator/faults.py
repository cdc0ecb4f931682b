"""Faults as data: a plan of named faults, each with when it strikes and how.

A fault of a call strikes when an operation is called; a fault of a batch is tied to a batch when that is created and
stays with it. Common keys: `skip` (occasions let through first), `times` (how often it strikes; null: always),
`batch` (number or numbers of batches in order of creation, from 1), `metadata` ({key: glob}; Google's displayName
counts as metadata of that name). Faults of a call also take `on` (operation, or a list). Faults of lines also take
`rows` (from 0), `custom_id` (glob; whatever the line calls it), `share` (0 to 1); without any of these they strike the
first line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import orjson

from .draws import number

Fault = dict[str, Any]
COMMON = {"fault", "skip", "times", "batch", "metadata"}
LINES = {"rows", "custom_id", "share"}
OPERATIONS = (
    *("upload_file", "list_files", "get_file", "file_content", "delete_file"),
    *("create_batch", "get_batch", "list_batches", "cancel_batch", "list_models", "get_model", "chat", "responses"),
    *("embeddings", "completions"),  # with a model server upstream
    *("messages", "count_tokens", "batch_results", "delete_batch"),  # of Anthropic; the others above are shared by name
    *("create_bucket", "get_bucket", "upload_part"),  # of Cloud Storage, whose objects are files by name
    "generate_content",  # of Google
)
OPENAI, ANTHROPIC = ("openai",), ("anthropic",)
GEMINI, VERTEX = ("gemini",), ("vertex",)  # vertex: with Cloud Storage


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of fault."""

    strikes: str  # "call", "batch" or "lines"
    text: str
    keys: str = ""  # parameters of its own, apart by blanks
    on: str = ""  # default operations of a fault of a call, apart by blanks
    times: int | None = 1
    surfaces: tuple[str, ...] = (*OPENAI, *ANTHROPIC, *GEMINI, *VERTEX)  # where it can strike


KINDS: dict[str, Kind] = {
    "create_answer_lost": Kind("call", "the batch is created, the connection drops unanswered", "", "create_batch"),
    "create_500_then_ok": Kind("call", "500, and no batch is created", "", "create_batch"),
    "create_500_but_accepted": Kind("call", "500, but the batch is created", "", "create_batch"),
    "cannot_find_file": Kind("call", "400: the fresh input file is not visible yet", "", "create_batch", 1, OPENAI),
    "rate_limited": Kind("call", "429; `retry_after` seconds, null: no header (default 1)", "retry_after message"),
    "server_error": Kind("call", "`status` (default 500); `html: true`: a gateway's page", "status html"),
    "insufficient_quota": Kind(
        "call", "the purse is empty for good; `on: lines`: as a line_error", "", "create_batch", None
    ),
    "drop_connection": Kind("call", "no answer; `when` the effect was: before (default), after", "when"),
    "slow": Kind("call", "the answer takes `seconds` of real time (default 0.2)", "seconds", "", None),
    "truncated_download": Kind(
        "call",
        "half of it, or `bytes`; `silent: true`: the length says so too",
        "bytes silent",
        "file_content batch_results",
    ),
    "echo_key": Kind("call", "an error that holds the key; `status` (default 401)", "status", "create_batch"),
    "cannot_find_file_async": Kind("batch", "fails: the input file cannot be found", surfaces=OPENAI),
    "token_limit_exceeded": Kind("batch", "fails: too many tokens are enqueued", surfaces=OPENAI),
    "batch_failed": Kind(
        "batch",
        "fails with `code` `message`, of OpenAI `param` `line`; of Vertex 3 (default), 9, 13 at once, 7 after its rows",
        "code message param line",
        surfaces=(*OPENAI, *GEMINI, *VERTEX),
    ),
    "expire_after_lines": Kind(
        "batch", "expires `after` seconds (default 60) with `lines` done (default 1)", "lines after"
    ),
    "stuck": Kind("batch", "never leaves `status` (default in_progress)", "status"),
    "unknown_status": Kind("batch", "`looks` (default 2, null: all) see `status` (default paused)", "looks status"),
    "vanished": Kind(
        "batch",
        "404 after `after` looks (default 1) for `looks` (null: for good); `listed: true`: still in the list",
        "after looks listed",
    ),
    "files_late": Kind(
        "batch", "`looks` (default 2) at the ended batch see no file ids, no results_url or no output", "looks"
    ),
    "empty_string_ids": Kind("batch", 'file ids that are not there are "" and not null', surfaces=OPENAI),
    "lying_counters": Kind("batch", "request_counts are `counts` (default all 0)", "counts"),
    "progressive_counts": Kind("batch", "request_counts move while it runs, not only at the end", surfaces=ANTHROPIC),
    "partially_succeeded": Kind("batch", "ends as JOB_STATE_PARTIALLY_SUCCEEDED", surfaces=VERTEX),
    "shards_only": Kind(
        "batch",
        "no predictions.jsonl, only `shards` (default 2), the last `overlap` rows (default 0) of each also in the next",
        "shards overlap",
        surfaces=VERTEX,
    ),
    "line_error": Kind(
        "lines",
        "`status` (default 429) `code` `message` `type`; `body` `error`: verbatim; `no_response: true`: never ran",
        "status code message type body error no_response",
        times=None,
    ),
    "unfinished_lines": Kind(
        "lines",
        "never ran though the batch ended; `result`: expired (default), canceled",
        "result",
        "",
        None,
        ANTHROPIC,
    ),
    "missing_total": Kind("lines", "usageMetadata has no totalTokenCount", "", "", None, VERTEX),
    "missing_lines": Kind("lines", "ran, but is not delivered", times=None),
    "duplicate_lines": Kind("lines", "stands twice; `differ: true`: and disagrees", "differ", times=None),
    "stranger_lines": Kind("lines", "beside it a line of an `id` nobody sent (stranger-<row>)", "id", times=None),
    "cut_line": Kind("lines", "half a line; inline in Gemini's: a response that says nothing", times=None),
    "not_json_line": Kind("lines", "text that is not JSON in its place; inline in Gemini's: as cut_line", times=None),
}


class PlanError(Exception):
    """The plan cannot be read; one line that says why."""


def check(plan: Any) -> list[Fault]:
    """Check a plan and fill in what it leaves to defaults."""
    if not isinstance(plan, list):
        raise PlanError("a plan of faults is a list")
    return [_checked(i, fault) for i, fault in enumerate(plan)]


def _checked(i: int, fault: Any) -> Fault:
    fault = {"fault": fault} if isinstance(fault, str) else fault
    if not isinstance(fault, dict) or fault.get("fault") not in KINDS:
        raise PlanError(f"fault {i}: unknown fault {fault!r:.80}; known are {', '.join(KINDS)}")
    if fault["fault"] == "insufficient_quota" and fault.get("on") == "lines":
        rest = {key: value for key, value in fault.items() if key not in {"on", "fault"}}
        words = "You exceeded your current quota, please check your plan and billing details."
        code = {"code": "insufficient_quota", "type": "insufficient_quota", "message": words}
        return _checked(i, {"fault": "line_error", "status": 429} | code | rest)
    kind = KINDS[fault["fault"]]
    allowed = COMMON | set(kind.keys.split()) | ({"on"} if kind.strikes == "call" else set())
    allowed |= LINES if kind.strikes == "lines" else set()
    if unknown := sorted(fault.keys() - allowed):
        known = ", ".join(sorted(allowed))
        raise PlanError(f"fault {i} ({fault['fault']}): unknown key {unknown[0]!r}; known are {known}")
    if kind.strikes == "call":
        on = fault.get("on", kind.on.split())
        names = [on] if isinstance(on, str) else on
        if not names or not set(names) <= set(OPERATIONS):
            raise PlanError(f"fault {i} ({fault['fault']}): `on` is one or more of {', '.join(OPERATIONS)}")
        fault = fault | {"on": list(names)}
    times = None if kind.strikes == "batch" and "batch" in fault else kind.times  # the numbers say how often
    return {"times": times, "skip": 0, **fault}


class Faults:
    """The plan and how often each fault has had its chance; both survive a restart."""

    def __init__(self, path: Path, plan: Sequence[Any] | None) -> None:
        """Open the plan; a `plan` that equals the stored one goes on counting where it was."""
        self._path = path
        stored = orjson.loads(path.read_bytes()) if path.exists() else {"plan": [], "seen": []}
        self.plan: list[Fault] = stored["plan"]
        self._seen: list[int] = stored["seen"]
        if plan is not None and (fresh := check(list(plan))) != self.plan:
            self._start(fresh)

    def replace(self, plan: Any) -> None:
        """Set another plan."""
        self._start(check(plan))

    def _start(self, plan: list[Fault]) -> None:
        self.plan, self._seen = plan, [0] * len(plan)
        self._save()

    def _save(self) -> None:
        draft = self._path.with_suffix(".part")
        draft.write_bytes(orjson.dumps({"plan": self.plan, "seen": self._seen}))
        os.replace(draft, self._path)

    def of_call(
        self, surface: str, operation: str, batch: int | None = None, metadata: dict[str, str] | None = None
    ) -> list[Fault]:
        """Take the faults that strike this call."""
        return self._take(surface, lambda fault: operation in fault.get("on", ()), batch, metadata)

    def of_batch(self, surface: str, batch: int, metadata: dict[str, str] | None) -> list[Fault]:
        """Take the faults that this new batch has to live with."""
        return self._take(surface, lambda fault: KINDS[fault["fault"]].strikes != "call", batch, metadata)

    def _take(
        self, surface: str, fits: Callable[[Fault], bool], batch: int | None, metadata: dict[str, str] | None
    ) -> list[Fault]:
        struck, seen = [], False
        for i, fault in enumerate(self.plan):
            if surface not in KINDS[fault["fault"]].surfaces or not fits(fault):
                continue
            if not _about(fault, batch, metadata or {}):
                continue
            turn, seen = self._seen[i], True
            self._seen[i] += 1
            if turn >= fault["skip"] and (fault["times"] is None or turn < fault["skip"] + fault["times"]):
                struck.append(fault)
        if seen:
            self._save()
        return struck


def _about(fault: Fault, batch: int | None, metadata: dict[str, str]) -> bool:
    numbers = fault.get("batch")
    if numbers is not None and batch not in (numbers if isinstance(numbers, list) else [numbers]):
        return False
    return all(fnmatchcase(metadata.get(key, ""), glob) for key, glob in fault.get("metadata", {}).items())


def strikes_line(fault: Fault, row: int, custom_id: str) -> bool:
    """Say whether a fault of lines strikes this one; depends on nothing else, so a restart changes nothing."""
    if not LINES & fault.keys():
        return row == 0
    if "rows" in fault and row not in fault["rows"]:
        return False
    if "custom_id" in fault and not fnmatchcase(custom_id, fault["custom_id"]):
        return False
    return "share" not in fault or number("share", fault["fault"], custom_id) < fault["share"] * 2**64
