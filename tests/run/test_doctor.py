"""The doctor over the wire: what works at a provider, and what of ours lies there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from harness.configure.compose import composed
from harness.emulator import Settings, serve_in_thread
from harness.errors import ConfigError
from harness.run.doctor import examine
from tests.conftest import Project
from tests.run.test_lanes import harness

LANES = {
    "openai": ("gpt-4o-mini", "/v1"),
    "groq": ("gpt-oss-20b", "/openai/v1"),
    "kluster": ("gemma-3-27b-it", "/kluster/v1"),
    "anthropic": ("claude-haiku-4-5", "/"),
}
SECRET = "sk-right-0123456789"


@pytest.fixture(params=LANES)
def lane(project: Project, request: pytest.FixtureRequest) -> Project:
    project.model, project.path = LANES[request.param]
    return project


@pytest.fixture(params=["openai", "groq"])
def uploads(project: Project, request: pytest.FixtureRequest) -> Project:
    """A lane whose files can be listed and deleted."""
    project.model, project.path = LANES[request.param]
    return project


@pytest.fixture
def claude(project: Project) -> Project:
    project.model, project.path = LANES["anthropic"]
    return project


@pytest.fixture
def locked(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A provider that takes one key alone, which is in the environment."""
    monkeypatch.setenv("DOOR_KEY", SECRET)
    with serve_in_thread(tmp_path / "locked", Settings(speed=1000.0, api_key=SECRET)) as emulator:
        yield Project(project.folder, emulator, StringIO())


def doctor(project: Project, *words: str, clean: bool = False) -> tuple[bool, list[str]]:
    """Return whether all is well, and what was said."""
    begun = len(project.said.getvalue())
    well = examine(composed(project.words(*words)), project.console(), clean=clean, model=True)
    return well, project.said.getvalue()[begun:].splitlines()


def client(project: Project) -> openai.OpenAI:
    return openai.OpenAI(base_url=project.url, api_key="k", max_retries=0)


def names(project: Project) -> list[str]:
    """Return the names of the input files at the provider."""
    with client(project) as sdk:
        files = sdk.files.with_raw_response.list(purpose="batch").http_response.json()["data"]
    return sorted(file["filename"] for file in files)


def upload(project: Project, name: str) -> str:
    line = {"custom_id": "x", "method": "POST", "url": "/v1/chat/completions", "body": {"model": project.model}}
    with client(project) as sdk:
        return sdk.files.create(file=(name, json.dumps(line).encode()), purpose="batch").id


def orphan(project: Project) -> None:
    """Take the run folders away."""
    (project.folder / "outputs").rename(project.folder / f"elsewhere-{len(list(project.folder.iterdir()))}")


def test_all_is_well_without_a_paid_request_and_nothing_stays_behind(lane: Project) -> None:
    well, said = doctor(lane)
    assert well, said
    assert [line[:14].split() for line in said[:2]] == [["ok", "key"], ["ok", "batches"]]
    assert said[2] == f"ok     model    '{composed(lane.words()).jobs[0].settings.model_id()}' is served"
    assert said[-1] == "ours at the provider, as far as it lists them: 0 files, 0 batches"
    audit = lane.emulator.audit()
    assert (audit["executed"], audit["creates"]) == (0, 0)


def test_a_file_is_uploaded_and_deleted_where_both_can_be_done(uploads: Project) -> None:
    _, said = doctor(uploads)
    assert "was uploaded and deleted again" in said[3]
    assert names(uploads) == []


