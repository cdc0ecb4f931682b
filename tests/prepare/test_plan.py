"""The plan: what its digest covers, what it costs, what it refuses, and that a dry one writes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, TemplateError
from harness.prepare.plan import Plan, custom_id, make_plan
from harness.prepare.ready import make_ready
from harness.providers import openai
from tests.build import merged, settings

KEY = "k" + "a" * 12
LIVE = {"name": "live", "simulated": False, "speed": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The task `t` with 30 rows."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "templates" / "t"
    folder.mkdir(parents=True)
    rows = [json.dumps({"id": f"s{n}", "text": f"text {n}", "label": "y"}) + "\n" for n in range(30)]
    (folder / "samples.jsonl").write_text("".join(rows))
    return folder


def plan(
    folder: Path,
    model_name: str = "gpt-4o-mini",
    *,
    key: str = KEY,
    batches: Path | None = None,
    book: Path | None = None,
    **changes: Any,
) -> Plan:
    quick = {**changes, "provider": {"tokenizer": None, **changes.get("provider", {})}}  # it starts a process
    ready = make_ready(settings(model_name, **quick), (folder.parent,), lambda schema: [])
    return make_plan(ready, openai.encoder(ready.fixed), openai.line, run_key=key, batches=batches, book=book)


@pytest.mark.parametrize(
    "changes",
    [
        {"task": {"messages": [{"role": "user", "content": "{{ text }}."}]}},
        {"task": {"dataset": {"limit": 29}}},
        {"task": {"dataset": {"offset": 1, "limit": 29}}},
        {"task": {"epochs": {"count": 2}}},
        {"generate": {"temperature": 0}},
        {"task": {"generate": {"max_tokens": 5}}},
        {"model": {"id": "gpt-4o-mini-2024-07-18"}},
        {"model": {"ids": {"openai": "other"}}},
        {"provider": {"windows": ["24h", "7d"]}, "batch": {"window": "7d"}},
        {"provider": {"base_url": "http://127.0.0.1:8000/v1"}},
        {"provider": {"api_key_env": "OTHER_API_KEY"}},
        {"provider": {"api_key_env": None}},
        {"max_cost": 5},
        {"endpoint": {"name": "local", "simulated": True}},
    ],
    ids=str,
)
def test_the_digest_covers_what_is_sent_and_where(changes: dict[str, Any], folder: Path) -> None:
    live: dict[str, Any] = {"endpoint": LIVE, "task": {"generate": {"max_tokens": 9}}}
    assert plan(folder, **merged(live, changes)).digest != plan(folder, **live).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"batch": {"poll": {"min": "1s", "max": "2s"}, "max_in_flight": 1, "min_coverage": 0.1, "clean": "none"}},
        {"batch": {"size": 7}},
        {"output": {"txt_limit": 0}},
        {"endpoint": {"speed": 5}},
        {"task": {"version": 2}},
        {"model": {"prices": {"input": 1, "output": 1}}},
        {"strict": True},
        {"key": "k" + "b" * 12},
    ],
    ids=str,
)
def test_the_digest_does_not_cover_how_patiently_it_is_sent(changes: dict[str, Any], folder: Path) -> None:
    assert plan(folder, **changes).digest == plan(folder).digest


def test_for_the_emulator_the_destination_is_just_local(folder: Path) -> None:
    other = {"base_url": "https://elsewhere.example/v1", "api_key_env": "OTHER"}
    assert plan(folder, provider=other).digest == plan(folder).digest
    found = plan(folder).destination
    assert (found["endpoint"], found["host"], found["base_url"], found["api_key_env"]) == ("local", "local", None, None)


def test_a_live_plan_names_host_and_key_variable(folder: Path) -> None:
    found = plan(folder, endpoint=LIVE)
    assert found.destination["host"] == "api.openai.com"
    assert found.destination["api_key_env"] == "OPENAI_API_KEY"
    assert not found.simulated


def test_a_dry_plan_equals_the_real_one_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    dry = plan(folder)
    assert sorted(tmp_path.rglob("*")) == before
    real = plan(folder, key="k" + "z" * 12, batches=tmp_path / "batches", book=tmp_path / "book.jsonl")
    assert real == dry


def test_what_is_written_is_what_was_planned(folder: Path, tmp_path: Path) -> None:
    found = plan(folder, batches=tmp_path / "batches", book=tmp_path / "book.jsonl")
    assert [(batch.name, batch.count, batch.first_row) for batch in found.batches] == [
        ("0001", 12, 0),
        ("0002", 12, 12),
        ("0003", 6, 24),
    ]
    for batch in found.batches:
        requests = (tmp_path / "batches" / batch.name / "requests.jsonl").read_bytes()
        samples = (tmp_path / "batches" / batch.name / "samples.jsonl").read_text().splitlines()
        assert (len(requests), requests.count(b"\n"), len(samples)) == (batch.bytes, batch.count, batch.count)
        first = json.loads(samples[0])
        assert (first["row"], first["id"], first["attempt"]) == (batch.first_row, f"s{batch.first_row}", 1)
        assert requests.startswith(b'{"custom_id":"%s"' % custom_id(KEY, batch.first_row, 1).encode())
    assert found.counts["bytes"] == sum(batch.bytes for batch in found.batches)
    assert (tmp_path / "book.jsonl").read_bytes().count(b"\n") == 31
    assert found.counts == {"samples": 30, "epochs": 1, "requests": 30, "batches": 3, "bytes": found.counts["bytes"]}


def test_epochs_multiply_requests_and_share_one_answer_in_the_book(folder: Path, tmp_path: Path) -> None:
    task = {"epochs": {"count": 3}, "dataset": {"limit": 5}}
    found = plan(folder, task=task, batches=tmp_path / "batches", book=tmp_path / "book.jsonl")
    assert (found.counts["samples"], found.counts["requests"], found.counts["batches"]) == (5, 15, 2)
    second = (tmp_path / "batches/0002/samples.jsonl").read_text().splitlines()
    assert [(s["row"], s["id"], s["epoch"]) for s in map(json.loads, second)] == [
        (12, "s4", 0),
        (13, "s4", 1),
        (14, "s4", 2),
    ]
    assert (tmp_path / "book.jsonl").read_bytes().count(b"\n") == 6


@pytest.mark.parametrize(("row", "attempt"), [(0, 1), (99_999_999_999, 1000)])
def test_an_id_fits_the_narrowest_provider(row: int, attempt: int) -> None:
    assert re.fullmatch(r"k[a-z2-7]{12}-\d+-\d+", custom_id(KEY, row, attempt))
    assert len(custom_id(KEY, row, attempt)) <= 40


def test_bytes_and_tokens_cut_batches_too(folder: Path) -> None:
    limits = settings("gpt-4o-mini").provider.limits.model_dump()
    one = plan(folder, task={"dataset": {"limit": 1}}).counts["bytes"]
    by_bytes = plan(folder, provider={"limits": {**limits, "batch_bytes": 5 * one}})
    assert {batch.name for batch in by_bytes.batches} > {"0001", "0001-2", "0002"}
    assert max(batch.bytes for batch in by_bytes.batches) <= 5 * one
    by_tokens = plan(folder, provider={"limits": {**limits, "enqueued_tokens": 30}})
    assert max(batch.tokens for batch in by_tokens.batches) <= 30


@pytest.mark.parametrize(
    ("limits", "said"),
    [({"line_bytes": 100}, "bytes, but one request may have 100"), ({"enqueued_tokens": 2}, "may be queued at a time")],
)
def test_a_request_that_is_too_large_is_refused(limits: dict[str, int], said: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=f"request 0: .*{said}"):
        plan(folder, provider={"limits": limits})


PRICES = {"input": 2.0, "output": 8.0}


def test_the_cost_is_a_range_from_the_prompts_alone_to_every_answer_at_its_cap(folder: Path) -> None:
    found = plan(folder, model={"prices": PRICES}, task={"generate": {"max_tokens": 1000}})
    input_cost = 30 * round(found.tokens["input"] / 30) * 2.0 / 1e6
    assert found.cost["low"] == pytest.approx(input_cost)
    assert found.cost["expected"] == pytest.approx(input_cost + 30 * 150 * 8.0 / 1e6)  # the family's typical answer
    assert found.cost["cap"] == pytest.approx(input_cost + 30 * 1000 * 8.0 / 1e6)


def test_an_expected_answer_is_no_longer_than_its_cap(folder: Path) -> None:
    found = plan(folder, model={"prices": PRICES}, generate={"max_tokens": 10})
    assert found.cost["expected"] == found.cost["cap"]


def test_what_is_not_known_of_the_cost_is_null(folder: Path) -> None:
    assert plan(folder).cost["cap"] is None
    unknown = plan(folder, "custom", model={"id": "my-tune"}).cost
    assert (unknown["low"], unknown["expected"], unknown["cap"]) == (None, None, None)
    assert "no price known for my-tune" in unknown["note"]


def test_a_cap_counts_every_attempt_that_may_be_paid_and_the_schema_that_is_sent(folder: Path) -> None:
    capped: dict[str, Any] = {"model": {"prices": PRICES}, "generate": {"max_tokens": 1000}}
    once = plan(folder, **capped).cost["cap"]
    retry = {"batch": {"retry": {"request_attempts": 3, "paid_outcomes": ["truncated"]}}}
    assert plan(folder, **capped, **retry).cost["cap"] == pytest.approx(3 * once)
    (folder / "schema.json").write_text('{"type": "object", "properties": {}, "additionalProperties": false}')
    assert plan(folder, task={"schema": "schema.json"}).tokens["input"] > plan(folder).tokens["input"]


def test_a_row_that_cannot_be_rendered_names_its_sample(folder: Path) -> None:
    with (folder / "samples.jsonl").open("a") as file:
        file.write('{"id":"bad","label":"y"}\n')
    with pytest.raises(TemplateError, match=r"task\.messages\[0\]\.content:1: 'text' is undefined \(sample 'bad'; "):
        plan(folder)


def test_the_plan_shows_the_first_prompt_and_what_rules_did(folder: Path) -> None:
    task = {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "{{ text }}"}]}
    found = plan(folder, "o1-mini", task=task, generate={"temperature": 0.2})
    assert found.answer["example"] == [{"role": "user", "content": "S\n\ntext 0"}]
    assert {rule["name"] for rule in found.rules} >= {"drop", "fold"}
    assert [rule["subject"] for rule in found.rules if rule["asked"]] == ["temperature"]


def test_digests_tell_what_has_changed(folder: Path) -> None:
    def changed(before: Plan, after: Plan) -> set[str]:
        return {name for name in before.digests if before.digests[name] != after.digests[name]}

    (folder / "schema.json").write_text('{"type": "object", "properties": {}, "additionalProperties": false}')
    (folder / "user.j2").write_text("{{ text }}")
    task = {"messages": [{"role": "user", "template": "user.j2"}], "schema": "schema.json"}
    first = plan(folder, task=task)
    (folder / "user.j2").write_text("{{ text }}{# a note #}")
    second = plan(folder, task=task)
    assert changed(first, second) == {"templates"}
    assert first.digest == second.digest
    (folder / "schema.json").write_text('{"type": "object", "properties": {}, "additionalProperties": true}')
    assert changed(second, plan(folder, task=task)) == {"schema", "requests"}
