"""The summary on a terminal, readable at 80 columns and without colour too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report import wording
from harness.report.clean import clean_text, one_line
from harness.report.heading import SIMULATED, Heading, SweepRow
from harness.report.markdown import sweep_cells

__all__ = ["clean_text", "print_report", "sweep_table"]

Data = Mapping[str, Any]


def print_report(console: Console, heading: Heading, summary: Data) -> None:
    """Print what ran, scores, outcomes, cost, rules and errors."""
    if heading.simulated:
        console.print(Text(SIMULATED, style="bold yellow"))
    console.print(_what_ran(heading, summary))
    parts = [
        _scores(summary) if summary["scores"] else None,
        _outcomes(summary),
        _facts(heading, summary),
        _rules(heading.rules) if heading.rules else None,
        _errors(summary["errors"]) if summary["errors"] else None,
    ]
    for part in filter(None, parts):
        console.print()
        console.print(part)


def sweep_table(rows: Iterable[SweepRow]) -> Table:
    """Return a table with one line per run."""
    table = _table("run", ">score", ">95 % interval", ">coverage", ">invalid", ">cost", "state")
    table.columns[0].min_width = 16
    for run in rows:
        cells = sweep_cells(run)
        table.add_row(Text(one_line(run.name), overflow="fold"), *map(Text, cells[:-1]), Text(one_line(cells[-1])))
    return table


def _what_ran(heading: Heading, summary: Data) -> Text:
    """Return the title."""
    served = wording.names(summary["models_served"])
    asked = one_line(heading.model)
    model = asked if served in (wording.NONE, heading.model) else f"{asked} (served: {one_line(served)})"
    size = f"{wording.size(summary)} in {wording.plural(heading.batches, 'batch', 'batches')}"
    lines = [
        f"{model} at {one_line(heading.provider)} ({one_line(heading.host)})",
        f"{size}, {one_line(wording.when(heading.started, heading.finished))}",
    ]
    return Text.assemble((one_line(heading.task), "bold"), "\n", "\n".join(lines))


def _scores(summary: Data) -> Table:
    """Return the scores with their bounds."""
    table = _table("score", f">{wording.measure(summary)}", ">95 % interval", ">worst–best", ">samples", ">coverage")
    for number, (name, score) in enumerate(summary["scores"].items()):
        table.add_row(
            Text(one_line(name), overflow="fold"),
            Text(wording.number(score["mean"]), style="" if number else "bold"),
            wording.interval(score["low"], score["high"]),
            wording.interval(score["worst"], score["best"]),
            f"{score['n']:,}",
            wording.share(score["coverage"]),
        )
    return table


def _outcomes(summary: Data) -> Table:
    """Return the outcomes that occurred."""
    table = _table("outcome", "meaning", ">requests", ">share", "counts as")
    for name, *cells in wording.outcome_rows(summary):
        table.add_row(Text(name, style="green" if name == "answered" else "yellow"), *cells)
    return table


def _facts(heading: Heading, summary: Data) -> Table:
    """Return cost, tokens and attempts."""
    estimated, actual = wording.cost(summary, heading.estimate, heading.simulated)
    attempts, later = summary["attempts"], summary["later"]
    facts = [(measure, f"{one_line(name)} {value}") for name, measure, value in wording.measures(summary)]
    facts += [("cost", f"{actual}; estimated {estimated}"), ("tokens", wording.tokens(summary["usage"]))]
    if attempts["resent"]:
        facts.append(("resent", f"{attempts['resent']:,} requests, at most {attempts['most']:,} attempts each"))
    if later["answers"]:
        means = ", ".join(f"{one_line(name)} {wording.number(mean)}" for name, mean in later["scores"].items())
        facts.append(("later", f"{later['answers']:,} answers after the first, scored apart: {means}"))
    return _list(facts)


def _rules(rules: Sequence[Data]) -> Table:
    """Return what was changed for this model; what somebody asked for comes as a warning."""
    rows = [("warning" if rule["asked"] else "rule", one_line(str(rule["note"]))) for rule in rules]
    return _list(rows)


def _errors(errors: Sequence[Data]) -> Table:
    """Return the most frequent errors."""
    table = _table(">requests", "class", "most frequent errors")
    for error in errors:
        text = Text.assemble(one_line(error["message"], 160), (f"  e.g. {one_line(error['example'], 80)}", "dim"))
        table.add_row(f"{error['count']:,}", Text(one_line(error["class"])), text)
    return table


def _table(*titles: str) -> Table:
    """Return an empty table; a title that begins with > is aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for title in titles:
        right = title.startswith(">")
        table.add_column(title.removeprefix(">"), justify="right" if right else "left", no_wrap=right)
    return table


def _list(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names and texts in two columns without lines."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name, style="yellow" if name == "warning" else "bold"), Text(text))
    return table