@pytest.mark.parametrize("path", ["/v1", "/openai/v1", "/kluster/v1", "/"])
def test_a_wrong_key_is_said_once_with_its_variable(
    locked: Project, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked.model, locked.path = next(lane for lane in LANES.values() if lane[1] == path)
    assert doctor(locked, "provider.api_key_env=DOOR_KEY")[0]
    monkeypatch.setenv("DOOR_KEY", "sk-wrong-0123456789")
    well, said = doctor(locked, "provider.api_key_env=DOOR_KEY")
    assert not well
    assert said[1].startswith("FAILS  batches  list: ")
    assert said[1].endswith("; check the key in DOOR_KEY, and its rights")
    assert said[2] == "nothing further was tried: it would fail alike"
    assert "sk-wrong-0123456789" not in locked.said.getvalue()


def test_a_key_that_a_provider_repeats_is_not_shown(uploads: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_KEY", SECRET)
    uploads.emulator.set_faults([{"fault": "echo_key", "on": ["list_batches"], "times": None}])
    well, said = doctor(uploads, "provider.api_key_env=DOOR_KEY")
    assert not well
    assert "[key]" in said[1]
    assert SECRET not in "".join(said)


def test_an_address_where_nobody_answers_is_named(lane: Project) -> None:
    well, said = doctor(lane, "provider.base_url=http://127.0.0.1:1/v1")
    assert not well
    assert said[1].endswith("; check provider.base_url (http://127.0.0.1:1/v1), and whether it can be reached")
    assert said[2] == "nothing further was tried: it would fail alike"


def test_an_address_that_has_no_batches_is_named(project: Project) -> None:
    project.path = "/v2"
    well, said = doctor(project)
    assert not well
    assert f"there is no such call at provider.base_url ({project.url}); check it" in said[1]


def test_a_model_that_nobody_serves_is_named(lane: Project) -> None:
    provider = composed(lane.words()).jobs[0].settings.provider.name
    lane.model = "custom"
    well, said = doctor(lane, "model.id=no-such-model", f"provider={provider}")
    assert not well
    assert "has no model 'no-such-model'; check model.id and model.ids." in said[2]


def test_an_upload_that_is_refused_fails_alone(uploads: Project) -> None:
    uploads.emulator.set_faults([{"fault": "echo_key", "on": ["upload_file"], "status": 403}])
    well, said = doctor(uploads)
    assert not well
    assert [line.split()[0] for line in said[:4]] == ["ok", "ok", "ok", "FAILS"]
    assert said[-1].startswith("ours at the provider")


def test_a_key_that_may_not_ask_for_models_is_well(uploads: Project) -> None:
    uploads.emulator.set_faults([{"fault": "echo_key", "on": ["get_model"], "status": 403}])
    well, said = doctor(uploads)
    assert well
    assert said[2].startswith("-      model    this key may not ask for models")


def test_orphans_are_shown_first_and_their_inputs_deleted_and_nothing_of_others(uploads: Project) -> None:
    uploads.run("batch.clean=none")
    orphan(uploads)
    upload(uploads, "knowledgebase-2024.jsonl")
    upload(uploads, "theirs.jsonl")
    ended = uploads.run("batch.clean=none", "batch.size=30")
    _, said = doctor(uploads)
    [orphaned, known] = [number for number, line in enumerate(said) if line.startswith("k")]
    assert said[orphaned].endswith("  orphaned: no run folder under outputs/")
    assert said[known].endswith(f"  {ended.folder} (finished)")
    assert sum(line.endswith("  may go") for line in said[orphaned:known]) == 3
    assert sum(line.endswith("stays: what it was answered may lie nowhere else") for line in said[orphaned:known]) == 3
    assert said[-1] == "4 things may go: the same command with --clean deletes them"
    assert len(names(uploads)) == 6  # looking deletes nothing
    well, said = doctor(uploads, clean=True)
    assert (well, said[-1]) == (True, "deleted at the provider: 4 of ours")
    assert names(uploads) == ["knowledgebase-2024.jsonl", "theirs.jsonl"]
    with client(uploads) as sdk:
        every = sdk.files.with_raw_response.list().http_response.json()["data"]
    assert sum(file["purpose"] == "batch_output" for file in every) == 4  # what was paid for stays
    assert doctor(uploads, clean=True)[1][-1] == "deleted at the provider: 0 of ours"


def test_what_a_running_batch_needs_stays_and_no_batch_is_cancelled(uploads: Project) -> None:
    uploads.emulator.set_faults([{"fault": "stuck", "batch": [1, 2, 3, 4, 5, 6]}])
    uploads.run(until="submitted")
    orphan(uploads)
    uploads.run(until="submitted")
    before = names(uploads)
    assert len(before) == 6
    well, said = doctor(uploads, clean=True)
    assert (well, said[-1]) == (True, "deleted at the provider: 0 of ours")
    assert sum(line.endswith("stays: a batch of its run has not ended") for line in said) == 3
    assert sum(line.endswith("stays: its run is not finished") for line in said) == 6
    assert names(uploads) == before
    with client(uploads) as sdk:
        batches = sdk.batches.with_raw_response.list(limit=100).http_response.json()["data"]
    assert [batch["status"] for batch in batches] == ["in_progress"] * 6


def test_a_fresh_upload_of_a_run_elsewhere_stays(uploads: Project) -> None:
    upload(uploads, "kabcdefghijk2-0001.jsonl")
    well, said = doctor(uploads, clean=True)
    assert (well, names(uploads)) == (True, ["kabcdefghijk2-0001.jsonl"])
    assert any(line.endswith("stays: just uploaded, a run elsewhere may need it") for line in said)


def test_a_file_that_cannot_be_deleted_is_said(uploads: Project) -> None:
    uploads.run("batch.clean=none")
    uploads.emulator.set_faults([{"fault": "echo_key", "on": ["delete_file"], "status": 400, "skip": 1}])
    well, said = doctor(uploads, clean=True)
    assert not well
    assert sum(line.startswith("not deleted: ") for line in said) == 1
    assert said[-1] == "deleted at the provider: 2 of ours"


def test_where_files_are_neither_listed_nor_deleted_batches_are_shown_all_the_same(project: Project) -> None:
    project.model, project.path = LANES["kluster"]
    project.run()
    orphan(project)
    well, said = doctor(project)
    assert well
    assert "ours at the provider, as far as it lists them: 0 files, 3 batches" in said
    with pytest.raises(ConfigError, match="--clean: kluster has no call that deletes a file"):
        doctor(project, clean=True)


def test_batches_without_a_label_are_found_by_their_results(claude: Project) -> None:
    params: Any = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    with anthropic.Anthropic(base_url=claude.url, api_key="k") as sdk:
        theirs = sdk.messages.batches.create(requests=[{"custom_id": "theirs-0", "params": params}]).id
        claude.run()
        orphan(claude)
        ended = claude.run("batch.size=30")
        claude.emulator.advance(90_000)
        well, said = doctor(claude, clean=True)
        left = {batch.id for batch in sdk.messages.batches.list()}
    assert well
    [orphaned, known] = [line for line in said if line.startswith("k")]
    assert orphaned.endswith("orphaned: no run folder under outputs/")
    assert known.endswith(f"{ended.folder} (finished)")
    assert sum(line.endswith("stays: what it was answered may lie nowhere else") for line in said) == 3
    assert said[-1] == "deleted at the provider: 1 of ours"
    assert len(left) == 4
    assert theirs in left


def test_a_running_batch_without_a_label_is_known_by_the_journal_here(claude: Project) -> None:
    claude.emulator.set_faults([{"fault": "stuck", "batch": [1, 2, 3]}])
    claude.run(until="submitted")
    well, said = doctor(claude, clean=True)
    assert well
    assert "ours at the provider, as far as it lists them: 0 files, 3 batches" in said
    assert sum(line.endswith("in_progress  stays: its run is not finished") for line in said) == 3


# ---- the command


@pytest.mark.parametrize("words", [(), ("provider=groq",), ("provider=anthropic",), ("model=gemma-3-27b-it",)])
def test_the_default_endpoint_is_examined_and_says_that_it_is_simulated(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = harness(tmp_path, "doctor", *words)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert ended.stdout.startswith("SIMULATED")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("provider=groq", "endpoint=live", "provider.api_key_env=NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE: not set;"),
        (("provider=kluster", "--clean"), "--clean: kluster has no call that deletes a file; leave it out"),
        (("-m", "provider=groq,openai"), "doctor: one provider at a time; leave -m out"),
        (("provider=grok",), "provider: there is no 'grok'"),
    ],
)
def test_a_mistake_is_exit_2(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    ended = harness(tmp_path, "doctor", *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_what_fails_at_the_provider_is_exit_3(tmp_path: Path) -> None:
    live = (
        "model=gpt-4o-mini",
        "endpoint=live",
        "provider.base_url=http://127.0.0.1:1/v1",
        "provider.api_key_env=null",
    )
    ended = harness(tmp_path, "doctor", *live)
    assert (ended.returncode, ended.stderr) == (3, "")
    assert "FAILS  batches" in ended.stdout
