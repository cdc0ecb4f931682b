"""The tasks that ship: every sample is what its README says, and the right answer to it scores 1 under its scorers."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness.collect.scorers import load_scorers
from harness.configure.compose import asset_dir, composed
from harness.run.planning import plan_all
from harness.settings import Task

TASKS = sorted(path.name for path in asset_dir("templates").iterdir())
OURS = ("arithmetic", "extraction", "routing", "summary")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def task(name: str) -> Task:
    return composed([f"task={name}", "model=gpt-4o-mini"]).jobs[0].settings.task


def rows(name: str, file: str = "samples.jsonl") -> list[dict[str, Any]]:
    text = (asset_dir("templates") / name / file).read_text(encoding="utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def plain(value: Any) -> Any:
    """Return values as a dataset's reader gives them."""
    return json.loads(json.dumps(value, default=float))


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_hundred_samples_a_readme_and_is_planned_whole(name: str) -> None:
    folder = asset_dir("templates") / name
    samples = rows(name)
    assert len(samples) >= 100
    assert (folder / "README.md").read_text().startswith(f"# {name}\n")
    assert len({row["id"] for row in samples}) == len(samples)
    keys = [key for key in samples[0] if isinstance(samples[0][key], str) and len(samples[0][key]) > 30]
    for key in keys:  # no text stands twice
        assert len({row[key] for row in samples}) == len(samples), key
    [plan] = plan_all(composed([f"task={name}", "model=gpt-4o-mini"]))
    assert plan.counts["samples"] == len(samples)


@pytest.mark.parametrize("name", TASKS)
def test_what_a_task_counts_in_its_readme_is_so(name: str) -> None:
    text = (asset_dir("templates") / name / "README.md").read_text()
    assert str(len(rows(name))) in text
    for column in task(name).dataset.metadata:
        assert f"`{column}`" in text
    for scorer in task(name).scorers.values():
        assert scorer.kind in text or (name, scorer.kind) == ("sentiment", "choice")


@pytest.mark.parametrize("name", OURS)
def test_the_right_answer_to_every_sample_scores_one(name: str) -> None:
    found = task(name)
    scorers = load_scorers(found.scorers, None)
    for row in plain(rows(name)):
        target = row[found.target or ""]
        answers: Mapping[str, Any] = {
            "arithmetic": {"working": "", "answer": target},
            "routing": {"reason": "", "queue": target},
            "extraction": target,
        }
        text = target["summary"] if name == "summary" else json.dumps(answers[name])
        fields = {"text": text, "target": target, "extracted_by": None if name == "summary" else "strict"}
        fields["parsed"] = answers.get(name)
        assert [score(fields) for _, score in scorers] == [1.0] * len(scorers), row["id"]


@pytest.mark.parametrize("name", [name for name in TASKS if name != "summary"])
def test_every_target_fits_the_schema(name: str) -> None:
    schema = json.loads((asset_dir("templates") / name / "schema.json").read_text())
    field, column = {
        "extraction": (None, "order"),
        "arithmetic": ("answer", "answer"),
        "routing": ("queue", "queue"),
        "sentiment": ("label", "label"),
    }[name]
    valid = jsonschema_rs.Draft202012Validator(schema["properties"][field] if field else schema, validate_formats=True)
    assert task(name).target == column
    for row in plain(rows(name)):
        valid.validate(row[column])


def value(node: ast.expr, text: str) -> Fraction:
    """Work out an expression in fractions; a decimal is what its digits say."""
    if isinstance(node, ast.Constant):
        return Fraction(ast.get_source_segment(text, node) or "")
    assert isinstance(node, ast.BinOp), ast.dump(node)
    left, right = value(node.left, text), value(node.right, text)
    if isinstance(node.op, ast.Pow):
        assert right.denominator == 1
        return left ** int(right)
    operations: dict[type[ast.operator], Any] = {
        ast.Add: lambda: left + right,
        ast.Sub: lambda: left - right,
        ast.Mult: lambda: left * right,
        ast.Div: lambda: left / right,
        ast.Mod: lambda: left % right,
        ast.FloorDiv: lambda: Fraction(left // right),
    }
    return Fraction(operations[type(node.op)]())


def test_every_answer_of_arithmetic_follows_from_its_working() -> None:
    for row in rows("arithmetic"):
        tree = ast.parse(row["working"], mode="eval")
        assert value(tree.body, row["working"]) == Fraction(row["answer"]), row["id"]
        assert sum(isinstance(node, ast.BinOp) for node in ast.walk(tree)) == row["steps"], row["id"]


def test_routing_has_as_many_mails_for_every_queue_and_a_shot_for_each() -> None:
    schema = json.loads((asset_dir("templates") / "routing" / "schema.json").read_text())
    queues = schema["properties"]["queue"]["enum"]
    assert Counter(row["queue"] for row in rows("routing")) == dict.fromkeys(queues, 11)
    assert sorted(row["queue"] for row in rows("routing", "shots.jsonl")) == sorted(queues)
    assert Counter(row["difficulty"] for row in rows("routing")) == {"plain": 60, "hard": 45, "adversarial": 27}


def test_every_fact_of_a_summary_stands_in_the_text_and_in_the_reference() -> None:
    for row in rows("summary"):
        for fact in row["reference"]["facts"]:
            assert fact.casefold() in row["text"].casefold(), row["id"]
            assert fact.casefold() in row["reference"]["summary"].casefold(), row["id"]


def test_extraction_has_every_optional_field_with_and_without_a_value() -> None:
    orders = [row["order"] for row in rows("extraction")]
    places = {
        "phone": [order["customer"] for order in orders],
        "email": [order["customer"] for order in orders],
        "date": [order["delivery"] for order in orders],
        "city": [order["delivery"] for order in orders],
        "instructions": [order["delivery"] for order in orders],
    }
    for name, parents in places.items():
        there = sum(name in parent for parent in parents)
        assert 15 <= there <= len(orders) - 15, name
    tags = Counter(tag for order in orders for tag in order["tags"])
    assert min(tags.values()) >= 12
    assert len(tags) == 5
