"""Google's two protocols: the exact bytes of a request, every shape of answer, and what the importer refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.providers import gemini, gemini_lines, vertex, vertex_lines
from harness.providers.google_lines import kind_of
from harness.providers.vertex_importer import refusals
from harness.types import Fixed, Message, Request, Sample, SentSchema, Usage

SAMPLE = Sample("s1", 0, {}, None, {})
SCHEMA = SentSchema("task", {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}, True)
USAGE = {
    "promptTokenCount": 9,
    "cachedContentTokenCount": 4,
    "candidatesTokenCount": 2,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 16,
}
ODD: list[Any] = [5, "x", [], ["x"], {"a": 1}, {}, True, -1, 1.5, None]


def fixed(**changes: Any) -> Fixed:
    values: dict[str, Any] = {"model": "m-1", "api": "generate_content", "parameters": {}, "output": "text"}
    return Fixed(**(values | {"schema": None, "system_role": "system", "suffix": None, "rules": ()} | changes))


def request(*turns: tuple[str, str]) -> Request:
    return Request(0, 0, SAMPLE, tuple(Message(role, text) for role, text in turns))


TURNS = request(("system", "Be brief."), ("user", "hi"), ("assistant", "ho"), ("user", 'a "b"\n'))
BODY = (
    '{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"ho"}]},'
    '{"role":"user","parts":[{"text":"a \\"b\\"\\n"}]}],"systemInstruction":{"parts":[{"text":"Be brief."}]},'
    '"generationConfig":{"temperature":0,"responseMimeType":"application/json",'
)
FORM = '{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}'


def test_a_request_of_the_gemini_api_is_these_bytes() -> None:
    what = fixed(parameters={"generationConfig": {"temperature": 0}}, output="json_schema", schema=SCHEMA)
    line = gemini.line("kabc-0-1", gemini.encoder(what)(TURNS), what).decode()
    assert line == '{"key":"kabc-0-1","request":' + BODY + '"responseJsonSchema":' + FORM + "}}}\n"


def test_a_request_of_vertex_is_these_bytes_with_the_id_in_the_labels_where_that_is_wished() -> None:
    what = fixed(parameters={"generationConfig": {"temperature": 0}}, output="json_schema", schema=SCHEMA)
    start = '{"custom_id":"kabc-0-1","request":' + BODY + '"responseSchema":' + FORM + "}"
    assert vertex.line("kabc-0-1", vertex.encoder(what)(TURNS), what).decode() == start + "}}\n"
    labelled = fixed(parameters=what.parameters, output="json_schema", schema=SCHEMA, id_as_label=True)
    sent = vertex.line("kabc-0-1", vertex.encoder(labelled)(TURNS), labelled).decode()
    assert sent == start + ',"labels":{"harness_id":"kabc-0-1"}}}\n'


def test_labels_of_the_users_own_do_not_stand_beside_the_label_with_the_id() -> None:
    what = {"parameters": {"labels": {"team": "a"}}}
    assert b'"labels":{"team":"a"}' in vertex.encoder(fixed(**what))(TURNS)
    with pytest.raises(ConfigError, match=r"generate\.extra\.labels: is set by the harness .*id_as_label=false"):
        vertex.encoder(fixed(**what, id_as_label=True))


def test_without_system_text_and_parameters_there_is_nothing_but_the_turns() -> None:
    body = json.loads(gemini.encoder(fixed())(request(("system", ""), ("user", "hi"))))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def candidate(reason: str = "STOP", **content: Any) -> dict[str, Any]:
    parts = {"content": {"role": "model", "parts": [{"text": "he"}, {"text": "llo"}]}} | content
    return {"candidates": [{**parts, "finishReason": reason}], "usageMetadata": USAGE, "modelVersion": "m-9"}


def row(protocol: str, response: Any = None, **fields: Any) -> bytes:
    held = {"response": response} if response is not None else {}
    if protocol == "gemini":
        return json.dumps({"key": "k-0-1", **held, **fields}).encode()
    return json.dumps({"custom_id": "k-0-1", "status": "", "request": {}, **held, **fields}).encode()


DECODE = {"gemini": gemini.decode, "vertex": vertex.decode}


@pytest.mark.parametrize("protocol", DECODE)
def test_an_answer_is_read_with_its_thoughts_counted_and_left_out(protocol: str) -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "he"}, {"text": "llo"}]
    found = DECODE[protocol](row(protocol, candidate(content={"parts": parts}) | {"responseId": "r1"}))
    assert (found.custom_id, found.text, found.finish_reason, found.truncated) == ("k-0-1", "hello", "STOP", False)
    assert (found.model, found.request_id, found.refusal, found.error) == ("m-9", "r1", None, None)
    assert found.usage == Usage(9, 4, 0, 7, 5)


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "CONTINUATION"])
def test_an_answer_that_was_cut_off_is_truncated_even_without_parts(reason: str) -> None:
    for content in ({}, {"content": {}}, {"content": {"role": "model"}}):
        found = gemini.decode(row("gemini", candidate(reason, **content)))
        assert found.truncated
        assert found.error is None
    assert gemini.decode(row("gemini", candidate(reason, content=None))).text is None


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"])
def test_an_answer_that_was_stopped_for_its_content_is_refused(reason: str) -> None:
    assert gemini.decode(row("gemini", candidate(reason))).refusal == "hello"
    assert gemini.decode(row("gemini", candidate(reason, content={}))).refusal == f"blocked: {reason}"


@pytest.mark.parametrize("protocol", DECODE)
def test_a_prompt_that_was_blocked_is_refused(protocol: str) -> None:
    found = DECODE[protocol](row(protocol, {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE}))
    assert (found.refusal, found.finish_reason, found.error) == ("blocked: SAFETY", "SAFETY", None)
    assert found.usage == Usage(9, 4, 0, 7, 5)


@pytest.mark.parametrize("protocol", DECODE)
def test_an_answer_without_candidates_is_no_answer(protocol: str) -> None:
    found = DECODE[protocol](row(protocol, {}))
    assert found.error is not None
    assert found.error.kind == "unknown"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *[(3, "permanent"), (5, "permanent"), (7, "auth"), (8, "retryable"), (13, "retryable"), (14, "retryable")],
        *[(16, "auth"), (1, "cancelled"), (400, "permanent"), (401, "auth"), (403, "auth"), (404, "permanent")],
        *[(408, "retryable"), (429, "retryable"), (500, "retryable"), (503, "retryable"), (99, "unknown")],
    ],
)
def test_an_error_is_classed_by_its_number_of_either_kind(code: int, kind: str) -> None:
    assert kind_of(code) == kind
    found = gemini.decode(row("gemini", error={"code": code, "message": "no"})).error
    assert found is not None
    assert (found.kind, found.message, found.status) == (kind, "no", code if code >= 100 else None)


def test_money_that_is_missing_is_told_apart() -> None:
    status = {"code": 400, "message": "Please enable billing on your project.", "status": "FAILED_PRECONDITION"}
    found = gemini.decode(row("gemini", error=status)).error
    assert found is not None
    assert found.kind == "billing"


BAD = {"code": 400, "message": "Please use a valid role: user, model.", "status": "INVALID_ARGUMENT"}


@pytest.mark.parametrize(
    ("status", "kind", "code", "message"),
    [
        ("Bad Request: " + json.dumps({"error": BAD}), "permanent", 400, "Please use a valid role: user, model."),
        ("Too Many Requests: slow down", "retryable", 429, "Too Many Requests: slow down"),
        ("Internal Server Error: ", "retryable", 500, "Internal Server Error: "),
        ("RESOURCE_EXHAUSTED", "retryable", None, "RESOURCE_EXHAUSTED"),
        ("something odd", "unknown", None, "something odd"),
        ("", "unknown", None, "neither an answer nor an error"),
    ],
)
def test_a_row_of_vertex_that_failed_says_why_in_its_status(status: str, kind: str, code: Any, message: str) -> None:
    found = vertex.decode(row("vertex", status=status)).error
    assert found is not None
    assert (found.kind, found.status, found.message) == (kind, code, message)


def test_the_label_is_the_id_where_the_key_beside_the_request_is_lost() -> None:
    held = {"status": "", "request": {"labels": {"harness_id": "k-0-1"}}, "response": candidate()}
    assert vertex.decode(json.dumps(held).encode()).custom_id == "k-0-1"
    assert vertex.decode(json.dumps({**held, "custom_id": 5}).encode()).custom_id == "k-0-1"
    assert vertex.decode(json.dumps({**held, "custom_id": "k-0-2"}).encode()).custom_id == "k-0-2"


@pytest.mark.parametrize("protocol", DECODE)
@pytest.mark.parametrize("odd", ODD)
def test_odd_values_anywhere_are_no_crash(protocol: str, odd: Any) -> None:
    decode = DECODE[protocol]
    for name in ("response", "error", "status", "request"):
        assert decode(row(protocol, **{name: odd})).custom_id == "k-0-1"
    for name in ("candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId"):
        assert decode(row(protocol, candidate() | {name: odd})).custom_id == "k-0-1"
    assert decode(row(protocol, {"candidates": [odd]})).custom_id == "k-0-1"
    for name in ("content", "finishReason"):
        assert decode(row(protocol, {"candidates": [{name: odd}]})).custom_id == "k-0-1"
    assert decode(row(protocol, candidate(content={"parts": odd}))).custom_id == "k-0-1"
    assert decode(row(protocol, candidate(content={"parts": [odd]}))).custom_id == "k-0-1"


@pytest.mark.parametrize("line", [b"[]", b"5", b"{}", b'{"key": 5}', b'{"custom_id": null}', b"{", b"x"])
@pytest.mark.parametrize("protocol", DECODE)
def test_what_is_no_line_is_said_to_be_none(protocol: str, line: bytes) -> None:
    with pytest.raises(ValueError, match=r"without|unexpected|expected|invalid|JSON"):
        DECODE[protocol](line)


def operation(state: str, **fields: Any) -> dict[str, Any]:
    stats = {"requestCount": "3", "successfulRequestCount": "1", "failedRequestCount": "1", "pendingRequestCount": "1"}
    return {"name": "batches/b1", "metadata": {"state": state, "batchStats": stats}, **fields}


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        *[("BATCH_STATE_PENDING", "running"), ("BATCH_STATE_RUNNING", "running"), ("JOB_STATE_RUNNING", "running")],
        *[("BATCH_STATE_SUCCEEDED", "ended"), ("BATCH_STATE_FAILED", "ended"), ("BATCH_STATE_CANCELLED", "ended")],
        *[("BATCH_STATE_EXPIRED", "ended"), ("BATCH_STATE_UNSPECIFIED", "unknown"), ("BATCH_STATE_NEW", "unknown")],
    ],
)
def test_every_state_of_a_gemini_batch_has_a_meaning(state: str, phase: str) -> None:
    assert gemini_lines.status_of(operation(state)).phase == phase


def test_results_of_a_gemini_batch_stand_in_either_place_or_are_late() -> None:
    late = gemini_lines.status_of(operation("BATCH_STATE_SUCCEEDED"))
    assert late.late
    found = operation("BATCH_STATE_SUCCEEDED", response={"responsesFile": "files/batch-b1"})
    status = gemini_lines.status_of(found)
    assert not status.late
    assert status.files == {"output": "files/batch-b1", "batch": "batches/b1"}
    assert (status.completed, status.failed, status.total) == (2, 0, 3)


def test_a_gemini_batch_that_is_lost_says_how() -> None:
    bare = gemini_lines.status_of({"name": "batches/b1", "done": True, "error": {"code": 13, "message": "x"}})
    assert (bare.phase, bare.error.kind if bare.error else None) == ("ended", "retryable")
    failed = gemini_lines.status_of(operation("BATCH_STATE_FAILED", error={"code": 3, "message": "bad file"}))
    assert failed.error is not None
    assert (failed.error.kind, failed.error.message) == ("permanent", "bad file")
    for state, kind in (("BATCH_STATE_CANCELLED", "cancelled"), ("BATCH_STATE_EXPIRED", "expired")):
        status = gemini_lines.status_of(operation(state))
        assert status.error is not None
        assert (status.error.kind, status.completed) == (kind, 0)


def job(state: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "projects/123/locations/l/batchPredictionJobs/77",
        "state": state,
        "outputConfig": {"gcsDestination": {"outputUriPrefix": "gs://b/harness/k/out"}},
        "completionStats": {"successfulCount": "4", "failedCount": "1", "incompleteCount": "-1"},
        **fields,
    }


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        *[(state, "running") for state in ("QUEUED", "PENDING", "RUNNING", "CANCELLING", "PAUSED", "UPDATING")],
        *[(state, "ended") for state in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")],
        *[("UNSPECIFIED", "unknown"), ("NEW", "unknown")],
    ],
)
def test_every_state_of_a_vertex_job_has_a_meaning(state: str, phase: str) -> None:
    assert vertex_lines.status_of(job(f"JOB_STATE_{state}")).phase == phase


def test_a_vertex_job_that_ended_is_read_wherever_its_rows_may_be() -> None:
    for state in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"):
        status = vertex_lines.status_of(job(f"JOB_STATE_{state}"))
        assert status.files == {"output": "gs://b/harness/k/out/", "job": "77"}
        assert (status.id, status.completed, status.total) == ("77", 5, 5)
        assert status.late == (state != "FAILED")
    empty = job("JOB_STATE_CANCELLED", completionStats={})
    assert not vertex_lines.status_of(empty).late
    done = job("JOB_STATE_SUCCEEDED", outputInfo={"gcsOutputDirectory": "gs://b/harness/k/out/prediction-model-1"})
    assert not vertex_lines.status_of(done).late


@pytest.mark.parametrize(
    ("code", "message", "kind", "hint"),
    [
        (3, "Failed to import data.", "permanent", ""),
        (9, "Failed to get GCS bucket location for b.", "permanent", "(provider.bucket)"),
        (7, "insufficient permission", "auth", "provider.bucket"),
        (13, "System error.", "retryable", ""),
        (3, "Not found: URI gs://b/harness/k/requests.jsonl", "retryable", ""),
        (None, None, "retryable", ""),
    ],
)
def test_a_vertex_job_that_failed_names_the_setting(code: Any, message: Any, kind: str, hint: str) -> None:
    said = {"code": code, "message": message} if code else None
    error = vertex_lines.status_of(job("JOB_STATE_FAILED", error=said, completionStats={})).error
    assert error is not None
    assert error.kind == kind
    assert error.message.startswith(message or "an error")
    assert hint in error.message


@pytest.mark.parametrize(("code", "kind"), [(13, "unknown"), (7, "auth"), (3, "permanent")])
def test_rows_that_ran_and_could_not_be_written_are_said_to_be_billed_and_not_sent_again(code: int, kind: str) -> None:
    error = vertex_lines.status_of(job("JOB_STATE_FAILED", error={"code": code, "message": "no."})).error
    assert error is not None
    assert error.kind == kind
    assert "4 rows ran and are billed, and their answers could not be written" in error.message


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"tools": [{"google_search": {}}]}, r"tools\[\]\.google_search is an empty object"),
        ({"a b": 1}, "a b has a name that is not letters, digits and _ only"),
        ({"schema": {"$ref": "x"}}, r"schema\.\$ref has a name"),
        ({"x": None}, "x is null"),
        ({"x": [{"a": 1}, {"a": "b"}]}, r"x\[\]\.a is a number in one place and a text in another"),
        ({"x": [[1]]}, "x holds a list in a list"),
    ],
)
def test_what_the_importer_refuses_is_refused_before_it_is_sent(extra: Any, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"generate.extra: {reason}.*: Vertex would refuse the whole job"):
        vertex.encoder(fixed(parameters=extra))


def test_nesting_is_counted_and_what_is_fine_passes() -> None:
    deep: Any = "x"
    for _ in range(16):
        deep = {"a": deep}
    assert any("nested more than 15 levels deep" in line for line in refusals(deep))
    assert refusals({"contents": [], "generationConfig": {"stopSequences": ["a"], "temperature": 0.5}}) == []
