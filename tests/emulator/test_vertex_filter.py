"""Filters of a list of jobs, read term by term."""

from __future__ import annotations

from typing import Any

import pytest

from harness.emulator.problems import Problem
from harness.emulator.vertex_filter import keeps

JOB: dict[str, Any] = {"displayName": "a AND b", "state": "JOB_STATE_RUNNING", "labels": {"team": "x"}}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", True),
        ("  ", True),
        ('displayName="a AND b"', True),
        ('display_name="a AND b" AND labels.team=x', True),
        ('labels.team=x   AND displayName="a AND b"  AND state="JOB_STATE_RUNNING" ', True),
        ('displayName="a AND b" AND labels.team!="x"', False),
        ('displayName:"a AND *"', True),
        ("labels.none=x", False),
    ],
)
def test_a_filter_keeps_a_job_or_not(text: str, kept: bool) -> None:
    keep = keeps(text)
    assert not isinstance(keep, Problem)
    assert keep(JOB) is kept


@pytest.mark.parametrize(
    "text", ["x", "AND", 'state="a" AND', 'state="a" OR state="b"', 'state="a', "colour=red", "state=a ANDstate=b"]
)
def test_a_filter_that_is_none_is_refused(text: str) -> None:
    assert isinstance(keeps(text), Problem)
