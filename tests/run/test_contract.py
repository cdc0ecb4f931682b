"""What every lane owes a run, written once: each provider of conf/ sends, collects, resumes and cleans up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.configure.compose import composed
from harness.errors import ConfigError
from harness.providers.protocol import load
from harness.run.conclude import rebuild
from harness.run.driver import clean
from tests.conftest import COLOURS, SCHEMA, Project, lines
from tests.run.lanes import DONE, LEFT, Lane, came, those
from tests.run.test_faults import events, outcomes


def test_a_run_sends_every_request_once_and_leaves_a_complete_folder(lane: Project) -> None:
    ended = lane.run()
    assert came(ended) == DONE
    audit = lane.emulator.audit()
    assert (audit["executed"], audit["executed_by_custom_id_max"], audit["creates"]) == (30, 1, 3)
    assert {path.name for path in ended.folder.iterdir()} >= {
        *(".hydra", "plan.json", "settings.json", "task", "journal.jsonl", "batches", "results.jsonl", "results"),
        *("errors.jsonl", "metadata.json", "summary.json", "report.md"),
    }
    assert len(list((ended.folder / "results").iterdir())) == 30
    results = lines(ended.folder / "results.jsonl")
    assert [(result["row"], result["id"]) for result in results] == [(n, f"s{n:05d}") for n in range(30)]
    assert [result["parsed"] for result in results] == [{"colour": COLOURS[n % 3]} for n in range(30)]
    assert all(result["usage"]["input_tokens"] and result["usage"]["output_tokens"] for result in results)
    assert all(result["model_served"] and result["finish_reason"] for result in results)
    assert lines(ended.folder / "errors.jsonl") == []


def test_the_order_of_the_answers_does_not_matter(lane: Project) -> None:
    run = lane.run().folder
    before = (run / "results.jsonl").read_bytes()
    for path in run.glob("batches/*/output.jsonl"):
        path.write_bytes(b"".join(reversed(path.read_bytes().splitlines(keepends=True))))
    (run / "results.jsonl").unlink()
    rebuild(run)
    assert (run / "results.jsonl").read_bytes() == before


def test_a_run_that_was_left_is_collected_later(lane: Project) -> None:
    ended = lane.run(until="submitted")
    assert (ended.stopped, came(ended)) == ("detached", (3, {"pending": 30}))
    lane.emulator.advance(600)
    assert came(lane.resume(ended.folder)) == DONE
    audit = lane.emulator.audit()
    assert (audit["creates"], audit["executed_by_custom_id_max"]) == (3, 1)


def test_a_crash_at_any_step_changes_no_result_and_pays_nothing_twice(lane: Project) -> None:
    run = lane.run("batch.clean=none").folder
    journal, results = run / "journal.jsonl", (run / "results.jsonl").read_bytes()
    audit = lane.emulator.audit()
    whole = journal.read_bytes().splitlines(keepends=True)
    names = [json.loads(line)["event"] for line in whole]
    last = {name: number for number, name in enumerate(names)}  # an intent is on disk before its call is made
    steps = (last["intent"], last["created"], names.index("ended"), names.index("fetched"), last["collected"])
    for cut in {max(step, last["intent"]) for step in steps}:
        journal.write_bytes(b"".join(whole[: cut + 1]) + b'{"t":17')
        for name in ("results.jsonl", "summary.json", "report.md", "metadata.json"):
            (run / name).unlink()
        assert came(lane.resume(run)) == DONE
        assert (run / "results.jsonl").read_bytes() == results
    assert lane.emulator.audit() == audit


def left(lane: Project, facts: Lane) -> list[Any]:
    """Return what the official client still finds at the provider."""
    provider = composed(lane.words()).jobs[0].settings.provider
    client = load(facts.protocol).connect(provider, "k")
    try:
        return LEFT[facts.protocol](client)
    finally:
        client.close()


@those(lambda lane: lane.deletes_files)
def test_clean_up_leaves_nothing_at_the_provider(lane: Project, facts: Lane) -> None:
    ended = lane.run("batch.clean=none")
    assert left(lane, facts) != []
    assert clean(ended.folder, lane.console()) >= 3
    assert left(lane, facts) == []
    assert lane.run("batch.clean=all").code == 0
    assert left(lane, facts) == []


@those(lambda lane: not lane.deletes_files)
def test_clean_up_says_where_nothing_can_be_deleted(lane: Project, facts: Lane) -> None:
    ended = lane.run("batch.clean=all")
    assert came(ended) == DONE
    said = f"{facts.name} has no call that deletes a file"
    assert {(event["refused"], *event["files"]) for event in events(ended, "cleaned")} == {(said,)}
    with pytest.raises(ConfigError, match=said):
        clean(ended.folder, lane.console())


def test_a_schema_that_the_lane_cannot_express_is_said_otherwise_and_judges_the_answers(lane: Project) -> None:
    schema = SCHEMA | {"not": {"properties": {"colour": {"const": "green"}}}}
    (lane.folder / "templates" / "colours" / "schema.json").write_text(json.dumps(schema))
    lane.learn(lane.folder / "books" / "book.jsonl")
    ended = lane.run()
    assert outcomes(ended) == {"answered": 20, "invalid": 10}
    results = lines(ended.folder / "results.jsonl")
    assert {result["target"] for result in results if result["outcome"] == "invalid"} == {"green"}
    rules = {rule["name"] for rule in json.loads((ended.folder / "plan.json").read_text())["rules"]}
    assert rules & {"schema_in_prompt", "schema_not_strict"}
    assert "green" in (ended.folder / "batches" / "0001" / "requests.jsonl").read_text()


# ---- creating a batch


@pytest.mark.parametrize("fault", ["create_answer_lost", "create_500_but_accepted"])
def test_a_create_whose_answer_is_lost_is_adopted_and_not_sent_again(lane: Project, fault: str) -> None:
    lane.emulator.set_faults([{"fault": fault, "times": 1}])
    ended = lane.run()
    assert came(ended) == DONE
    audit = lane.emulator.audit()
    assert (audit["creates"], audit["executed"], audit["executed_by_custom_id_max"]) == (3, 30, 1)
    assert [event["adopted"] for event in events(ended, "created")].count(True) == 1
    assert "looking for it before anything is sent again" in lane.said.getvalue()


@pytest.mark.parametrize("fault", [{"fault": "create_500_then_ok"}, {"fault": "drop_connection", "on": "create_batch"}])
def test_a_create_that_never_arrived_is_made_again_after_a_look(lane: Project, fault: dict[str, Any]) -> None:
    lane.emulator.set_faults([{**fault, "times": 1}])
    ended = lane.run()
    assert came(ended) == DONE
    assert lane.emulator.audit()["creates"] == 3
    assert not any(event["adopted"] for event in events(ended, "created"))
    assert len(events(ended, "not_found")) >= 3


def test_a_limit_is_waited_for_as_long_as_the_server_says(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "rate_limited", "on": "create_batch", "retry_after": 400, "times": 1}])
    ended = lane.run()
    assert came(ended) == DONE
    [failed] = [event for event in events(ended, "failed") if event["call"] == "create"]
    assert failed["status"] == 429
    intent = next(event for event in events(ended, "intent") if event["batch"] == failed["batch"])
    [again] = [event for event in events(ended, "created") if event["batch"] == failed["batch"]]
    assert failed["retry_at"] >= intent["t"] + 400  # our own backoff would be back before
    assert again["t"] >= failed["retry_at"]
    assert lane.emulator.audit()["creates"] == 3


def test_a_create_that_is_refused_stops_the_run(lane: Project) -> None:
    lane.emulator.set_faults([{"fault": "server_error", "on": "create_batch", "status": 400, "times": None}])
    ended = lane.run()
    assert (ended.stopped, came(ended)) == ("refused", (3, {"pending": 30}))
    assert ended.reason.startswith("create: ")
    assert lane.emulator.audit()["creates"] == 0


@those(lambda lane: lane.protocol != "vertex")  # which says so at a create call only
def test_a_model_that_the_provider_does_not_have_is_refused_before_anything_is_uploaded(
    lane: Project, facts: Lane
) -> None:
    api = composed(lane.words()).jobs[0].settings.model.api
    with pytest.raises(ConfigError, match=f"model: {facts.name} has no 'no-such-model-9'; check model.id"):
        lane.run("model=custom", "model.id=no-such-model-9", f"model.api={api}", "generate.max_tokens=9")
    assert not list((lane.folder / "outputs").rglob("plan.json"))
    audit = lane.emulator.audit()
    assert (audit["uploads"], audit["creates"]) == (0, 0)
