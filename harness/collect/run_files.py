"""The files of a run that are made from its results: results.jsonl, errors.jsonl and the single answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.collect.files import replacing
from harness.collect.text_names import TextNames

UNANSWERED = ("failed", "expired", "cancelled", "missing")
NO_LINE = "the batch ended without a line for this request"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    results: int
    errors: int
    texts: int
    note: str | None  # why there are no single answers, where there are none


def write_run_results(
    folder: Path,
    results: Iterable[Mapping[str, Any]],
    *,
    requests: int,
    epochs: int,
    txt_limit: int,
    feed: Callable[[Mapping[str, Any]], None],
) -> Written:
    """Write the merged results into a run folder, handing each to `feed` on the way.

    `requests` is the planned number: a run with more than `txt_limit` of them gets no single answers.
    """
    with_texts = 0 < requests <= txt_limit
    answers = folder / "results"
    if with_texts:
        answers.mkdir(exist_ok=True)
    names = TextNames(with_epoch=epochs > 1)
    count = errors = texts = 0
    with replacing(folder / "results.jsonl") as lines, replacing(folder / "errors.jsonl") as failures:
        for fields in results:
            feed(fields)
            lines.write(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
            if fields["outcome"] in UNANSWERED:
                failures.write(orjson.dumps(error_fields(fields), option=orjson.OPT_APPEND_NEWLINE))
                errors += 1
            if with_texts:
                name = names.name(fields["id"], fields["epoch"])
                if fields["text"] is not None:
                    (answers / name).write_bytes(fields["text"].encode())
                    texts += 1
    return Written(count, errors, texts, None if with_texts else _note(requests, txt_limit))


def error_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line of errors.jsonl for a result that is no answer."""
    error = fields["error"] or {"class": None, "message": NO_LINE, "status": None, "code": None}
    return {
        **{key: fields[key] for key in ("id", "epoch", "row", "custom_id", "outcome")},
        **{key: error[key] for key in ("class", "message", "status", "code")},
        "attempts": fields["attempts"],
    }


def _note(requests: int, txt_limit: int) -> str:
    """Say why there are no single answers."""
    if txt_limit == 0:
        return "no single answers in results/: output.txt_limit is 0"
    return f"no single answers in results/: {requests:,} requests are more than output.txt_limit ({txt_limit:,})"
