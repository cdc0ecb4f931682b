"""What is asked becomes settings, or a line for every mistake; composed in this process."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.configure.compose import Job, asset_dir, composed
from harness.configure.problems import admitted, nearest
from harness.errors import ConfigError
from harness.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(*overrides: str) -> Job:
    return composed(overrides).jobs[0]


def settings(*overrides: str) -> Settings:
    return job(*overrides).settings


def mistakes(*overrides: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        composed(overrides)
    assert all(line and "\n" not in line for line in caught.value.problems)
    return list(caught.value.problems)


def write(path: str, text: str) -> None:
    file = Path("conf") / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model=o3-mni"], "model: there is no 'o3-mni'; did you mean 'o3-mini'?"),
        (["task=sentimant"], "task: there is no 'sentimant'; did you mean 'sentiment'?"),
        (["endpoint=zzz"], "endpoint: there is no 'zzz' (have: live, local, upstream)"),
        (["modle=o3-mini"], "modle: no such setting; did you mean 'model'?"),
        (["batch.size=60000"], "batch.size: openai takes at most 50000 requests a batch (got 60000)"),
        (["batch.poll.min=20s"], "batch.poll: min (20s) must be above 0 and not above max (10s)"),
        (["provider.base_url=http://h/v1"], "provider.base_url: not used with endpoint=local; add endpoint=live"),
        (["endpoint=live"], "model: o3-mini is retired ("),
        (["model.id=${oc.env:HOME}"], "model.id: reads the environment"),
        (["model.id=${no.such}"], "model.id: Interpolation key 'no.such' not found"),
        (["model=o3-mini,gpt-4o"], "Ambiguous value for argument 'model=o3-mini,gpt-4o'"),
        (["model=null"], "cannot be composed: Config group override must be a string or a list. Got NoneType; look at"),
        (["task=[{a:1}]"], "cannot be composed: "),
        (["model.id={a"], "model.id: cannot be read as key=value; put quotes around a value with special signs"),
        (["o3-mini"], "o3-mini: cannot be read as key=value"),
        ([""], "an empty word: cannot be read as key=value"),
        (["hydra.callbacks=null"], "hydra.callbacks: code cannot be named in an override"),
    ],
    ids=str,
)
def test_a_mistake_gets_a_line_that_names_key_value_and_what_was_expected(overrides: list[str], said: str) -> None:
    (found,) = mistakes(*overrides)
    assert found.startswith(said)


AT_ONCE = {
    "batch.sze=5": "batch.sze: no such setting; did you mean 'size'?",
    "bach.size=5": "bach: no such setting; did you mean 'batch'?",
    "+temprature=0": "temprature: no such setting",
    "generate.temprature=0": "generate.temprature: no such setting; did you mean 'temperature'?",
    "task.dataset.lmit=3": "task.dataset.lmit: no such setting; did you mean 'limit'?",
    "batch.size=abc": "batch.size: input should be a valid integer, unable to parse string as an integer (got 'abc')",
    "batch.max_in_flight=true": "batch.max_in_flight: neither true nor false can stand here (got True)",
    "batch.grace=5": "batch.grace: a number and a unit are expected, such as 0.5s, 10m, 24h or 7d (got 5)",
    "generate.temperature=9": "generate.temperature: input should be less than or equal to 2 (got 9)",
    "generate.stop=END": "generate.stop: a list is expected (got 'END')",
    "task.extract=regex": "task.extract: input should be 'strict', 'fenced' or 'anywhere' (got 'regex')",
    "task.messages=[]": "task.messages: at least one is needed (got [])",
    "task.epochs=3": "task.epochs: a mapping of settings is expected (got 3)",
    "model.ids=x": "model.ids: a mapping is expected (got 'x')",
    "batch.min_coverage.x=1": "batch.min_coverage: input should be a valid number (got {'x': 1})",
    "endpoint.simulated=false": "endpoint: simulated cannot be false with endpoint=local",
    "strict=maybe": "strict: input should be a valid boolean, unable to interpret input (got 'maybe')",
    "~batch.clean": "batch.clean: missing; give it a value",
}


def test_all_mistakes_are_told_at_once() -> None:
    assert sorted(mistakes(*AT_ONCE)) == sorted(AT_ONCE.values())


def test_an_unknown_model_does_not_hide_a_misspelt_key() -> None:
    assert mistakes("model=o3-mni", "batch.sze=1") == [
        "batch.sze: no such setting; did you mean 'size'?",
        "model: there is no 'o3-mni'; did you mean 'o3-mini'?",
    ]


def test_a_value_that_must_be_given_does_not_hide_other_mistakes() -> None:
    assert mistakes("model=custom", "batch.size=0") == [
        "model.id: must be given, such as model.id=…",
        "batch.size: input should be greater than or equal to 1 (got 0)",
    ]


def test_secrets_are_refused_before_anything_else_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "correct-horse-battery")
    found = mistakes("model.id=correct-horse-battery", "batch.sze=1")
    assert [line.partition(":")[0] for line in found] == ["model.id"]
    assert "correct-horse" not in found[0]


def test_a_secret_in_a_yaml_is_refused() -> None:
    write("provider/mine.yaml", "defaults: [openai, _self_]\napi_key: abc\nheaders: {Authorization: abc}\n")
    found = mistakes("provider=mine", "batch.size=0")
    assert [line.partition(":")[0] for line in found] == ["provider.api_key", "provider.headers.Authorization"]


# ------------------------------------------------------------------------------------------- the user's own files


def test_the_users_files_come_first_file_by_file() -> None:
    write("batch/default.yaml", (asset_dir("conf") / "batch/default.yaml").read_text().replace("size: 12", "size: 77"))
    write("model/mine.yaml", "defaults: [gpt-4o-mini, _self_]\nname: mine\nid: my-tune\n")
    found = settings("model=mine")
    assert (found.batch.size, found.model.id, found.provider.name, found.task.name) == (
        77,
        "my-tune",
        "openai",
        "sentiment",
    )
    assert found.model.capabilities is not None


def test_without_files_of_the_user_what_ships_is_used(folder: Path) -> None:
    found = job()
    assert found.settings.batch.size == 12
    assert found.templates == (folder / "templates", asset_dir("templates"))
    assert found.scorers == folder / "scorers"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\n id: [\n", "{file}:2: not valid YAML: mapping values are not allowed"),
        ("name: x\nname: y\n", "{file}:2: not valid YAML: found duplicate key name"),
        ("name: x\n\tid: y\n", "{file}:2: not valid YAML: found "),
        ("defaults: [nope]\n", "model: there is no 'nope'"),
    ],
)
def test_a_broken_yaml_names_file_and_line(text: str, said: str, folder: Path) -> None:
    write("model/mine.yaml", text)
    (found,) = mistakes("model=mine")
    assert found.startswith(said.replace("{file}", str(folder / "conf/model/mine.yaml")))


def test_a_yaml_that_is_not_utf_8_is_refused(folder: Path) -> None:
    write("model/mine.yaml", "")
    (folder / "conf/model/mine.yaml").write_bytes(b"name: caf\xe9\n")
    (found,) = mistakes("model=mine")
    assert found.startswith("a file of your ./conf is not valid UTF-8")


@pytest.mark.parametrize("text", ["", "- a\n- b\n"])
def test_a_model_that_is_no_mapping_is_told_as_such(text: str) -> None:
    write("model/mine.yaml", text)
    found = mistakes("model=mine")
    assert all(line.startswith(("model", "provider")) for line in found)


def test_a_model_that_lacks_settings_has_each_named() -> None:
    write("model/mine.yaml", "defaults:\n  - /provider@_global_.provider: openai\n  - _self_\nname: mine\nid: x\n")
    keys = [line.partition(":")[0] for line in mistakes("model=mine")]
    lacking = ("home", "ids", "api", "capabilities", "lifecycle", "allow_retired", "generate", "prices")
    assert keys == [f"model.{key}" for key in lacking]


def test_a_root_of_the_users_own_that_leaves_out_what_ships_is_told_how_to_begin() -> None:
    write("config.yaml", "defaults: [task: sentiment, _self_]\n")
    found = mistakes()
    assert "model: missing; a conf/config.yaml of your own begins with `defaults: [shipped, …, _self_]`" in found
    assert {line.partition(":")[0] for line in found} >= {"model", "provider", "endpoint", "batch", "strict"}


def test_a_root_of_the_users_own_changes_what_ships() -> None:
    write("config.yaml", "defaults: [shipped, override task: routing, _self_]\nbatch: {size: 7}\n")
    found = job("model=gpt-4o-mini").settings
    assert (found.task.name, found.model.name, found.batch.size) == ("routing", "gpt-4o-mini", 7)


def test_code_in_a_yaml_is_refused() -> None:
    write("batch/mine.yaml", "defaults: [default, _self_]\non_done: {_target_: os.system}\n")
    (found,) = mistakes("batch=mine")
    assert found.startswith("batch.on_done._target_: code cannot be named in a configuration")


# ------------------------------------------------------------------------------------------------ what is kept of it


def test_the_folder_names_time_task_and_model() -> None:
    assert job("model=gpt-4o-mini").folder.match("outputs/????-??-??/??-??-??-sentiment-gpt-4o-mini")
    assert job("hydra.run.dir=elsewhere/x").folder == Path("elsewhere/x")


def test_the_snapshot_holds_what_was_asked_and_can_be_read_again() -> None:
    asked = ["batch.size=5", "generate.temperature=0"]
    snapshot = job(*asked).snapshot
    assert yaml.safe_load(snapshot["overrides.yaml"]) == asked
    config = yaml.safe_load(snapshot["config.yaml"])
    assert (config["batch"]["size"], config["task"]["name"], "hydra" in config) == (5, "sentiment", False)
    assert yaml.safe_load(snapshot["hydra.yaml"])["hydra"]["overrides"]["task"] == asked


def test_no_value_of_the_environment_stands_in_the_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "correct-horse-battery")
    assert not [text for text in job().snapshot.values() if "correct-horse" in text]


def test_composing_leaves_the_environment_alone() -> None:
    before = dict(os.environ)
    job()
    assert dict(os.environ) == before


# ----------------------------------------------------------------------------------------------------------- helpers


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("batch.size=5", "batch.size=5"),
        ("+batch.sze=5", "++batch.sze=5"),
        ("model.ids.groq=x", "++model.ids.groq=x"),
        ("task.scorers.near.tolerance=1", "++task.scorers.near.tolerance=1"),
        ("task.dataset.json=[a]", "task.dataset.json=[a]"),
        ("task.schema=null", "task.schema=null"),
        ("model.capabilities.max_tokens_key=x", "model.capabilities.max_tokens_key=x"),
        ("model=o3-mini", "model=o3-mini"),
        ("modle=o3-mini", "modle=o3-mini"),
        ("+experiment=x", "+experiment=x"),
        ("hydra.run.dir=x", "hydra.run.dir=x"),
        ("capabilities@model.capabilities=x", "capabilities@model.capabilities=x"),
        ("~batch.sze", "~batch.sze"),
        ("", ""),
    ],
)
def test_hydra_takes_in_what_it_does_not_know(word: str, expected: str) -> None:
    assert admitted([word]) == [expected]


def test_only_a_near_name_is_proposed() -> None:
    names: Any = ["size", "window"]
    assert nearest("sze", names) == "; did you mean 'size'?"
    assert nearest("temperature", names) == ""
