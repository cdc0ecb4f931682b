"""The main job as a user runs it: a process, the shipped task, the embedded emulator."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet
import pytest

import harness as api
from harness.emulator import audit
from harness.errors import ConfigError
from tests.conftest import lines

SCHEMAS = Path(__file__).parents[1] / "harness" / "schemas"
HARNESS = [sys.executable, "-m", "harness"]
COMPLETE = {
    *(".hydra", "batches", "errors.jsonl", "journal.jsonl", "lock", "metadata.json", "plan.json"),
    *("report.md", "results", "results.jsonl", "settings.json", "summary.json", "task"),
}


def harness(*words: str, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run one command line."""
    return subprocess.run([*HARNESS, *words], cwd=cwd, capture_output=True, text=True, check=False, **more)


def only_run(cwd: Path) -> Path:
    """Return the one run folder under outputs/."""
    (plan,) = cwd.glob("outputs/*/*/plan.json")
    return plan.parent


def bodies(run: Path) -> list[dict[str, Any]]:
    """Return the bodies of all requests as they were sent."""
    return [line["body"] for path in sorted(run.glob("batches/*/requests.jsonl")) for line in lines(path)]


def without_times_and_ids(run: Path) -> list[dict[str, Any]]:
    """Return the results as far as they do not differ between two runs of the same plan."""
    return [
        {key: value for key, value in result.items() if key not in ("custom_id", "provider_request_id")}
        for result in lines(run / "results.jsonl")
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of o3-mini on the shipped task, left undisturbed."""
    cwd = tmp_path_factory.mktemp("finished")
    done = harness("model=o3-mini", cwd=cwd)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("SIMULATED")
    return only_run(cwd)


def test_one_command_leaves_a_complete_folder(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} == COMPLETE | {".emulator"}
    assert {path.name for path in (finished / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert len(list((finished / "batches").iterdir())) == 10
    assert len(lines(finished / "results.jsonl")) == 120
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["simulated"] is True
    assert summary["cost"]["actual"] is None
    assert summary["cost"]["estimated"] > 0
    assert 0.5 < summary["scores"]["accuracy"]["mean"] < 1.0
    answered = sum(result["text"] is not None for result in lines(finished / "results.jsonl"))
    assert len(list((finished / "results").iterdir())) == answered
    assert (finished / "report.md").read_text().count("SIMULATED") >= 1


def test_every_file_is_valid_under_its_schema(finished: Path) -> None:
    for name in ("plan", "metadata", "summary"):
        schema = json.loads((SCHEMAS / f"{name}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(json.loads((finished / f"{name}.json").read_text()))
    validator = jsonschema.Draft202012Validator(json.loads((SCHEMAS / "results.json").read_text()))
    for result in lines(finished / "results.jsonl"):
        validator.validate(result)


def test_nothing_was_executed_twice_and_the_inputs_are_cleaned(finished: Path) -> None:
    counted = audit(finished / ".emulator")
    assert (counted["executed"], counted["executed_by_custom_id_max"]) == (120, 1)
    cleaned = [event for event in lines(finished / "journal.jsonl") if event["event"] == "cleaned"]
    assert len(cleaned) == 10


def test_o3_mini_never_carries_a_temperature(finished: Path) -> None:
    assert {tuple(body) for body in bodies(finished)} == {
        ("model", "messages", "max_completion_tokens", "response_format")
    }
    assert b"temperature" not in b"".join(path.read_bytes() for path in finished.glob("batches/*/requests.jsonl"))


def test_o1_mini_gets_one_user_message_with_the_schema_in_it(tmp_path: Path) -> None:
    done = harness("model=o1-mini", "task.dataset.limit=12", cwd=tmp_path)
    assert done.returncode in (0, 4), done.stderr
    run = only_run(tmp_path)
    assert {line["outcome"] for line in lines(run / "results.jsonl")} & {"failed"} == set()
    reference = harness("plan", "--format", "json", "model=gpt-4o-mini", "task.dataset.limit=12", cwd=tmp_path)
    system, user = (turn["content"] for turn in json.loads(reference.stdout)["answer"]["example"])
    first = bodies(run)[0]
    assert [turn["role"] for turn in first["messages"]] == ["user"]
    assert first["messages"][0]["content"].startswith(f"{system}\n\n{user}\n\n")
    assert '"confidence"' in first["messages"][0]["content"]
    assert {"response_format", "temperature"} & set(first) == set()


def test_gpt_4o_mini_carries_system_and_user_and_its_temperature(tmp_path: Path) -> None:
    done = harness("model=gpt-4o-mini", "task.dataset.limit=12", cwd=tmp_path)
    assert done.returncode in (0, 4), done.stderr
    body = bodies(only_run(tmp_path))[0]
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    assert body["temperature"] == 0.5
    assert body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("model", "cap", "temperature", "said"),
    [
        ("o3-mini", "max_tokens", 0.5, "Unsupported parameter: 'max_tokens' is not supported with this model."),
        ("o3-mini", "max_completion_tokens", 0.5, "'temperature' does not support 0.5 with this model."),
        ("o1-mini", "max_completion_tokens", 1, "'messages[0].role' does not support 'system' with this model."),
    ],
)
def test_without_its_facts_a_model_is_refused_as_by_the_real_api(
    model: str, cap: str, temperature: float, said: str, tmp_path: Path
) -> None:
    """The capability facts are what makes the difference: the emulator judges for itself."""
    words = ["capabilities@model.capabilities=openai_standard", f"model.capabilities.max_tokens_key={cap}"]
    words += [f"generate.temperature={temperature}", "task.structured_output=never", "task.dataset.limit=12"]
    done = harness(f"model={model}", *words, cwd=tmp_path)
    assert done.returncode == 3
    assert said in done.stdout
    assert {result["outcome"] for result in lines(only_run(tmp_path) / "results.jsonl")} == {"failed"}


@pytest.mark.parametrize("after", ["intent", "created", "ended", "collected"])
def test_a_run_that_is_killed_is_resumed_to_the_same_results(after: str, finished: Path, tmp_path: Path) -> None:
    """SIGKILL right after a line of the journal, on the default endpoint; nothing is executed twice."""
    process = subprocess.Popen([*HARNESS, "model=o3-mini"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    needle = f'"event":"{after}"'.encode()
    while time.monotonic() < deadline and process.poll() is None:
        journals = list(tmp_path.glob("outputs/*/*/journal.jsonl"))
        if journals and needle in journals[0].read_bytes():
            break
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    run = only_run(tmp_path)
    assert b'"event":"finished"' not in (run / "journal.jsonl").read_bytes()
    resumed = harness("resume", str(run), cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr + resumed.stdout
    counted = audit(run / ".emulator")
    assert (counted["executed"], counted["executed_by_custom_id_max"]) == (120, 1)
    assert without_times_and_ids(run) == without_times_and_ids(finished)


def test_ctrl_c_detaches_and_says_how_to_go_on(tmp_path: Path) -> None:
    words = [*HARNESS, "model=o3-mini", "endpoint.speed=1"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "submitted as" in line:
            break
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "Traceback" not in error
    assert f"python -m harness resume {only_run(tmp_path).relative_to(tmp_path)}" in out
    assert "simulated time stands still" in out


def test_report_makes_the_same_files_again_from_the_providers_bytes(finished: Path) -> None:
    made = ("results.jsonl", "errors.jsonl", "summary.json", "report.md")
    before = {name: (finished / name).read_bytes() for name in made}
    for name in made:
        (finished / name).unlink()
    for part in finished.glob("batches/*/results.jsonl"):
        part.unlink()
    done = harness("report", str(finished), cwd=finished)
    assert done.returncode == 0, done.stderr
    assert {name: (finished / name).read_bytes() for name in made} == before


def test_check_holds_or_not_and_wants_to_hear_that_a_run_is_simulated(finished: Path) -> None:
    refused = harness("check", str(finished), "score>=0.1", cwd=finished)
    assert (refused.returncode, "--simulated" in refused.stderr) == (2, True)
    held = harness("check", str(finished), "score>=0.1", "coverage>=0.99", "--simulated", cwd=finished)
    assert held.returncode == 0, held.stderr
    failed = harness("check", str(finished), "score>=0.999", "cost<=1", "--simulated", cwd=finished)
    assert failed.returncode == 1
    assert failed.stdout.count("FAILS") == 2
    misspelt = harness("check", str(finished), "covrage>=0.9", "--simulated", cwd=finished)
    assert (misspelt.returncode, "did you mean 'coverage'" in misspelt.stderr) == (2, True)


def test_status_tells_of_one_run_and_of_the_newest(finished: Path) -> None:
    one = harness("status", str(finished), cwd=finished)
    assert one.returncode == 0
    assert "finished, SIMULATED" in one.stdout
    newest = harness("status", cwd=finished.parents[2])
    assert "finished, 10/10 batches" in newest.stdout


def test_a_sweep_leaves_complete_folders_and_one_table(tmp_path: Path) -> None:
    done = harness("-m", "model=o3-mini,gpt-4o-mini", "task.dataset.limit=24", cwd=tmp_path)
    assert done.returncode in (0, 4), done.stderr + done.stdout
    (sweep,) = tmp_path.glob("outputs/*/*-sweep")
    assert sorted(path.name for path in sweep.iterdir()) == [
        *(".emulator", "0-sentiment-o3-mini", "1-sentiment-gpt-4o-mini", "sweep.json", "sweep.md"),
    ]
    for run in sweep.glob("*-sentiment-*"):
        assert len(lines(run / "results.jsonl")) == 24
        assert (run / ".hydra" / "overrides.yaml").exists()
    assert len(json.loads((sweep / "sweep.json").read_text())["runs"]) == 2
    assert re.search(r"model=o3-mini .*finished", done.stdout)


def test_a_sweep_with_one_bad_job_sends_nothing_and_leaves_no_folder(tmp_path: Path) -> None:
    done = harness("-m", "model=o3-mini,gpt-4o-mini", "generate.reasoning_effort=low", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("job 1 (model=gpt-4o-mini")
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_a_sweep_is_resumed_by_itself(tmp_path: Path) -> None:
    words = ["-m", "model=o3-mini,gpt-4o-mini", "task.dataset.limit=24", "--detach"]
    assert harness(*words, cwd=tmp_path).returncode == 3
    for run in sorted(tmp_path.glob("outputs/*/*-sweep/*-sentiment-*")):
        done = harness("resume", str(run), cwd=tmp_path)
        assert done.returncode in (0, 4), done.stderr
        assert len(lines(run / "results.jsonl")) == 24
    (state,) = tmp_path.glob("outputs/*/*-sweep/.emulator")
    assert audit(state)["executed_by_custom_id_max"] == 1


def test_another_compatible_server_is_one_override_away(tmp_path: Path) -> None:
    """The emulator as a stranger's server on its own port: nothing of ours starts one."""
    words = ["emulator", "--child", "--port", "0", "--state", str(tmp_path / "server"), "--speed", "1000"]
    words += ["--extra-model", "x"]
    server = subprocess.Popen([*HARNESS, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    url = json.loads(server.stdout.readline())["url"]
    project = tmp_path / "project"
    project.mkdir()
    overrides = ["model=custom", "model.id=x", "endpoint=live", f"provider.base_url={url}", "batch.poll.min=0.1s"]
    done = harness(
        *overrides, "task.dataset.limit=24", cwd=project, env={**os.environ, "OPENAI_API_KEY": "sk-test-12345"}
    )
    server.stdin.close()
    server.wait(10)
    server.stdout.close()
    assert done.returncode == 0, done.stderr + done.stdout
    assert "SIMULATED" not in done.stdout
    run = only_run(project)
    assert not (run / ".emulator").exists()
    assert not any(b"sk-test-12345" in path.read_bytes() for path in run.rglob("*") if path.is_file())


def test_the_python_api_runs_plans_and_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import harness as api

    monkeypatch.chdir(tmp_path)
    words = ["model=gpt-4o-mini", "task.dataset.limit=12"]
    planned = api.plan(words)
    assert list(tmp_path.iterdir()) == []
    run = api.run(words)
    assert run.metadata["plan"] == planned["digest"]
    assert run.summary["requests"] == 12
    assert [result["row"] for result in api.open(run.folder).results()] == list(range(12))
    with pytest.raises(api.ConfigError, match="did you mean"):
        api.run(["model=gpt-4o-mni"])


def test_memory_does_not_grow_with_the_dataset(tmp_path: Path) -> None:
    """20,000 rows in two batches; the bound is the whole process, imports included."""
    (tmp_path / "templates" / "sentiment").mkdir(parents=True)
    with (tmp_path / "templates" / "sentiment" / "samples.jsonl").open("w") as file:
        for n in range(20_000):
            row = {"id": f"r{n}", "text": f"Text number {n}. " + "It goes on and on. " * 20, "label": "neutral"}
            file.write(json.dumps({**row, "language": "en", "kind": "note"}) + "\n")
    code = (  # the system's own high-water mark of this process; that of getrusage would include what forked it
        "import re, sys; from harness.cli import main; code = main(sys.argv[1:]);"
        "print(code, re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
    )
    words = [sys.executable, "-c", code, "model=gpt-4o-mini", "batch=large"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    exit_code, peak = done.stderr.split()[-2:]
    assert exit_code == "0", done.stderr
    assert int(peak) <= 150_000  # KiB
    assert len((only_run(tmp_path) / "results.jsonl").read_bytes().splitlines()) == 20_000


def test_a_reader_that_leaves_does_not_stop_the_run(tmp_path: Path) -> None:
    words = [*HARNESS, "model=gpt-4o-mini", "task.dataset.limit=24"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), error) == (0, b"")
    assert b'"event":"finished"' in (only_run(tmp_path) / "journal.jsonl").read_bytes()


def test_the_command_may_stand_anywhere_before_its_words(tmp_path: Path) -> None:
    done = harness("task.dataset.limit=2", "plan", "model=gpt-4o-mini", "--format=json", cwd=tmp_path)
    assert json.loads(done.stdout)["counts"]["requests"] == 2


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]
)
def test_a_terminal_that_knows_ascii_only_does_not_stop_the_run(tmp_path: Path, environment: dict[str, str]) -> None:
    done = harness("model=gpt-4o-mini", "task.dataset.limit=3", cwd=tmp_path, env=os.environ | environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_a_closed_output_does_not_change_the_exit_code(tmp_path: Path) -> None:
    command = f"exec {sys.executable} -m harness model=gpt-4o-mini task.dataset.limit=3 >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False).returncode == 0
    assert len((only_run(tmp_path) / "results.jsonl").read_bytes().splitlines()) == 3


def test_a_closed_terminal_detaches_like_ctrl_c(tmp_path: Path) -> None:
    words = [*HARNESS, "model=gpt-4o-mini", "endpoint.speed=20"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "submitted" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGHUP)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "stopped (interrupted): SIGHUP" in said


def test_a_sweep_is_taken_up_run_by_run_and_says_so(tmp_path: Path) -> None:
    words = ("-m", "model=gpt-4o-mini,gpt-4.1-mini", "task.dataset.limit=2")
    assert harness(*words, cwd=tmp_path).returncode == 0
    [sweep] = tmp_path.glob("outputs/*/*-sweep")
    told = harness("report", str(sweep), cwd=tmp_path)
    assert told.returncode == 2
    assert "a sweep; name one of its runs: 0-sentiment-gpt-4o-mini, 1-sentiment-gpt-4.1-mini" in told.stderr


def test_version_and_info_are_ours_and_hydras(tmp_path: Path) -> None:
    assert re.fullmatch(r"harness \d+\.\d+\.\d+\n", harness("--version", cwd=tmp_path).stdout)
    shown = harness("--info", "searchpath", cwd=tmp_path)
    assert (shown.returncode, "conf" in shown.stdout) == (0, True)
    assert harness("--info", cwd=tmp_path).returncode == 0
    nameless = harness("init", "", cwd=tmp_path)
    assert (nameless.returncode, list(tmp_path.iterdir())) == (2, [])


def test_the_python_api_runs_in_threads_and_refuses_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(3) as pool:
        plans = list(pool.map(lambda n: api.plan(["model=gpt-4o-mini", f"task.dataset.limit={n}"]), (1, 2, 3)))
    assert [plan["counts"]["requests"] for plan in plans] == [1, 2, 3]
    for wrong in ("model=o3-mini", [1]):
        with pytest.raises(ConfigError, match="a list of texts is expected"):
            api.run(wrong)  # type: ignore[arg-type]


def test_a_table_of_results_comes_out_of_a_run(finished: Path, tmp_path: Path) -> None:
    inside = str(finished / "batches" / "0001" / "output.csv")
    for words, said in (
        ((str(finished), str(finished)), "--out: name the file"),
        ((str(finished), str(finished), "--out", "x.csv"), "a run is named twice"),
        ((str(finished), "--out", "x.parquet"), "--out: x.parquet: the name must end in .csv"),
        ((str(finished), "--out", "."), "--out: .: the name must end in .csv"),
        ((str(finished), "--out", inside), "lies in a run's folder"),
    ):
        wrong = harness("report", "--format", "csv", *words, cwd=tmp_path)
        assert (wrong.returncode, said in wrong.stderr) == (2, True), wrong.stderr
    done = harness("report", str(finished), "--format", "parquet", "--out", "r.parquet", cwd=tmp_path)
    assert done.stdout == "table:   r.parquet (120 lines)\n"
    table = pyarrow.parquet.read_table(tmp_path / "r.parquet")
    assert table.num_rows == 120
    assert {"run", "id", "outcome", "score.accuracy", "metadata.language", "text", "cost"} <= set(table.column_names)


def test_every_kind_of_task_leaves_a_complete_folder_with_sensible_scores(tmp_path: Path) -> None:
    tasks = {"arithmetic": 360, "extraction": 110, "routing": 132, "summary": 104}
    done = harness("-m", f"task={','.join(tasks)}", "model=gpt-4o-mini", cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    for name, count in tasks.items():
        [run] = tmp_path.glob(f"outputs/*/*-sweep/*-{name}-gpt-4o-mini")
        assert {path.name for path in run.iterdir()} >= COMPLETE
        summary = json.loads((run / "summary.json").read_text())
        jsonschema.validate(summary, json.loads((SCHEMAS / "summary.json").read_text()))
        assert summary["requests"] == count == len(lines(run / "results.jsonl"))
        assert 0.6 < summary["scores"][summary["headline"]]["mean"] < 1.0
        assert summary["outcomes"]["answered"] / count > 0.9
        assert summary["slices"].keys() == set(lines(run / "results.jsonl")[0]["metadata"])
        assert (summary["scores"][summary["headline"]]["macro_f1"] is None) == (name != "routing")
        assert (summary["scores"][summary["headline"]]["agreement"] is None) == (name != "arithmetic")
        report = (run / "report.md").read_text()
        assert f"## {summary['headline']} by " in report
        assert ("## Labels of accuracy" in report) == (name == "routing")


def test_a_model_that_speaks_the_responses_api_alone_runs_over_it(tmp_path: Path) -> None:
    done = harness("task=arithmetic", "model=gpt-5.4-pro", "task.dataset.limit=20", cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    run = only_run(tmp_path)
    sent = [line for path in run.glob("batches/*/requests.jsonl") for line in lines(path)]
    assert {line["url"] for line in sent} == {"/v1/responses"}
    assert all({"input", "max_output_tokens", "store", "text"} < line["body"].keys() for line in sent)
    answers = [line["response"]["body"] for path in run.glob("batches/*/output.jsonl") for line in lines(path)]
    assert {answer["object"] for answer in answers} == {"response"}
    summary = json.loads((run / "summary.json").read_text())
    assert summary["outcomes"]["answered"] > 50
    assert summary["usage"]["reasoning_tokens"] > 0
    assert summary["models_served"].keys() == {"gpt-5.4-pro-2026-03-05"}


def test_few_shot_turns_stand_before_every_mail(tmp_path: Path) -> None:
    assert harness("task=routing", "model=gpt-4o-mini", "task.dataset.limit=3", cwd=tmp_path).returncode == 0
    roles = [[turn["role"] for turn in body["messages"]] for body in bodies(only_run(tmp_path))]
    assert roles == [["system", *["user", "assistant"] * 4, "user"]] * 3
