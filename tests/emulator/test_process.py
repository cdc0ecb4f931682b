"""The emulator as a process: its command line, its memory, and kill -9 in the middle of a batch."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from harness.emulator import audit
from harness.emulator.faults import KINDS
from harness.emulator.serve import main

from .conftest import CHAT, ROOT, Spawn, content, end, jsonl, memory, requests, submit


def connected(url: str) -> OpenAI:
    return OpenAI(base_url=url, api_key="k", max_retries=0)


def test_a_child_ends_when_its_standard_input_closes(spawn: Spawn) -> None:
    child, url = spawn()
    with connected(url) as client:
        assert client.models.list().data
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(5) == 0
    assert child.stdout is not None
    assert child.stderr is not None
    assert (child.stdout.read(), child.stderr.read()) == ("", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly(spawn: Spawn, number: int) -> None:
    child, url = spawn()
    with connected(url) as client:
        client.models.list()
        child.send_signal(number)
        assert child.wait(5) == 0
    assert child.stderr is not None
    assert child.stderr.read() == ""


def test_a_line_is_executed_once_over_many_kills(spawn: Spawn, tmp_path: Path) -> None:
    count, options = 6000, ("--speed", "60", "--seed", "3")
    child, url = spawn(*options)
    with connected(url) as client:
        batch = submit(client, requests(count))
    seen = [0]
    for _ in range(6):
        deadline = time.monotonic() + 10
        with connected(url) as client:
            while time.monotonic() < deadline:
                look = client.batches.retrieve(batch.id)
                assert look.request_counts is not None
                if look.status == "completed" or look.request_counts.completed > seen[-1] + 500:
                    break
        assert look.request_counts is not None
        assert look.request_counts.completed >= seen[-1]
        seen.append(look.request_counts.completed)
        end(child)
        stored = audit(tmp_path / "state")
        assert seen[-1] <= stored["executed"] <= count
        assert stored["executed_by_custom_id_max"] == 1
        child, url = spawn(*options)
    with connected(url) as client:
        deadline = time.monotonic() + 20
        while (look := client.batches.retrieve(batch.id)).status != "completed":
            assert time.monotonic() < deadline
        output = content(client, look.output_file_id)
    assert len(output) == len({row["custom_id"] for row in output}) == count
    stored = audit(tmp_path / "state")
    assert (stored["executed"], stored["executed_by_custom_id_max"], stored["bodies"]) == (count, 1, count)
    assert stored["batches"] == {"completed": 1}
    assert len([n for n in seen if 0 < n < count]) >= 2  # it was killed in the middle more than once


def test_a_torn_ledger_line_was_not_executed(spawn: Spawn, tmp_path: Path) -> None:
    child, url = spawn("--speed", "0", "--now", "4000000000")
    with connected(url) as client:
        batch = submit(client, requests(50))
        client.post("/../_emulator/advance", body={"seconds": 30}, cast_to=object)
    end(child)
    (ledger,) = (tmp_path / "state" / "ledgers").glob("*.ledger")
    ledger.write_bytes(ledger.read_bytes()[:-20])
    for log in ("batches.jsonl", "files.jsonl"):
        with (tmp_path / "state" / log).open("ab") as file:
            file.write(b'{"torn": ')
    child, url = spawn("--speed", "0")
    with connected(url) as client:
        client.post("/../_emulator/advance", body={"seconds": 100}, cast_to=object)
        output = content(client, client.batches.retrieve(batch.id).output_file_id)
    assert len({row["custom_id"] for row in output}) == len(output) == 50


def test_a_big_upload_and_its_download_stay_out_of_memory(spawn: Spawn, tmp_path: Path) -> None:
    big = tmp_path / "big.jsonl"
    line = jsonl([{"custom_id": "x", "pad": "y" * 10_000}])
    with big.open("wb") as file:
        file.writelines(line for _ in range(6_000))
    child, url = spawn()
    before = memory(child, "VmRSS")
    with connected(url) as client:
        with big.open("rb") as stream:
            file_id = client.files.create(file=stream, purpose="batch").id
        with client.files.with_streaming_response.content(file_id) as response:
            size = sum(map(len, response.iter_bytes()))
    assert size == big.stat().st_size > 60_000_000
    assert memory(child, "VmHWM") - before < 30


def test_time_does_not_leap_while_nothing_runs(spawn: Spawn) -> None:
    child, url = spawn("--speed", "0", "--now", "4000000000")
    with connected(url) as client:
        client.post("/../_emulator/advance", body={"seconds": 1000}, cast_to=object)
    end(child)
    _, url = spawn("--speed", "0")
    with connected(url) as client:
        batch = submit(client, requests(1))
    assert batch.created_at == 4_000_001_000


def test_the_start_is_quick(spawn: Spawn) -> None:
    began = time.monotonic()
    spawn()
    assert time.monotonic() - began < 2  # 0.2 s on an idle machine


def run(*options: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "harness.emulator", *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=20, check=False, **more)


def test_a_taken_port_is_one_line_and_exit_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--state", str(tmp_path / "s"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"emulator: port {port}: Address already in use\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--state", "{file}"], "--state"),
        (["--answers", "key"], "needs --books"),
        (["--faults", "{file}"], "a plan of faults is a list"),
        (["--faults", "{folder}/none.yaml"], "No such file"),
        (["--faults", "{folder}/bad.yaml"], "--faults"),
        (["--rates", "nice=1"], "unknown outcome 'nice'"),
        (["--rates", "right"], "expected e.g."),
        (["--port", "99999"], "0 to 65535"),
        (["--speed", "-1"], "at least 0"),
        (["--audit"], "needs the folder"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    file = tmp_path / "file"
    file.write_text("a: 1\n")
    (tmp_path / "bad.yaml").write_text("a: [\n")
    filled = [option.format(file=file, folder=tmp_path) for option in options]
    assert main(["--port", "0", *filled]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_faults_are_listed_and_audits_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-faults"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in KINDS)
    assert main(["--audit", "--state", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["executed"] == 0


def test_help_shows_an_example_and_imports_no_server() -> None:
    code = (
        "import sys\nfrom harness.emulator.serve import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "sys.exit('uvicorn' in sys.modules or 'openai' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0
    assert "python -m harness emulator --port 8000 --state" in done.stdout


def test_alone_it_says_how_to_reach_it(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("- fault: create_500_then_ok\n- stuck\n")
    options = ["--port", "0", "--state", str(tmp_path / "s"), "--faults", str(plan), "--api-key", "k"]
    command = [sys.executable, "-W", "error", "-m", "harness.emulator", *options]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": ""}
    )
    try:
        assert child.stdout is not None
        first, second = child.stdout.readline(), child.stdout.readline()
        url = first.split()[3].rstrip(",")
        assert f"OPENAI_BASE_URL={url} " in second
        with connected(url) as client:
            file = client.files.create(file=("a.jsonl", jsonl(requests(1))), purpose="batch")
            with pytest.raises(openai.InternalServerError, match="The server had an error"):
                client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
            client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
            assert len(client.batches.list().data) == 1
    finally:
        child.terminate()
        child.wait(5)
        child.communicate()
