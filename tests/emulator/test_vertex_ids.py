"""What names a row of a job, and that a stranger's row is named in the same place."""

from __future__ import annotations

from typing import Any

import pytest
from google import genai
from google.cloud import storage

from harness.emulator import Running
from harness.emulator.vertex_ids import name_of, renamed

from .jobs_of_vertex import order, put, row

ASK: dict[str, Any] = {"contents": []}


@pytest.mark.parametrize(
    ("line", "name", "stranger"),
    [
        ({"a": "x", "key": "k", "custom_id": "c"}, "c", {"a": "x", "key": "k", "custom_id": "s"}),
        ({"key": "k"}, "k", {"key": "s"}),
        ({"id": 7}, "7", {"id": "s"}),
        ({"custom_id": {"no": 1}, "row_id": "r"}, "r", {"custom_id": {"no": 1}, "row_id": "s"}),
        ({"flag": True, "none": None, "n": 1.5}, "1.5", {"flag": True, "none": None, "n": "s"}),
        ({"status": "", "processed_time": "t"}, "b/0", {"status": "", "processed_time": "t", "custom_id": "s"}),
    ],
)
def test_a_sibling_names_a_row(line: dict[str, Any], name: str, stranger: dict[str, Any]) -> None:
    assert name_of(line | {"request": ASK}, "b/0") == name
    assert renamed(line | {"request": ASK}, "s") == stranger | {"request": ASK}


def test_else_a_label_does() -> None:
    one = {"request": ASK | {"labels": {"n": 1, "mine": "l", "other": "o"}}}
    assert name_of(one, "b/0") == "l"
    assert renamed(one, "s") == {"request": ASK | {"labels": {"n": 1, "mine": "s", "other": "o"}}}
    for labels in ([1], {}, "x", None, {"n": 1}):
        assert name_of({"request": ASK | {"labels": labels}}, "b/0") == "b/0"


@pytest.mark.parametrize("where", ["row_id", "label"])
def test_the_audit_sees_a_row_that_runs_twice(
    emulator: Running, vertex: genai.Client, bucket: storage.Bucket, where: str
) -> None:
    asked = [row(f"q-{i}") for i in range(3)]
    for i, one in enumerate(asked):
        del one["custom_id"]
        if where == "label":
            one["request"]["labels"] = {"mine": f"q-{i}"}
        else:
            one[where] = f"q-{i}"
    put(bucket, asked)
    for dest in ("one", "two"):
        order(vertex, dest=f"gs://simulated-bucket/{dest}")
    emulator.advance(100)
    audit = emulator.audit()
    assert (audit["executed"], audit["executed_more_than_once"], audit["executed_by_custom_id_max"]) == (6, 3, 2)
