"""Reports for people: Markdown and terminal, with hostile words in them."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import USAGE, failed, result
from markdown_it import MarkdownIt
from rich.console import Console

from harness.report import markdown, wording
from harness.report.clean import markdown_text, one_line
from harness.report.heading import SIMULATED, Heading, SweepRow
from harness.report.summary import Summary
from harness.report.terminal import clean_text, print_report, sweep_table

HOSTILE = "\x1b[31mred\x1b]0;title\x07 <script>alert(1)</script> | **bold** [x](https://evil) `a`\n# h \u202eabc\x9b2J"
RULES = [
    {"name": "drop", "subject": "temperature", "note": "temperature is not sent", "asked": True},
    {"name": "rename", "subject": "max_tokens", "note": "max_tokens is sent under another name", "asked": False},
]
ESTIMATE = {"low": 0.11, "expected": 0.25, "cap": 1.5}


def heading(**changes: Any) -> Heading:
    values: dict[str, Any] = {"task": "tickets", "model": "a-model", "provider": "some", "host": "api.example.com"}
    values |= {"simulated": False, "started": "2026-11-23T14:05:09+00:00", "finished": "2026-11-23T14:09:55+00:00"}
    return Heading(**(values | {"batches": 2, "rules": RULES, "estimate": ESTIMATE} | changes))


def summary(*more: dict[str, Any]) -> dict[str, Any]:
    found = Summary(["accuracy"], epochs=1, reduce="mean", k=None, unscored=["failed", "missing"])
    for row in range(20):
        found.add(result(row, score=float(row % 4 > 0), usage=USAGE, cost=0.001, model_served="a-model-2025"))
    for line in (result(20, "invalid", 0.0), failed(21, HOSTILE), result(22, "pending", None), *more):
        found.add(line)
    return found.to_dict(ESTIMATE)


def screen(heading_: Heading, summary_: dict[str, Any], **options: Any) -> str:
    console = Console(file=io.StringIO(), width=80, **options)
    print_report(console, heading_, summary_)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_simulated_is_the_first_line_everywhere() -> None:
    assert markdown.report(heading(simulated=True), summary()).splitlines()[0] == f"**{SIMULATED}**"
    assert screen(heading(simulated=True), summary()).splitlines()[0] == SIMULATED
    assert "SIMULATED" not in markdown.report(heading(), summary()) + screen(heading(), summary())
    row = SweepRow("a", "finished", summary(result(30, simulated=True)))
    assert markdown.sweep([row]).startswith(f"**{SIMULATED}**")


@pytest.mark.parametrize(
    "fact",
    [
        "tickets",
        "a-model-2025",
        "api.example.com",
        "2026-11-23 14:05:09 – 14:09:55",
        "accuracy",
        "0.714",
        "worst–best",
        "invalid",
        "pending",
        "$0.25 (from $0.11, at most $1.50)",
        "$0.02",
        "200 in (80 cached), 100 out (60 reasoning)",
        "temperature is not sent",
        "s21",
    ],
)
def test_both_reports_say_what_matters(fact: str) -> None:
    assert fact in markdown.report(heading(), summary()).replace("\\$", "$")
    assert fact in screen(heading(), summary())


def test_a_simulated_run_has_no_actual_cost() -> None:
    assert "none, simulated" in markdown.report(heading(simulated=True), summary())


def test_a_run_without_scorers_rules_errors_and_dates_has_a_report() -> None:
    empty = Summary([], epochs=1, reduce="mean", k=None, unscored=[]).to_dict()
    bare = heading(rules=[], estimate=None, started=None, finished=None, batches=0)
    assert "no scorers" in markdown.report(bare, empty)
    assert "answered" in screen(bare, empty)


def test_hostile_words_are_only_words_in_markdown() -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(markdown.report(heading(), summary()))
    assert set(re.findall(r"<(\w+)", html)) <= {"h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | **bold** [x](https://evil) `a` # h abc" in html
    assert "\x1b" not in html


@given(st.text(alphabet="ab*_`[]()<>&|\\!#~$@:/w. \n\t-+=1", max_size=40))
def test_any_text_reads_in_markdown_as_it_is(text: str) -> None:
    rendered = MarkdownIt("gfm-like", {"linkify": False}).renderInline("x " + markdown_text(text))
    plain = rendered.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert plain.strip() == ("x " + " ".join(text.split())).strip()


@pytest.mark.parametrize("text", ["https://evil.example", "HTTP://x.y", "www.evil.example", "me@evil.example"])
def test_addresses_do_not_become_links(text: str) -> None:
    assert not re.search(r"(?i)://|www\.|(?<!\\)@", markdown_text(text))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\x1b[1;31mb\x1b[0m", "ab"),
        ("a\x1b]8;;https://evil\x1b\\link\x1b]8;;\x07b", "alinkb"),
        ("a\x1bPq...\x1b\\b", "ab"),
        ("a\x9b2Jb\x9d0;t\x9cc", "abc"),
        ("a\x1bcb", "ab"),
        ("a\x00\x07\x08\r\x7f\x85b", "ab"),
        ("a\u202eb\u2066c\u200bd\ufeff\U000e0041", "abcd"),
        ("a\ud800b", "ab"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("ümlaut 漢字 🎉", "ümlaut 漢字 🎉"),
    ],
)
def test_clean_text_leaves_only_what_is_seen(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@given(st.text(alphabet="\x1b[]P\\0;m\x07\x9b\x9da \n\u202e", max_size=30))
def test_nothing_that_controls_a_terminal_survives(text: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", clean_text(text))


def test_long_texts_are_cut() -> None:
    assert one_line("word " * 1000) == ("word " * 60)[:299] + "…"
    assert len(one_line("\x1b[31m" * 100_000 + "x")) <= 300


@pytest.mark.parametrize("options", [{}, {"force_terminal": True, "color_system": "truecolor"}])
def test_the_screen_fits_80_columns_and_has_colour_on_a_terminal_only(options: dict[str, Any]) -> None:
    long = failed(23, "x" * 500) | {"model_served": "m" * 100}
    text = screen(heading(simulated=True, task="t" * 100), summary(long), **options)
    assert ("\x1b[" in text) == bool(options)
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in text.splitlines()) <= 80
    assert "\x1b]0;" not in text
    assert "[red]" in screen(heading(task="[red]x[/red]"), summary())


def test_a_sweep_has_a_line_per_run() -> None:
    rows = [SweepRow("model=a", "finished", summary()), SweepRow("model=b,batch.size=500", "stopped: no money", None)]
    console = Console(file=io.StringIO(), width=80)
    console.print(sweep_table(rows))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert all(word in text for word in ("model=a", "0.714", "91.3 %", "finished", "stopped"))
    assert "| model=b,batch.size=500 | – | – | – | – | – | stopped: no money |" in markdown.sweep(rows)


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        (wording.share(0.99996), "> 99.9 %"),
        (wording.share(0.0001), "< 0.1 %"),
        (wording.share(1.0), "100 %"),
        (wording.share(0.0), "0 %"),
        (wording.share(0.5), "50.0 %"),
        (wording.share(None), "–"),
        (wording.usd(1234.5), "$1,234.50"),
        (wording.usd(0.2), "$0.20"),
        (wording.usd(0.2024), "$0.2024"),
        (wording.usd(0.00012), "$0.00012"),
        (wording.usd(0), "$0.00"),
        (wording.plural(1, "batch", "batches"), "1 batch"),
        (wording.when("2026-11-23T23:59:00Z", "2026-11-24T00:01:00Z"), "2026-11-23 23:59:00 – 2026-11-24 00:01:00"),
    ],
)
def test_numbers_are_spelled_for_people(spelled: str, text: str) -> None:
    assert spelled == text
