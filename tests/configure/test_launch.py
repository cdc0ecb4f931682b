"""The way from a command line through Hydra: nothing runs unchecked, and every way out has its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import harness as api
from harness.cli import COMMANDS, split
from harness.configure.compose import Asked
from harness.configure.dispatch import flags_first, launch
from harness.errors import ConfigError, HarnessError

TASK = """
defaults: [default, _self_]
name: colours
target: label
messages:
  - {role: user, content: "Which colour? {{ text }}"}
scorers:
  accuracy: {kind: includes}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one task of 20 samples; what `launch` changes in this process is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["harness"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write("conf/task/colours.yaml", TASK)
    rows = [{"id": f"s{n}", "text": f"thing {n}", "label": "red"} for n in range(20)]
    write("templates/colours/samples.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(textwrap.dedent(text))


def launched(*words: str) -> Asked:
    """Return what the continuation was handed; it ends with 7, so that the way back is seen as well."""
    handed: list[Asked] = []

    def go_on(asked: Asked) -> int:
        handed.append(asked)
        return 7

    assert launch(["task=colours", *words], go_on) == 7
    (asked,) = handed
    return asked


def refused(*words: str) -> list[str]:
    """Return the mistakes; the continuation must not be reached."""

    def never(asked: Asked) -> int:
        raise AssertionError("it ran")

    with pytest.raises(ConfigError) as caught:
        launch(list(words), never)
    return list(caught.value.problems)


def harness(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command line of its own process."""
    clean = {key: value for key, value in os.environ.items() if key != "HYDRA_FULL_ERROR"}
    command = [sys.executable, "-W", "error", "-m", "harness", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean | (env or {}))


# ------------------------------------------------------------------------------------------------------- composing


def test_a_run_is_handed_on_with_its_settings() -> None:
    asked = launched("batch.size=5", "model=gpt-4o-mini")
    assert asked.sweep_folder is None
    (job,) = asked.jobs
    assert (job.settings.batch.size, job.settings.model.name, job.settings.task.name) == (5, "gpt-4o-mini", "colours")
    assert job.folder.match("outputs/*/*-colours-gpt-4o-mini")


def test_a_sweep_is_composed_once_and_handed_on_as_a_whole() -> None:
    asked = launched("-m", "model=o3-mini,gpt-4o-mini", "batch.size=5,6", "generate.seed=1")
    assert asked.sweep_folder is not None
    assert asked.sweep_folder.match("outputs/*/*-sweep")
    assert [(job.folder.name, job.settings.batch.size) for job in asked.jobs] == [
        ("0-colours-o3-mini", 5),
        ("1-colours-o3-mini", 6),
        ("2-colours-gpt-4o-mini", 5),
        ("3-colours-gpt-4o-mini", 6),
    ]
    assert asked.jobs[1].label == "model=o3-mini batch.size=6"
    assert "generate.seed=1" in asked.jobs[1].snapshot["overrides.yaml"]


def test_a_sweep_of_one_and_ranges_and_globs() -> None:
    assert len(launched("-m").jobs) == 1
    assert [job.settings.generate.seed for job in launched("-m", "generate.seed=range(1,3)").jobs] == [1, 2]
    assert {job.settings.model.name for job in launched("-m", "model=glob(o3*)").jobs} == {"o3-mini", "o3-pro", "o3"}


def test_an_experiment_may_bring_its_sweep() -> None:
    asked = launched("-m", "experiment=sentiment-temperature-0", "task.dataset.limit=3")
    assert [job.settings.model.name for job in asked.jobs] == ["gpt-4o-mini", "gpt-4.1-mini"]


def test_flags_may_stand_anywhere() -> None:
    write("more/model/mine.yaml", "defaults: [gpt-4o-mini, _self_]\nid: mine\n")
    asked = launched("model=mine", "--config-dir", "more", "batch.size=3", "-m")
    assert [job.settings.model.id for job in asked.jobs] == ["mine"]


@pytest.mark.parametrize(
    ("words", "flags", "overrides"),
    [
        (["a=1", "-m", "b=2"], ["-m"], ["a=1", "b=2"]),
        (["a=1", "--cfg", "job", "b=2", "--resolve"], ["--cfg", "job", "--resolve"], ["a=1", "b=2"]),
        (["--config-dir=x", "a=1"], ["--config-dir=x"], ["a=1"]),
        (["--info", "a=1"], ["--info", "all"], ["a=1"]),
        (["--info"], ["--info", "all"], []),
        (["--info", "searchpath", "~a"], ["--info", "searchpath"], ["~a"]),
        (["--cfg"], ["--cfg"], []),
    ],
)
def test_flags_come_first_with_their_values(words: list[str], flags: list[str], overrides: list[str]) -> None:
    assert flags_first(words) == (flags, overrides)


# -------------------------------------------------------------------------------------------- nothing runs unchecked


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["~hydra.callbacks.harness"], "hydra.callbacks.harness: code cannot be named in an override"),
        (["hydra.callbacks=null"], "hydra.callbacks: code cannot be named in an override"),
        (["hydra=null"], "cannot be composed: "),
        (["hydra.run.dir=${hydra:runtime.choices.model}"], "hydra.run.dir: "),
        (["hydra.run.dir=null"], ""),
        (["-m", "hydra.sweep.dir=${no.such}"], "hydra.sweep.dir: Interpolation key 'no.such' not found"),
        (["-m", "hydra.sweep.subdir=${no.such}"], "job 0 (task=colours): hydra.sweep.subdir: Interpolation key"),
        (["-m", "model=o3-mini,o3-mni"], "job 1 (model=o3-mni): model: there is no 'o3-mni'; did you mean 'o3-mini'?"),
        (["-m", "batch.size=1,0"], "job 1 (batch.size=0): batch.size: input should be greater"),
        (["-m", "batch.sze=1"], "job 0 (task=colours batch.sze=1): batch.sze: no such setting; did you mean 'size'?"),
        (["-cn", "nope"], "config: there is no 'nope'"),
        (["--config-dir", "nowhere"], "Additional config directory"),
    ],
    ids=str,
)
def test_a_mistake_is_refused_and_nothing_runs(words: list[str], said: str, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    (found,) = refused("task=colours", *words)
    assert found.startswith(said)
    assert sorted(folder.rglob("*")) == before


def test_every_job_of_a_sweep_tells_its_mistakes() -> None:
    write("conf/model/broken.yaml", "name: [\n")
    found = refused("task=colours", "-m", "model=broken,o3-mini,custom", "batch.poll.max=1s", "batch.size=0")
    assert [line.partition(" (")[0] for line in found] == [*["job 0"], *["job 1"] * 2, *["job 2"] * 3]
    assert "conf/model/broken.yaml:2: not valid YAML" in found[0]


@pytest.mark.parametrize(
    "root",
    [
        "defaults: [task: colours, _self_]\n",
        "hydra: {callbacks: null}\n",
        "hydra: {callbacks: {harness: {_target_: hydra.experimental.callback.Callback}}}\n",
        "hydra: {callbacks: {other: {_target_: hydra.experimental.callback.Callback}}}\n",
    ],
)
def test_a_root_of_the_users_own_cannot_remove_the_checks(root: str) -> None:
    write("conf/config.yaml", root)
    assert refused()


def test_a_root_of_the_users_own_that_names_everything_runs_with_the_checks() -> None:
    write(
        "conf/config.yaml",
        """
        defaults:
          [generate: none, task: colours, model: gpt-4o-mini, endpoint: local, batch: large, executor: inline, _self_]
        strict: true
        approved_plan: null
        max_cost: null
        output: {txt_limit: 0}
        hydra: {run: {dir: "mine/${task.name}"}}
        """,
    )
    (job,) = launched().jobs
    assert (job.settings.strict, job.settings.batch.size, job.folder) == (True, 10_000, Path("mine/colours"))
    assert [line.partition(":")[0] for line in refused("batch.size=0")] == ["batch.size"]


@pytest.mark.parametrize("flag", ["--experimental-rerun", "--experimental-rerun=x", "--exp"])
def test_a_rerun_of_hydras_own_which_skips_the_checks_is_refused(flag: str) -> None:
    assert refused(flag, "x") == ["--experimental-rerun: would run unchecked; `resume` goes on with a run"]


@pytest.mark.parametrize("words", [[], ["-m"]])
def test_an_exception_after_the_checks_comes_out_as_it_is(words: list[str]) -> None:
    def breaks(asked: Asked) -> int:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        launch(["task=colours", *words], breaks)


def test_a_failure_is_not_remembered_in_the_next_launch() -> None:
    refused("task=colours", "batch.size=0")
    assert launched().jobs[0].settings.batch.size == 12
    assert launch(["--hydra-help"], lambda asked: 7) == 0


def test_looking_at_the_configuration_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert launch(["task=colours", "batch.size=0", "--cfg", "job"], lambda asked: 7) == 0
    assert "size: 0" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------- processes of their own


def only_what_was_there(folder: Path) -> bool:
    return sorted(path.name for path in folder.iterdir()) == ["conf", "templates"]


def test_mistakes_are_lines_on_stderr_and_exit_2(folder: Path) -> None:
    done = harness("task=colours", "batch.sze=1", "generate.temperature=9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "batch.sze: no such setting; did you mean 'size'?",
        "generate.temperature: input should be less than or equal to 2 (got 9)",
    ]
    assert only_what_was_there(folder)


def test_a_row_that_is_wrong_is_found_before_anything_is_sent_and_no_folder_is_left(folder: Path) -> None:
    with (folder / "templates/colours/samples.jsonl").open("a") as file:
        file.write('{"id":"last","label":"red"}\n')
    done = harness("task=colours", "provider.tokenizer=null")
    assert done.returncode == 2
    assert "task.messages[0].content:1: 'text' is undefined (sample 'last'; fields: id, label)" in done.stderr
    assert only_what_was_there(folder)


def test_one_bad_job_of_a_sweep_stops_the_whole_sweep(folder: Path) -> None:
    done = harness("-m", "task=colours", "batch.size=5,70000")
    assert done.returncode == 2
    assert [line.partition(" (")[0] for line in done.stderr.splitlines()] == ["job 1"]
    assert only_what_was_there(folder)


def test_a_live_run_without_its_key_is_refused_and_its_plan_is_not(folder: Path) -> None:
    done = harness("task=colours", "model=gpt-4o-mini", "model.allow_retired=true", "endpoint=live")
    assert done.returncode == 2
    assert done.stderr.startswith("OPENAI_API_KEY: not set; endpoint=live needs the key of openai")
    plan = api.plan(
        ["task=colours", "model=gpt-4o-mini", "model.allow_retired=true", "endpoint=live", "provider.tokenizer=null"]
    )
    assert plan["destination"]["host"] == "api.openai.com"
    assert only_what_was_there(folder)


def test_a_key_on_the_command_line_is_refused_and_nowhere_repeated(folder: Path) -> None:
    key = "sk-proj-abcdefgh12345678"
    done = harness("task=colours", f"+provider.api_key={key}", env={"OPENAI_API_KEY": key})
    assert done.returncode == 2
    assert key not in done.stderr + done.stdout
    assert only_what_was_there(folder)


def test_the_help_of_every_command_comes_without_anything_heavy() -> None:
    code = """
        import contextlib, io, sys
        from harness.cli import COMMANDS, main
        for words in [["--help"], *[[name, "--help"] for name in COMMANDS], *[["help", name] for name in COMMANDS]]:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                try:
                    code = main(words)
                except SystemExit as leaving:
                    code = leaving.code
            assert code == 0, words
            assert "example" in out.getvalue() or "--port" in out.getvalue(), words
        heavy = {"hydra", "omegaconf", "openai", "pydantic", "httpx2", "genai_prices", "jsonschema_rs", "jinja2"}
        print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"


# --------------------------------------------------------------------------------------------------- which command


@pytest.mark.parametrize(
    ("words", "command", "rest"),
    [
        ([], "run", []),
        (["model=o3-mini"], "run", ["model=o3-mini"]),
        (["-m", "model=a,b"], "run", ["-m", "model=a,b"]),
        (["+x=1"], "run", ["+x=1"]),
        (["~x"], "run", ["~x"]),
        (["plan", "model=o3-mini"], "plan", ["model=o3-mini"]),
        (["run", "plan"], "run", ["plan"]),
        (["--help"], "help", []),
    ],
)
def test_the_first_word_without_a_sign_is_the_command(words: list[str], command: str, rest: list[str]) -> None:
    assert split(words) == (command, rest)


def test_an_unknown_command_gets_the_nearest_name() -> None:
    with pytest.raises(HarnessError, match=r"unknown command 'repot'\. Did you mean 'report'\?"):
        split(["repot"])
    assert "report" in COMMANDS
