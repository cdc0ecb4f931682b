"""What is on disk survives: torn lines, the clock, ledgers, occurrence numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from openai import OpenAI

from harness.emulator import journal
from harness.emulator.clock import Clock, ClockFile
from harness.emulator.ledger import Entry, Ledgers
from harness.emulator.occurrences import Occurrences

from .conftest import Start, body, content, request, requests, submit


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b""), (b'{"a":1}\n', b'{"a":1}\n'), (b'{"a":1}\n{"b', b'{"a":1}\n'), (b"torn" * 50_000, b"")],
)
def test_a_torn_last_line_is_cut_off(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(before)
    log = journal.Journal(path)
    log.append({"c": 2})
    log.close()
    assert path.read_bytes() == after + b'{"c":2}\n'


def test_time_runs_at_its_speed_and_leaps_when_told() -> None:
    real = [100.0]
    clock = Clock(1000.0, 10.0, real=lambda: real[0])
    real[0] += 2
    assert clock.now() == 1020.0
    clock.advance(5)
    clock.advance(-99)
    assert clock.now() == 1025.0


def test_the_clock_file_keeps_the_last_time(tmp_path: Path) -> None:
    file = ClockFile(tmp_path / "clock")
    assert file.read() == 0.0
    file.write(1_790_000_000.25)
    file.write(1_790_000_001.5)
    file.close()
    again = ClockFile(tmp_path / "clock")
    assert again.read() == 1_790_000_001.5
    again.close()


def test_a_ledger_shrinks_to_receipts(tmp_path: Path) -> None:
    ledgers = Ledgers(tmp_path / "ledgers", big=0)
    entries = [Entry(i % 2 == 0, f"{i:016x}", (i, 0, 1, 0), f'"q\\t{i}"', b'{"x": "a\\tb"}') for i in range(10)]
    ledgers.append("batch_a", entries[:5])
    ledgers.append("batch_a", entries[5:])
    assert list(ledgers.entries("batch_a")) == entries
    ledgers.close("batch_a")
    ledgers.close("batch_a")
    kept = [entry for _, entry in ledgers.all()]
    assert [(e.ok, e.digest, e.usage, e.custom_id) for e in kept] == [
        (e.ok, e.digest, e.usage, e.custom_id) for e in entries
    ]
    assert not ledgers.path("batch_a").exists()


def test_occurrences_are_counted_and_given_back() -> None:
    counts = Occurrences()
    digests = [f"{i * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in range(5000)]
    assert [counts.take(d) for d in digests] == [0] * 5000
    assert [counts.take(d) for d in digests] == [1] * 5000
    counts.give_back(digests[3])
    assert counts.take(digests[3]) == 1
    for _ in range(3):
        counts.give_back(digests[4])
    assert counts.take(digests[4]) == 0


def test_a_restart_goes_on_in_the_middle_of_a_batch(start: Start, connect: Callable[..., OpenAI]) -> None:
    first = start(now=4_000_000_000.0)
    batch = submit(connect(first), requests(200))
    first.advance(25)
    first.stop()
    second = start()
    client = connect(second)
    look = client.batches.retrieve(batch.id)
    assert look.status == "in_progress"
    assert look.request_counts is not None
    assert 0 < look.request_counts.completed < 200
    assert second.advance(0) == pytest.approx(4_000_000_025, abs=1)
    second.advance(100)
    done = client.batches.retrieve(batch.id)
    assert done.status == "completed"
    assert len({row["custom_id"] for row in content(client, done.output_file_id)}) == 200
    audit = second.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"]) == (200, 1)


def test_a_repeated_question_goes_on_counting_after_a_restart(start: Start, connect: Callable[..., OpenAI]) -> None:
    def ask(client: OpenAI) -> str:
        return str(client.chat.completions.create(**body("same")).choices[0].message.content)

    first = start("a")
    client = connect(first)
    whole = [ask(client) for _ in range(4)]
    second = start("b")
    client = connect(second)
    half = [ask(client) for _ in range(2)]
    second.stop()
    client = connect(start("b"))
    assert [*half, *(ask(client) for _ in range(2))] == whole


def test_two_emulators_do_not_share_a_folder(start: Start) -> None:
    start("a")
    with pytest.raises(Exception, match="another emulator uses"):
        start("a")


def test_a_row_in_two_batches_counts_twice(start: Start, connect: Callable[..., OpenAI]) -> None:
    emulator = start()
    client = connect(emulator)
    submit(client, [request("a")])
    submit(client, [request("a"), request("b")])
    emulator.advance(100)
    audit = emulator.audit()
    assert (audit["executed"], audit["executed_more_than_once"], audit["executed_by_custom_id_max"]) == (3, 1, 2)
    assert (audit["bodies"], audit["bodies_executed_more_than_once"]) == (2, 1)
