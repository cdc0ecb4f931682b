"""`endpoint=upstream`: a run on a server of one's own, as a user starts it, killed with SIGKILL in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.configure.compose import composed
from harness.errors import ConfigError
from harness.report.plans import facts
from harness.run.planning import plan_all
from tests.conftest import lines
from tests.emulator.upstream_server import ModelServer, failure

HARNESS = [sys.executable, "-m", "harness"]
CONCURRENCY = 4


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A model server, and an empty folder to run in."""
    monkeypatch.chdir(tmp_path)
    one = ModelServer()
    yield one
    one.close()


def words(server: ModelServer, *more: str) -> list[str]:
    where = ["endpoint=upstream", f"endpoint.url={server.url}", f"endpoint.concurrency={CONCURRENCY}"]
    quick = ["batch.size=8", "batch.poll.min=100ms", "batch.poll.max=200ms"]
    return ["task=summary", "task.dataset.limit=24", "model=custom", "model.id=tiny:1b", *where, *quick, *more]


def run(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HARNESS, *given], capture_output=True, text=True, check=False, timeout=90)


def only_run() -> Path:
    (plan,) = Path.cwd().glob("outputs/*/*/plan.json")
    return plan.parent


def child_of(pid: int) -> int:
    """Return the emulator that a run started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_a_run_on_a_server_of_ones_own_is_no_simulation_and_costs_nobody_knows_what(server: ModelServer) -> None:
    done = run(*words(server))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "SIMULATED" not in done.stdout
    results = lines(only_run() / "results.jsonl")
    assert [result["outcome"] for result in results] == ["answered"] * 24
    assert all(result["text"].startswith("echo\t") and not result["simulated"] for result in results)
    assert sum(server.asked.values()) == 24
    assert server.peak <= CONCURRENCY
    found = harness.open(only_run())
    assert (found.metadata["simulated"], found.metadata["times"]["clock"]) == (False, "real")
    assert found.metadata["destination"]["base_url"] == server.url
    assert found.summary["cost"] == {"estimated": None, "actual": None, "range": None, "priced": 0} | {
        "range": {"low": None, "expected": None, "cap": None}
    }
    assert found.summary["usage"]["input_tokens"] == 24 * 5


@pytest.mark.parametrize("model", ["gpt-oss-20b", "gemma-3-27b-it"])
def test_a_model_of_another_provider_runs_on_a_server_of_ones_own(server: ModelServer, model: str) -> None:
    given = [word for word in words(server) if not word.startswith("model")]
    done = run(*given, f"model={model}", "batch.deadline=3d", "task.dataset.limit=6")
    assert done.returncode == 0, done.stderr + done.stdout
    assert [result["outcome"] for result in lines(only_run() / "results.jsonl")] == ["answered"] * 6
    assert {json.loads(body)["model"] for _, _, body in server.requests} == {
        {"gpt-oss-20b": "openai/gpt-oss-20b", "gemma-3-27b-it": "google/gemma-3-27b-it"}[model]
    }


def test_kill_9_in_the_middle_asks_no_finished_line_again(server: ModelServer) -> None:
    server.delay = lambda text: 0.15
    process = subprocess.Popen([*HARNESS, *words(server)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while sum(server.answered.values()) < 9:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    emulator = child_of(process.pid)
    for pid in (emulator, process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.3)  # what was with the server comes to its end there
    before = server.asked.copy()
    server.delay = lambda text: 0.0
    done = run("resume", str(only_run()))
    assert done.returncode == 0, done.stderr + done.stdout
    assert [result["outcome"] for result in lines(only_run() / "results.jsonl")] == ["answered"] * 24
    again = [text for text, count in server.asked.items() if count > 1]
    assert len(server.asked) == 24
    assert sum(before.values()) < 24
    assert len(again) <= CONCURRENCY  # only what was in flight


def test_what_the_server_refuses_is_that_line_and_what_it_fails_at_is_tried_again(server: ModelServer) -> None:
    done = run(*words(server, "task.dataset.limit=1"))
    assert done.returncode == 0, done.stderr
    [text] = server.asked
    server.plan[text] = [failure(500), failure(400)]
    other = run(*words(server, "task.dataset.limit=2", "batch.min_coverage=0.5"))
    assert other.returncode == 0, other.stderr
    newest = max(Path.cwd().glob("outputs/*/*/results.jsonl"), key=lambda path: path.stat().st_mtime)
    first, second = lines(newest)
    assert (first["outcome"], first["error"]["status"], first["error"]["class"]) == ("failed", 400, "permanent")
    assert second["outcome"] == "answered"
    assert server.asked[text] == 3


def test_the_plan_says_whose_server_it_is(server: ModelServer) -> None:
    [plan] = plan_all(composed(words(server)))
    told = dict(facts({**vars(plan), "batches": [vars_of(batch) for batch in plan.batches]}))
    assert told["destination"] == f"your own server: {server.url}, key from nowhere (none needed)"
    assert told["prices"] == "a server of your own: it has no price that is known here"
    assert plan.simulated is False


def vars_of(batch: Any) -> dict[str, Any]:
    return {"count": batch.count}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["endpoint.url=null"], "endpoint: url and concurrency are for endpoint=upstream, which needs both"),
        (["endpoint.speed=10"], "endpoint: speed is 1 with endpoint=upstream"),
        (["endpoint.concurrency=0"], "endpoint.concurrency: input should be greater than or equal to 1"),
        (
            ["provider.base_url=http://127.0.0.1:9/v1"],
            "provider.base_url: not used with endpoint=upstream; set endpoint.url",
        ),
    ],
)
def test_what_cannot_work_is_refused(server: ModelServer, more: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        composed(words(server, *more))
    assert caught.value.problems[0].startswith(said)


def test_a_key_that_is_named_must_be_there_and_goes_to_the_server_alone(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MYSERVER", raising=False)
    more = ["task.dataset.limit=2", "endpoint.api_key_env=MYSERVER", "batch.min_coverage=0"]
    refused = run(*words(server, *more))
    assert (refused.returncode, "MYSERVER: not set; endpoint=upstream needs the key of" in refused.stderr) == (
        2,
        True,
    )
    key = "plainvalue-0123456789"  # neither the name of the variable nor its value look like a key
    monkeypatch.setenv("MYSERVER", key)
    echo = f"you sent {key}".encode()
    server.default = [(200, {}, b"<p>" + echo), (400, {}, json.dumps({"error": {"message": echo.decode()}}).encode())]
    assert run(*words(server, *more)).returncode == 0
    assert server.requests[0][1]["authorization"] == f"Bearer {key}"
    written = b"".join(path.read_bytes() for path in only_run().rglob("*") if path.is_file())
    assert b"you sent ***" in written
    assert b"plainvalue" not in written
    assert json.loads((only_run() / "plan.json").read_text())["destination"]["api_key_env"] == "MYSERVER"
