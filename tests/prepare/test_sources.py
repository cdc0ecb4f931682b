"""A task's files: the user's folder first, file by file; nothing leads out of it except the dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.prepare.samples import FORMATS
from harness.prepare.sources import find, find_dataset, read_text
from tests.build import settings


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders of tasks, the user's own and the shipped one, each with the task `t`."""
    monkeypatch.chdir(tmp_path)
    for name in ("own", "shipped"):
        (tmp_path / name / "t" / "parts").mkdir(parents=True)
    return tmp_path / "own", tmp_path / "shipped"


def test_the_users_file_comes_first_file_by_file(roots: tuple[Path, Path]) -> None:
    own, shipped = roots
    (shipped / "t/system.j2").write_text("shipped system")
    (shipped / "t/user.j2").write_text("shipped user")
    (own / "t/user.j2").write_text("own user")
    assert read_text(roots, "t", "user.j2", "k") == "own user"
    assert read_text(roots, "t", "system.j2", "k") == "shipped system"


def test_a_file_in_a_folder_below_is_found_and_a_byte_order_mark_is_dropped(roots: tuple[Path, Path]) -> None:
    (roots[1] / "t/parts/head.j2").write_bytes(b"\xef\xbb\xbfhead")
    assert read_text(roots, "t", "parts/head.j2", "k") == "head"


def test_a_missing_file_names_the_setting_and_where_it_was_looked_for(roots: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text(roots, "t", "user.j2", "task.messages[1].template")
    own, shipped = roots
    assert str(caught.value) == f"task.messages[1].template: there is no user.j2 in {own / 't'} or {shipped / 't'}"


def test_a_file_that_is_not_utf_8_is_refused(roots: tuple[Path, Path]) -> None:
    (roots[0] / "t/user.j2").write_bytes(b"caf\xe9")
    with pytest.raises(ConfigError, match=r"k: .*user\.j2 cannot be read: 'utf-8' codec"):
        read_text(roots, "t", "user.j2", "k")


@pytest.mark.parametrize("name", ["../other/user.j2", "../../secret.txt", "{root}/secret.txt", "link.j2", "up/user.j2"])
def test_a_name_or_link_that_leads_out_of_the_folder_is_refused(name: str, roots: tuple[Path, Path]) -> None:
    own, _ = roots
    root = own.parent
    (root / "secret.txt").write_text("secret")
    (own / "other").mkdir()
    (own / "other/user.j2").write_text("other")
    (own / "t/link.j2").symlink_to(root / "secret.txt")
    (own / "t/up").symlink_to(own / "other")
    with pytest.raises(ConfigError, match="leads out of"):
        find(roots, "t", name.replace("{root}", str(root)))


def test_a_link_inside_the_folder_is_followed(roots: tuple[Path, Path]) -> None:
    (roots[0] / "t/one.j2").write_text("one")
    (roots[0] / "t/two.j2").symlink_to("one.j2")
    assert read_text(roots, "t", "two.j2", "k") == "one"


def dataset_at(path: str) -> Any:
    return settings("gpt-4o-mini", task={"dataset": {"path": path}})


def test_a_dataset_lies_in_the_tasks_folder_or_anywhere_else(roots: tuple[Path, Path]) -> None:
    own, shipped = roots
    cwd = own.parent
    for path in (shipped / "t/a.csv", own / "t/b.jsonl", cwd / "b.jsonl", cwd / "data.csv.gz"):
        path.write_text("x")
    (own / "t/link.csv").symlink_to(cwd / "data.csv.gz")
    os.mkdir("elsewhere")
    os.chdir("elsewhere")
    found = {
        name: find_dataset(roots, dataset_at(name), FORMATS).resolve()
        for name in ("a.csv", "b.jsonl", "link.csv", "../data.csv.gz", str(cwd / "data.csv.gz"), "../../b.jsonl")
    }
    assert found == {
        "a.csv": shipped / "t/a.csv",
        "b.jsonl": own / "t/b.jsonl",
        "link.csv": cwd / "data.csv.gz",
        "../data.csv.gz": cwd / "data.csv.gz",
        str(cwd / "data.csv.gz"): cwd / "data.csv.gz",
        "../../b.jsonl": cwd / "b.jsonl",
    }


def test_a_missing_dataset_says_where_it_was_looked_for(roots: tuple[Path, Path]) -> None:
    own, shipped = roots
    with pytest.raises(ConfigError) as caught:
        find_dataset(roots, dataset_at("rows.csv"), FORMATS)
    looked = ", ".join(str(path) for path in (own / "t/rows.csv", shipped / "t/rows.csv", own.parent / "rows.csv"))
    assert str(caught.value) == f"task.dataset.path: no such file; looked for {looked}"


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.json", "rows", "rows.csv.zip"])
def test_a_format_that_is_not_read_is_refused_by_its_name(name: str, roots: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match=r"the name must end in \.jsonl, \.csv, \.parquet, \.jsonl\.gz, \.csv\.gz"):
        find_dataset(roots, dataset_at(name), FORMATS)
