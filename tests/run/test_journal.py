"""The journal: append only, a torn last line is repaired, damage before it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.run import journal

LINES = [{"t": 1.0, "event": "started", "run_key": "k"}, {"t": 2.0, "event": "uploaded", "batch": "0001", "file": "f"}]


def write(path: Path) -> bytes:
    log = journal.Journal(path)
    for event in LINES:
        log.append(event)
    log.close()
    return path.read_bytes()


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "j")
    assert journal.read(tmp_path / "j") == LINES


@given(cut=st.integers(min_value=0, max_value=200))
def test_whatever_is_torn_off_the_end_whole_lines_survive(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    data = write(path)
    kept = data[: max(0, len(data) - cut)]
    path.write_bytes(kept)
    whole = kept.count(b"\n")
    assert journal.read(path) == LINES[:whole]
    log = journal.Journal(path)
    log.append({"t": 3.0, "event": "finished"})
    log.close()
    assert journal.read(path) == [*LINES[:whole], {"t": 3.0, "event": "finished"}]


def test_a_torn_line_longer_than_a_block_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "j"
    data = write(path)
    path.write_bytes(data + b'{"t": 3, "x": "' + b"y" * 200_000)
    journal.repair(path)
    assert path.read_bytes() == data


def test_damage_before_the_last_line_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"t": 1, "event": "started"}\nnot json\n{"t": 2, "event": "finished"}\n')
    with pytest.raises(HarnessError, match=r"j:2: damaged"):
        journal.read(path)


def test_looks_that_found_nothing_new_are_not_written(tmp_path: Path) -> None:
    log = journal.Journal(tmp_path / "j")
    log.append({"t": 1.0, "event": "polled", "next": 2.0, "interval": 1.0})
    log.close()
    assert (tmp_path / "j").read_bytes() == b""
