"""A batch API for any OpenAI-compatible server: real servers on loopback, counted calls, kill -9 in the middle."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Batch

from harness.emulator import Running, Settings, audit, serve_in_thread
from harness.emulator.ledger import Ledgers
from harness.emulator.serve import main
from harness.emulator.upstream import Answer, Retries, next_wait, retry_after
from harness.emulator.upstream_options import UpstreamError

from .conftest import CHAT, Start, content, request, requests, submit, upload
from .upstream_server import ModelServer, failure

ROOT = Path(__file__).parents[2]
KEY = "sk-upstream-0123456789"
Pair = tuple[Running, OpenAI]
Open = Callable[..., Pair]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    one = ModelServer()
    yield one
    one.close()


@pytest.fixture
def open_emulator(start: Start, connect: Callable[..., OpenAI], server: ModelServer) -> Open:
    """Start an emulator whose lines are executed by the server of the test, quick to try again."""

    def opener(name: str = "state", **settings: Any) -> Pair:
        emulator = start(name, **{"speed": 1.0, "upstream": server.url, "upstream_backoff": 0.01, **settings})
        return emulator, connect(emulator)

    return opener


def until(client: OpenAI, batch_id: str, fits: Callable[[Batch], bool], limit: float = 15) -> Batch:
    deadline = time.monotonic() + limit
    while not fits(look := client.batches.retrieve(batch_id)):
        assert time.monotonic() < deadline, look
        time.sleep(0.01)
    return look


def ended(client: OpenAI, batch: Batch) -> Batch:
    return until(client, batch.id, lambda look: look.status in {"completed", "failed", "expired", "cancelled"})


def finished(client: OpenAI, rows: list[Any], **more: Any) -> Batch:
    return ended(client, submit(client, rows, **more))


def counts(batch: Batch) -> tuple[int, int, int]:
    assert batch.request_counts is not None
    return batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["custom_id"] for row in rows]


def test_another_emulator_can_be_the_model(
    start: Start, connect: Callable[..., OpenAI], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", KEY)
    model = start("model", speed=1.0, api_key=KEY)
    emulator = start("batches", speed=1.0, upstream=model.url, upstream_key_env="UPSTREAM_KEY")
    client = connect(emulator)
    rows = [
        *requests(20),
        request("bad", body={"model": "no-such-model", "messages": [{"role": "user", "content": "x"}]}),
    ]
    batch = finished(client, rows)
    assert (batch.status, counts(batch)) == ("completed", (21, 20, 1))
    output = content(client, batch.output_file_id)
    assert ids(output) == [f"q-{i}" for i in range(20)]
    assert output[0]["response"]["body"]["model"] == "gpt-4o-mini-2024-07-18"
    (error,) = content(client, batch.error_file_id)
    assert (error["custom_id"], error["error"], error["response"]["status_code"]) == ("bad", None, 404)
    assert error["response"]["body"]["error"]["code"] == "model_not_found"
    assert model.audit()["direct"] == 20
    assert (emulator.audit()["executed"], emulator.audit()["executed_more_than_once"]) == (20, 0)
    assert client.chat.completions.create(model="o3-mini", messages=[{"role": "user", "content": "u"}]).choices


def test_a_body_is_kept_as_the_server_wrote_it(open_emulator: Open, server: ModelServer) -> None:
    _, client = open_emulator()
    rows = [
        request("q-0", body={"model": "llama3.2:3b", "seed": 2**70, "messages": [{"role": "user", "content": "é"}]})
    ]
    batch = finished(client, rows)
    assert batch.output_file_id is not None
    raw = client.files.content(batch.output_file_id).text
    assert raw.count("\n") == 1
    assert '"temperature": 1.10,' in raw
    (row,) = content(client, batch.output_file_id)
    assert row["response"]["body"]["choices"][0]["message"]["content"] == "echo\té"
    assert (row["response"]["status_code"], row["error"]) == (200, None)
    assert batch.model == "llama3.2:3b"
    assert batch.usage is not None
    used = batch.usage
    assert (used.input_tokens, used.output_tokens, used.output_tokens_details.reasoning_tokens) == (5, 2, 1)
    ((path, _, sent),) = server.requests
    assert (path, json.loads(sent)) == (CHAT, rows[0]["body"])


def test_any_models_may_share_a_file_while_its_form_is_checked(open_emulator: Open) -> None:
    _, client = open_emulator()
    rows = requests(3)
    for row, model in zip(rows, ("a", "b:7b", "c/d"), strict=True):
        row["body"]["model"] = model
    assert finished(client, rows).status == "completed"
    broken = [*requests(2), request("q-0"), request("u", url="/v1/embeddings"), request("m", method="GET"), b"{\n"]
    broken.append(request("s", body={"model": "m", "stream": True}))
    batch = finished(client, broken)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert [(error.line, error.code) for error in batch.errors.data or []] == [
        (3, "duplicate_custom_id"),
        (4, "invalid_url"),
        (5, "invalid_method"),
        (6, "invalid_json_line"),
        (7, "streaming_unsupported"),
    ]


@pytest.mark.parametrize("endpoint", ["/v1/embeddings", "/v1/completions", "/v1/responses"])
def test_other_endpoints_are_served_too(open_emulator: Open, server: ModelServer, endpoint: Any) -> None:
    _, client = open_emulator()
    rows = [{"custom_id": "e", "method": "POST", "url": endpoint, "body": {"model": "m", "input": "text"}}]
    batch = client.batches.create(input_file_id=upload(client, rows), endpoint=endpoint, completion_window="24h")
    assert ended(client, batch).status == "completed"
    assert [path for path, _, _ in server.requests] == [endpoint]


def test_files_keep_the_order_of_the_input_whatever_finishes_first(open_emulator: Open, server: ModelServer) -> None:
    server.delay = lambda text: 0.02 if int(text[8:]) % 4 == 0 else 0.0
    for i in range(1, 40, 5):
        server.plan[f"hello q-{i}"] = [failure(400)]
    _, client = open_emulator()
    batch = finished(client, requests(40))
    assert counts(batch) == (40, 32, 8)
    assert server.order != [f"hello q-{i}" for i in range(40)]
    assert ids(content(client, batch.output_file_id)) == [f"q-{i}" for i in range(40) if i % 5 != 1]
    assert ids(content(client, batch.error_file_id)) == [f"q-{i}" for i in range(1, 40, 5)]


def test_the_bound_holds_over_all_batches_and_they_take_turns(open_emulator: Open, server: ModelServer) -> None:
    server.delay = lambda _text: 0.02
    emulator, client = open_emulator(concurrency=3)
    first = submit(client, requests(60))
    second = submit(client, [request(f"r-{i}") for i in range(10)])
    ended(client, second)
    assert client.batches.retrieve(first.id).status == "in_progress"
    assert server.peak == 3
    late = [text for text in server.order if "r-" not in text]
    assert len(late) < 40
    ended(client, first)
    assert server.peak == 3
    assert set(server.asked.values()) == {1}
    assert (emulator.audit()["executed"], emulator.audit()["executed_more_than_once"]) == (70, 0)


def test_counts_grow_while_a_batch_runs(open_emulator: Open, server: ModelServer) -> None:
    server.delay = lambda _text: 0.02
    _, client = open_emulator(concurrency=2)
    batch = submit(client, requests(30))
    seen = []
    while not seen or seen[-1].status not in {"completed"}:
        seen.append(client.batches.retrieve(batch.id))
    done = [counts(look)[1] for look in seen]
    assert done == sorted(done)
    assert len(set(done)) > 5
    assert {counts(look)[0] for look in seen if look.status == "in_progress"} == {30}
    last = seen[-1]
    stamps = [last.created_at, last.in_progress_at, last.finalizing_at, last.completed_at]
    assert stamps == sorted(stamps, key=lambda stamp: stamp or 0)
    assert abs(last.created_at - time.time()) < 10


@pytest.mark.parametrize("reply", [failure(status) for status in (408, 409, 429, 500, 503)])
def test_what_may_heal_is_tried_again(open_emulator: Open, server: ModelServer, reply: Any) -> None:
    server.plan["hello q-1"] = [reply] * 5
    _, client = open_emulator()
    batch = finished(client, requests(3))
    assert counts(batch) == (3, 3, 0)
    assert server.asked == {"hello q-0": 1, "hello q-1": 6, "hello q-2": 1}


def test_a_call_whose_answer_is_lost_is_not_made_again_from_here(open_emulator: Open, server: ModelServer) -> None:
    server.plan["hello q-0"] = [(0, {}, b"")]
    _, client = open_emulator()
    batch = finished(client, requests(2))
    assert server.asked == {"hello q-0": 1, "hello q-1": 1}
    (error,) = content(client, batch.error_file_id)
    assert (error["response"]["status_code"], error["response"]["body"]["error"]["code"]) == (
        503,
        "upstream_unreachable",
    )


def test_an_answer_that_is_no_json_does_not_carry_the_key_into_the_files(
    open_emulator: Open, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIN", "plainvalue-0123456789")
    server.plan["hello q-0"] = [(200, {}, b"<html>you sent plainvalue-0123456789</html>")]
    _, client = open_emulator(upstream_key_env="PLAIN")
    batch = finished(client, requests(1))
    (error,) = content(client, batch.error_file_id)
    assert "you sent ***" in error["response"]["body"]["error"]["message"]


def test_after_the_last_attempt_the_last_answer_stands(open_emulator: Open, server: ModelServer) -> None:
    server.plan["hello q-0"] = [failure(500), failure(429), failure(503)]
    _, client = open_emulator(upstream_attempts=3)
    batch = finished(client, requests(1))
    assert server.asked["hello q-0"] == 3
    assert (batch.status, batch.output_file_id, counts(batch)) == ("completed", None, (1, 0, 1))
    (error,) = content(client, batch.error_file_id)
    assert (error["error"], error["response"]["status_code"]) == (None, 503)
    assert error["response"]["body"] == json.loads(failure(503)[2])


def test_other_refusals_are_final_at_once(open_emulator: Open, server: ModelServer) -> None:
    for i, status in enumerate((400, 401, 403, 404, 422, 302)):
        server.plan[f"hello q-{i}"] = [failure(status, location="/v1/elsewhere")]
    emulator, client = open_emulator()
    batch = finished(client, requests(6))
    assert set(server.asked.values()) == {1}
    errors = content(client, batch.error_file_id)
    assert [error["response"]["status_code"] for error in errors] == [400, 401, 403, 404, 422, 302]
    assert (emulator.audit()["executed"], emulator.audit()["refused"]) == (0, 6)


def test_retry_after_is_obeyed(open_emulator: Open, server: ModelServer) -> None:
    server.plan["hello q-0"] = [failure(429, retry_after="0.4")]
    _, client = open_emulator()
    finished(client, requests(1))
    first, second = server.times
    assert 0.4 <= second - first < 2


def test_what_is_not_json_never_counts_as_an_answer(open_emulator: Open, server: ModelServer) -> None:
    page = b"<html>" + b"x" * 1000
    server.plan["hello q-0"] = [(200, {}, page)]
    server.plan["hello q-1"] = [(404, {}, page)]
    server.plan["hello q-2"] = [(200, {}, b'{"loss": NaN}')]
    _, client = open_emulator()
    batch = finished(client, requests(3))
    errors = [row["response"] for row in content(client, batch.error_file_id)]
    assert [error["status_code"] for error in errors] == [502, 404, 502]
    assert {error["body"]["error"]["code"] for error in errors} == {"upstream_not_json"}
    assert set(server.asked.values()) == {1}
    assert errors[0]["body"]["error"]["message"].endswith(": <html>" + "x" * 494)


def test_a_server_that_is_not_there_is_a_failure_that_may_heal(open_emulator: Open, server: ModelServer) -> None:
    server.close()
    emulator, client = open_emulator(upstream_attempts=2)
    batch = finished(client, requests(2))
    errors = content(client, batch.error_file_id)
    assert [(row["response"]["status_code"], row["error"]) for row in errors] == [(503, None)] * 2
    assert errors[0]["response"]["body"]["error"]["code"] == "upstream_unreachable"
    assert emulator.audit()["executed"] == 0
    with pytest.raises(openai.InternalServerError, match="gave no answer"):
        client.chat.completions.create(model="m", messages=[])


def test_a_server_that_comes_back_in_time_loses_nothing(open_emulator: Open, server: ModelServer) -> None:
    server.close()
    _, client = open_emulator(upstream_backoff=0.2)
    batch = submit(client, requests(10))
    time.sleep(0.3)
    again = ModelServer(server.port)
    try:
        assert counts(ended(client, batch)) == (10, 10, 0)
    finally:
        again.close()


def test_cancelling_lets_lines_in_flight_finish_and_marks_the_rest(open_emulator: Open, server: ModelServer) -> None:
    server.delay = lambda _text: 0.3
    emulator, client = open_emulator(concurrency=2)
    batch = submit(client, requests(10))
    until(client, batch.id, lambda _look: server.flying == 2)
    assert client.batches.cancel(batch.id).status == "cancelling"
    batch = ended(client, batch)
    assert (batch.status, counts(batch)) == ("cancelled", (10, 2, 0))
    assert ids(content(client, batch.output_file_id)) == ["q-0", "q-1"]
    errors = content(client, batch.error_file_id)
    assert ids(errors) == [f"q-{i}" for i in range(2, 10)]
    assert {row["error"]["code"] for row in errors} == {"batch_cancelled"}
    time.sleep(0.1)
    assert server.asked.total() == 2
    assert emulator.audit()["executed"] == 2


def test_lines_that_take_too_long_are_dropped_from_a_cancelled_batch(open_emulator: Open, server: ModelServer) -> None:
    slow = {"hello q-0", "hello q-3"}
    server.delay = lambda text: 8 if text in slow else 0
    emulator, client = open_emulator(concurrency=2)
    batch = submit(client, requests(6))
    until(client, batch.id, lambda _look: slow <= server.asked.keys())
    client.batches.cancel(batch.id)
    emulator.advance(4.9)
    assert client.batches.retrieve(batch.id).status == "cancelling"
    emulator.advance(1)
    batch = ended(client, batch)
    assert ids(content(client, batch.output_file_id)) == ["q-1", "q-2"]
    assert ids(content(client, batch.error_file_id)) == ["q-0", "q-3", "q-4", "q-5"]
    assert finished(client, [request("free")]).status == "completed"  # the places are free again


def test_a_batch_expires_with_what_is_done(open_emulator: Open, server: ModelServer) -> None:
    server.delay = lambda text: 8 if text == "hello q-0" else 0
    server.plan["hello q-4"] = [failure(400)]
    emulator, client = open_emulator()
    batch = submit(client, requests(6))
    until(client, batch.id, lambda look: counts(look)[1:] == (4, 1))
    emulator.advance(86_400)
    batch = ended(client, batch)
    assert (batch.status, counts(batch)) == ("expired", (6, 4, 1))
    assert ids(content(client, batch.output_file_id)) == ["q-1", "q-2", "q-3", "q-5"]
    errors = content(client, batch.error_file_id)
    assert [(row["custom_id"], (row["error"] or {}).get("code")) for row in errors] == [
        ("q-0", "batch_expired"),
        ("q-4", None),
    ]


def test_faults_strike_a_real_batch_too(open_emulator: Open, server: ModelServer) -> None:
    emulator, client = open_emulator()
    plan = [{"fault": "line_error", "rows": [1]}, {"fault": "missing_lines", "rows": [2]}]
    emulator.set_faults([*plan, {"fault": "rate_limited", "on": ["chat", "embeddings"]}])
    batch = finished(client, requests(4))
    assert ids(content(client, batch.output_file_id)) == ["q-0", "q-3"]
    (error,) = content(client, batch.error_file_id)
    assert error["response"]["status_code"] == 429
    assert "hello q-1" not in server.asked
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "u"}])
    emulator.set_faults([{"fault": "expire_after_lines", "lines": 2, "after": 0.5}])
    batch = finished(client, [request(f"x-{i}") for i in range(5)])
    assert (batch.status, counts(batch)) == ("expired", (5, 2, 0))
    assert {text for text in server.asked if "x-" in text} == {"hello x-0", "hello x-1"}


def test_direct_calls_are_passed_through(open_emulator: Open, server: ModelServer) -> None:
    emulator, client = open_emulator()
    said = client.chat.completions.create(
        model="any", messages=[{"role": "user", "content": "hi"}], extra_body={"x": 1}
    )
    assert said.choices[0].message.content == "echo\thi"
    assert json.loads(server.requests[0][2])["x"] == 1
    server.plan["no"] = [failure(429, retry_after="7")]
    with pytest.raises(openai.RateLimitError) as caught:
        client.embeddings.create(model="any", input="no")
    assert (caught.value.code, caught.value.response.headers["retry-after"]) == ("planned", "7")
    assert server.asked["no"] == 1
    with pytest.raises(openai.BadRequestError, match="Streaming is not passed through"):
        client.chat.completions.create(model="any", messages=[], stream=True)
    assert [model.id for model in client.models.list()] == ["tiny:1b"]
    assert client.models.retrieve("org/tiny:1b").id == "tiny:1b"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("none")
    assert emulator.audit()["direct"] == 1


def test_the_key_goes_upstream_and_nowhere_else(
    open_emulator: Open, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", KEY)
    leak = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}."}}).encode()
    server.plan["hello q-0"] = [(401, {}, leak)]
    server.plan["hello q-1"] = [(403, {}, b"no JSON: " + KEY.encode())]
    server.plan["no"] = [(401, {}, leak)]
    _, client = open_emulator(upstream_key_env="UPSTREAM_KEY")
    batch = finished(client, requests(3))
    with pytest.raises(openai.AuthenticationError) as caught:
        client.embeddings.create(model="any", input="no")
    assert KEY not in str(caught.value)
    assert {headers["authorization"] for _, headers, _ in server.requests} == {f"Bearer {KEY}"}
    errors = content(client, batch.error_file_id)
    assert errors[0]["response"]["body"]["error"]["message"] == "Incorrect API key provided: ***."
    kept = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert all(KEY.encode() not in stored for stored in kept)


def test_without_a_key_the_clients_own_stays_here(open_emulator: Open, server: ModelServer) -> None:
    _, client = open_emulator()
    client.chat.completions.create(model="any", messages=[{"role": "user", "content": "hi"}])
    assert "authorization" not in server.requests[0][1]


def test_a_body_that_is_nested_too_deeply_is_refused_alone(open_emulator: Open) -> None:
    _, client = open_emulator()
    deep = b'{"custom_id": "deep", "method": "POST", "url": "/v1/chat/completions", "body": {"x": '
    batch = finished(client, [request("q-0"), deep + b"[" * 1000 + b"]" * 1000 + b"}}\n"])
    assert batch.status in {"completed", "failed"}  # how deep is too deep is up to the parsers
    if batch.error_file_id:
        assert [row["response"]["status_code"] for row in content(client, batch.error_file_id)] == [400]


def test_a_stop_in_the_middle_goes_on_at_the_next_start(server: ModelServer, tmp_path: Path) -> None:
    server.delay = lambda _text: 0.02
    settings = Settings(upstream=server.url, concurrency=2)
    with serve_in_thread(tmp_path / "s", settings) as emulator, OpenAI(base_url=emulator.url, api_key="k") as client:
        batch = submit(client, requests(40))
        until(client, batch.id, lambda look: counts(look)[1] >= 5)
    with serve_in_thread(tmp_path / "s", settings) as emulator, OpenAI(base_url=emulator.url, api_key="k") as client:
        batch = ended(client, batch)
        assert ids(content(client, batch.output_file_id)) == [f"q-{i}" for i in range(40)]
        assert (emulator.audit()["executed"], emulator.audit()["executed_more_than_once"]) == (40, 0)
    assert sum(times > 1 for times in server.asked.values()) <= 2
    with serve_in_thread(tmp_path / "s") as simulated:  # nothing waits for the server upstream any more
        assert simulated.audit()["executed"] == 40


def test_a_folder_is_not_opened_the_other_way_while_a_batch_runs(server: ModelServer, tmp_path: Path) -> None:
    server.delay = lambda _text: 0.2
    with (
        serve_in_thread(tmp_path / "s", Settings(upstream=server.url)) as emulator,
        OpenAI(base_url=emulator.url, api_key="k") as client,
    ):
        submit(client, requests(4))
    with pytest.raises(UpstreamError, match="begun with --upstream"):
        serve_in_thread(tmp_path / "s")
    with pytest.raises(UpstreamError, match="begun with --upstream"):  # and the folder is free
        serve_in_thread(tmp_path / "s")


def spawn(state: Path, server: ModelServer, *options: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-W", "error", "-m", "harness.emulator", "--child", "--port", "0", "--state", str(state)]
    child = subprocess.Popen(
        [*command, "--upstream", server.url, "--concurrency", "4", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    return child, json.loads(child.stdout.readline())["url"]


def kill(child: subprocess.Popen[str]) -> None:
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()


def in_ledger(state: Path, batch: Batch) -> set[str]:
    """Return the texts of the lines that had finished; a line that the kill cut in two had not."""
    return {f"hello {json.loads(entry.custom_id)}" for entry in Ledgers(state / "ledgers").entries(batch.id)}


def run_to(url: str, batch: Batch, least: int) -> None:
    with OpenAI(base_url=url, api_key="k") as client:
        until(client, batch.id, lambda look: counts(look)[1] >= least)


def test_no_finished_line_runs_again_over_many_kills(server: ModelServer, tmp_path: Path) -> None:
    count, state = 200, tmp_path / "state"
    server.delay = lambda text: 0.02 if text.endswith("7") else 0.004
    child, url = spawn(state, server)
    with OpenAI(base_url=url, api_key="k") as client:
        batch = submit(client, requests(count))
    kills = 0
    while kills < 3:
        run_to(url, batch, 40 * (kills + 1))
        kill(child)
        kills += 1
        before, asked = in_ledger(state, batch), Counter(server.asked)
        assert 40 * kills <= len(before) < count
        if kills == 2:
            (ledger,) = (state / "ledgers").glob("*.ledger")
            with ledger.open("ab") as file:
                file.write(b"o199\tdeadbeef")
        child, url = spawn(state, server)
        run_to(url, batch, len(before) + 1)
        assert {text for text in before if server.asked[text] != asked[text]} == set()
    try:
        with OpenAI(base_url=url, api_key="k") as client:
            done = ended(client, batch)
            assert (done.status, counts(done)) == ("completed", (count, count, 0))
            assert ids(content(client, done.output_file_id)) == [f"q-{i}" for i in range(count)]
    finally:
        kill(child)
    again = [text for text, times in server.asked.items() if times > 1]
    assert len(again) <= 4 * kills  # only those in flight
    assert len(server.asked) == count
    stored = audit(state)
    assert (stored["executed"], stored["executed_more_than_once"], stored["batches"]) == (count, 0, {"completed": 1})


def test_alone_it_says_who_executes_the_lines_and_ends_quietly(server: ModelServer, tmp_path: Path) -> None:
    server.delay = lambda _text: 1
    command = [sys.executable, "-W", "error", "-m", "harness.emulator", "--port", "0", "--state", str(tmp_path / "s")]
    child = subprocess.Popen(
        [*command, "--upstream", server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert child.stdout is not None
        hello = child.stdout.readline()
        assert f"lines are executed by {server.url}" in hello
        with OpenAI(base_url=hello.split()[3].rstrip(","), api_key="k") as client:
            batch = submit(client, requests(20))
            until(client, batch.id, lambda _look: server.flying == 8)
            child.terminate()
            assert child.wait(5) == 0
    finally:
        child.kill()
        _, noise = child.communicate()
    assert noise == ""


UP = ["--upstream", "http://127.0.0.1:9/v1"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([*UP, "--answers", "schema"], "--upstream and --answers exclude each other"),
        ([*UP, "--books", "x"], "--books exclude"),
        ([*UP, "--rates", "right=1"], "--rates exclude"),
        ([*UP, "--speed", "2"], "--speed exclude each other: a real model works in real time"),
        ([*UP, "--seed", "1"], "--seed exclude"),
        ([*UP, "--now", "1"], "--now exclude"),
        ([*UP, "--looks", "2"], "--looks exclude"),
        ([*UP, "--extra-model", "x"], "--extra-model exclude"),
        ([*UP, "--concurrency", "0"], "--concurrency and --upstream-attempts are at least 1"),
        ([*UP, "--upstream-key-env", "NO_SUCH_VARIABLE"], "the variable NO_SUCH_VARIABLE is not set"),
        (["--concurrency", "2"], "--concurrency needs --upstream URL"),
        (["--upstream-key-env", "HOME"], "--upstream-key-env needs --upstream URL"),
        (["--upstream", "ftp://x/v1"], "an http:// or https:// URL"),
        (["--upstream", "127.0.0.1:11434"], "an http:// or https:// URL"),
        (["--upstream", "http://[x/v1"], "--upstream is no URL"),
        (["--upstream", "http://me:secret@h/v1"], "takes no user, password"),
        (["--upstream", "http://h/v1?key=secret"], "takes no user, password"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["--port", "0", "--state", str(tmp_path / "s"), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "secret" not in error
    assert error.count("\n") == 1


def test_an_emulator_is_not_its_own_upstream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--state", str(tmp_path / "s"), "--upstream", f"http://localhost:{port}/v1"]
    assert main(options) == 2
    assert "this emulator itself" in capsys.readouterr().err


def test_a_key_that_cannot_be_sent_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "top\nsecret")
    with pytest.raises(UpstreamError, match="cannot stand in a header") as caught:
        serve_in_thread(tmp_path / "s", Settings(upstream="http://127.0.0.1:9/v1", upstream_key_env="UPSTREAM_KEY"))
    assert "secret" not in str(caught.value)


def test_waits_grow_and_are_spread_and_end() -> None:
    retries = Retries(attempts=8, backoff=1.0)
    bad = Answer(503, b"{}")
    assert [next_wait(bad, n, retries, luck=0.0) for n in range(1, 9)] == [1, 2, 4, 8, 16, 30, 30, None]
    assert next_wait(bad, 1, retries, luck=1.0) == 0.75
    assert next_wait(Answer(429, b"{}", 7.5), 1, retries, luck=1.0) == 7.5
    assert next_wait(Answer(429, b"{}", 1e9), 1, retries, luck=0.0) == 600
    assert next_wait(Answer(429, b"{}", -3), 1, retries, luck=0.0) == 0
    assert [next_wait(Answer(s, b"{}"), 1, retries, luck=0.0) for s in (200, 204, 302, 400, 404, 422)] == [None] * 6


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Mon, 01 Jan 2024 00:00:30 GMT"}, 30),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
    ],
)
def test_retry_after_is_a_number_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, datetime(2024, 1, 1, tzinfo=UTC)) == seconds
