"""Message batches over kills of the process, and large ones out of its memory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
from anthropic import Anthropic

from harness.emulator import audit

from .claude import NEW, lines, order, params, results
from .conftest import Spawn, end, memory

Claudes = Callable[..., Anthropic]


def test_a_line_is_executed_once_over_many_kills(spawn: Spawn, claudes: Claudes, tmp_path: Path) -> None:
    count, options = 4000, ("--speed", "60", "--seed", "3")
    child, url = spawn(*options)
    batch = order(claudes(url), lines(count))
    seen = [0]
    for _ in range(4):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and audit(tmp_path / "state")["executed"] < min(seen[-1] + 500, count):
            time.sleep(0.01)
        end(child)
        stored = audit(tmp_path / "state")
        assert seen[-1] <= stored["executed"] <= count
        assert stored["executed_by_custom_id_max"] == 1
        seen.append(stored["executed"])
        child, url = spawn(*options)
    client, deadline = claudes(url), time.monotonic() + 20
    while (look := client.messages.batches.retrieve(batch.id)).processing_status != "ended":
        assert time.monotonic() < deadline
    assert look.request_counts.succeeded == len(results(client, look)) == count
    stored = audit(tmp_path / "state")
    assert (stored["executed"], stored["executed_by_custom_id_max"], stored["bodies"]) == (count, 1, count)
    assert len([n for n in seen if 0 < n < count]) >= 2  # it was killed in the middle more than once


def test_a_large_batch_stays_out_of_memory(spawn: Spawn, tmp_path: Path) -> None:
    child, url = spawn("--speed", "0")
    before = memory(child, "VmRSS")
    row = json.dumps(params("x" * 10_000)).encode()

    def body() -> Iterator[bytes]:
        yield b'{"requests":['
        for i in range(6_000):
            yield b'%s{"custom_id":"q-%d","params":%s}' % (b"," if i else b"", i, row)
        yield b"]}"

    headers = {"x-api-key": "k", "anthropic-version": NEW, "content-type": "application/json"}
    answer = httpx2.post(url + "/messages/batches", content=body(), headers=headers, timeout=60)
    assert answer.json()["request_counts"]["processing"] == 6_000
    (kept,) = (tmp_path / "state" / "files").iterdir()
    assert kept.stat().st_size > 60_000_000
    assert memory(child, "VmHWM") - before < 40
