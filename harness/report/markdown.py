"""report.md and sweep.md: the summary as Markdown, from data alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.report import wording
from harness.report.clean import markdown_text as safe
from harness.report.heading import SIMULATED, Heading, SweepRow

Data = Mapping[str, Any]


def report(heading: Heading, summary: Data) -> str:
    """Write the report of one run."""
    blocks = [
        *([f"**{SIMULATED}**"] if heading.simulated else []),
        f"# {safe(heading.task)} · {safe(heading.model)}",
        _what_ran(heading, summary),
        "## Scores",
        _scores(summary),
        "## Outcomes",
        table(("outcome", "meaning", ">requests", ">share", "counts as"), wording.outcome_rows(summary)),
        "## Cost and tokens",
        _cost(heading, summary),
        *_rules(heading.rules),
        *_errors(summary["errors"]),
    ]
    return "\n\n".join(blocks) + "\n"


def sweep(rows: Iterable[SweepRow]) -> str:
    """Write one line per run of a sweep."""
    runs = list(rows)
    simulated = any(run.summary and run.summary["simulated"] for run in runs)
    lines = [(safe(run.name), *sweep_cells(run)) for run in runs]
    head = ("run", ">score", ">95 % interval", ">coverage", ">invalid", ">cost", "state")
    return "\n\n".join([*([f"**{SIMULATED}**"] if simulated else []), "# Sweep", table(head, lines)]) + "\n"


def sweep_cells(run: SweepRow) -> tuple[str, str, str, str, str, str]:
    """Return what a sweep shows of a run after its name: score, interval, coverage, invalid, cost, state."""
    summary = run.summary
    if summary is None:
        return (wording.NONE, wording.NONE, wording.NONE, wording.NONE, wording.NONE, run.state)
    score = summary["scores"].get(summary["headline"], {})
    return (
        wording.number(score.get("mean")),
        wording.interval(score.get("low"), score.get("high")),
        wording.share(summary["coverage"]),
        f"{summary['outcomes']['invalid']:,}",
        wording.usd(summary["cost"]["actual"]),
        run.state,
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; a heading that begins with > is aligned to the right. Cells must be safe."""
    titles = [title.removeprefix(">") for title in head]
    rule = ["---:" if title.startswith(">") else "---" for title in head]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rule, *rows))


def _what_ran(heading: Heading, summary: Data) -> str:
    """Write the facts of the run."""
    requests = wording.plural(summary["requests"], "request", "requests")
    batches = wording.plural(heading.batches, "batch", "batches")
    attempts = summary["attempts"]
    resent = f"; {attempts['resent']:,} sent more than once" if attempts["resent"] else ""
    return table(
        ("", ""),
        [
            ("task", safe(heading.task)),
            ("model asked", safe(heading.model)),
            ("model served", safe(wording.names(summary["models_served"]))),
            ("provider", f"{safe(heading.provider)} at {safe(heading.host)}"),
            ("size", f"{requests} in {batches}{resent}"),
            ("time", safe(wording.when(heading.started, heading.finished))),
            ("coverage", wording.share(summary["coverage"])),
            ("finish reasons", safe(wording.names(summary["finish_reasons"]))),
        ],
    )


def _scores(summary: Data) -> str:
    """Write the scores and how to read them."""
    if not summary["scores"]:
        return "The task has no scorers."
    rows = [
        (
            safe(name),
            wording.number(score["mean"]),
            wording.interval(score["low"], score["high"]),
            wording.interval(score["worst"], score["best"]),
            f"{score['n']:,}",
            wording.share(score["coverage"]),
        )
        for name, score in summary["scores"].items()
    ]
    head = ("score", ">mean", ">95 % interval", ">worst–best", ">samples", ">coverage")
    note = "Worst and best: what the mean would be if everything that was not scored were wrong, or right."
    later = summary["later"]
    means = ", ".join(f"{safe(name)} {wording.number(mean)}" for name, mean in later["scores"].items())
    extra = f"\n\nAnswers that came later, scored apart: {later['answers']:,} ({means})." if later["answers"] else ""
    return f"{table(head, rows)}\n\n{note}{extra}"


def _cost(heading: Heading, summary: Data) -> str:
    """Write money and tokens."""
    estimated, actual = wording.cost(summary, heading.estimate, heading.simulated)
    rows = [("cost estimated", estimated), ("cost actual", actual), ("tokens", wording.tokens(summary["usage"]))]
    return table(("", ""), rows)


def _rules(rules: Sequence[Data]) -> list[str]:
    """Write what was changed for this model; what somebody asked for is marked."""
    if not rules:
        return []
    rows = [
        (safe(rule["name"]), safe(rule["subject"]), safe(rule["note"]), "yes" if rule["asked"] else "no")
        for rule in rules
    ]
    return ["## Rules applied", table(("rule", "on", "what it did", "was asked for"), rows)]


def _errors(errors: Sequence[Data]) -> list[str]:
    """Write the most frequent errors."""
    if not errors:
        return []
    rows = [
        (f"{error['count']:,}", safe(error["class"]), safe(error["message"]), safe(error["example"], 80))
        for error in errors
    ]
    return ["## Most frequent errors", table((">requests", "class", "message", "for example"), rows)]
