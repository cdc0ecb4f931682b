"""Answer books: right and wrong answers, at the rates of the model, the same every time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openai import OpenAI

from harness.emulator import answers, books, completion, execution, models

from .conftest import Start, body, content, request, submit

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"enum": ["yes", "no"]},
        "why": {"type": "string"},
        "more": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
    },
    "required": ["label", "why", "more"],
    "additionalProperties": False,
}
Speaker = Callable[..., list[dict[str, Any]]]
STRICT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write(folder: Path, name: str, schema: Any, rows: list[tuple[str, Any, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    lines = [{"schema": schema}, *({"digest": digest(q), "right": r, "wrong": w} for q, r, w in rows)]
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def speaker(tmp_path: Path) -> Iterator[Speaker]:
    """Ask bodies of models with the given rates, over the books in the test's folder; returns the choices."""
    with ExitStack() as stack:

        def speak(*bodies: dict[str, Any], **rates: float) -> list[dict[str, Any]]:
            source = answers.Answers(0, books.Books(tmp_path))
            stack.callback(source.close)
            source.recall([])
            table = models.load(rates=rates or None)
            run = partial(execution.execute, api=completion, models=table, answers=source, seed=0, now=0, key="0" * 32)
            outcomes = [run(one) for one in bodies]
            return [outcome.body["choices"][0] for outcome in outcomes]

        yield speak


def test_a_right_answer_completes_the_schema(tmp_path: Path, speaker: Speaker) -> None:
    write(tmp_path, "a.jsonl", SCHEMA, [("q", {"label": "yes", "more": {"a": 7}}, {"label": "no"})])
    (choice,) = speaker(body("q", response_format=STRICT), right=1.0)
    value = json.loads(choice["message"]["content"])
    jsonschema_rs.validate(SCHEMA, value)
    assert (value["label"], value["more"]["a"]) == ("yes", 7)
    (choice,) = speaker(body("q", response_format=STRICT), wrong=1.0)
    assert json.loads(choice["message"]["content"])["label"] == "no"


def test_each_outcome_looks_like_life(tmp_path: Path, speaker: Speaker) -> None:
    write(tmp_path, "a.jsonl", SCHEMA, [("q", {"label": "yes"}, {"label": "no"})])
    bodies = [body("q", seed=i) for i in range(60)]
    refused = speaker(*bodies, refused=1.0)
    assert all(c["message"]["content"] is None and c["message"]["refusal"] for c in refused)
    truncated = speaker(*bodies, truncated=1.0)
    assert {c["finish_reason"] for c in truncated} == {"length"}
    invalid = [c["message"]["content"] for c in speaker(*bodies, invalid=1.0)]
    assert not any(valid(text) for text in invalid)
    assert any(text.startswith("{") for text in invalid)
    assert any(not text.startswith("{") for text in invalid)


def valid(text: str) -> bool:
    try:
        return bool(jsonschema_rs.is_valid(SCHEMA, json.loads(text)))
    except ValueError:
        return False


def test_a_strict_decoder_never_writes_what_the_schema_forbids(tmp_path: Path, speaker: Speaker) -> None:
    write(tmp_path, "a.jsonl", SCHEMA, [("q", {"label": "yes"}, {"label": "no"})])
    more = SCHEMA["properties"]["more"] | {"additionalProperties": False, "required": ["a", "b"]}  # type: ignore[index]
    closed = SCHEMA | {"properties": SCHEMA["properties"] | {"more": more}}  # type: ignore[operator]
    strict = {"type": "json_schema", "json_schema": {"name": "x", "schema": closed, "strict": True}}
    choices = speaker(*(body("q", response_format=strict, seed=i) for i in range(20)), invalid=1.0)
    assert all(json.loads(choice["message"]["content"])["label"] == "no" for choice in choices)


def test_without_a_response_format_json_comes_fenced_half_of_the_time(tmp_path: Path, speaker: Speaker) -> None:
    write(tmp_path, "a.jsonl", SCHEMA, [("q", {"label": "yes"}, None)])
    texts = [c["message"]["content"] for c in speaker(*(body("q", seed=i) for i in range(200)), right=1.0)]
    fenced = [text for text in texts if "```json\n" in text]
    assert 60 < len(fenced) < 140
    assert all(json.loads(text)["label"] == "yes" for text in texts if text not in fenced)


def test_a_string_is_said_verbatim(tmp_path: Path, speaker: Speaker) -> None:
    write(tmp_path, "a.jsonl", None, [("q", "Paris", "Rome")])
    (choice,) = speaker(body("q"), right=1.0)
    assert choice["message"]["content"] == "Paris"


def test_rates_are_those_of_the_model_and_draws_are_the_same_every_time(tmp_path: Path, speaker: Speaker) -> None:
    write(tmp_path, "a.jsonl", None, [(f"q{i}", "right", "wrong") for i in range(3000)])
    bodies = [body(f"q{i}", model="gpt-3.5-turbo") for i in range(3000)]
    texts = [c["message"]["content"] or "" for c in speaker(*bodies)]
    assert texts == [c["message"]["content"] or "" for c in speaker(*bodies)]
    counts = Counter(texts)
    assert 0.62 < counts["right"] / 3000 < 0.70
    assert 0.20 < counts["wrong"] / 3000 < 0.28
    better = speaker(*(body(f"q{i}", model="gpt-6-astra") for i in range(3000)))
    assert sum(c["message"]["content"] == "right" for c in better) / 3000 > 0.9


def test_what_is_in_no_book_is_made_from_the_schema(tmp_path: Path, speaker: Speaker) -> None:
    (choice,) = speaker(body("unknown", response_format=STRICT))
    jsonschema_rs.validate(SCHEMA, json.loads(choice["message"]["content"]))


def test_books_may_come_and_grow_while_it_runs(tmp_path: Path) -> None:
    now = [0.0]
    shelf = books.Books(tmp_path, real=lambda: now[0])
    assert shelf.find(digest("q")) is None
    write(tmp_path, "a.jsonl", None, [("q", 1, 2)])
    now[0] += 1
    page = shelf.find(digest("q"))
    assert page is not None
    assert (page.right, page.wrong) == (1, 2)
    write(tmp_path, "b.jsonl", None, [("z", 3, 4)])
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"digest": "unfinished')
    now[0] += 1
    assert shelf.find(digest("z")) is not None
    assert shelf.find(digest("q")) is not None
    shelf.close()


def test_a_broken_line_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.jsonl", None, [("q", 1, 2)])
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write("{broken\n")
    shelf = books.Books(tmp_path)
    assert shelf.find(digest("q")) is not None
    shelf.close()
    assert "a line that is not JSON is left out" in capsys.readouterr().err


def test_a_batch_reads_books_that_were_written_after_the_start(
    tmp_path: Path, start: Start, connect: Callable[..., OpenAI]
) -> None:
    emulator = start(answers="key", books=tmp_path / "books", rates={"right": 1.0})
    write(tmp_path / "books", "a.jsonl", SCHEMA, [(f"q{i}", {"label": "yes"}, {"label": "no"}) for i in range(50)])
    client = connect(emulator)
    rows = [request(f"r-{i}", body=body(f"q{i}", response_format=STRICT)) for i in range(50)]
    batch = submit(client, rows)
    emulator.advance(100)
    output = content(client, client.batches.retrieve(batch.id).output_file_id)
    labels = {json.loads(row["response"]["body"]["choices"][0]["message"]["content"])["label"] for row in output}
    assert (len(output), labels) == (50, {"yes"})
