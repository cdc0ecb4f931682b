"""report.md and sweep.md: the summary as Markdown, from data alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.report import wording
from harness.report.clean import markdown_text as safe
from harness.report.heading import SIMULATED, Heading, SweepRow

Data = Mapping[str, Any]
MOST_COLUMNS = 30  # of a matrix that people can still read; larger ones stand in summary.json


def report(heading: Heading, summary: Data) -> str:
    """Write the report of one run."""
    blocks = [
        *([f"**{SIMULATED}**"] if heading.simulated else []),
        f"# {safe(heading.task)} · {safe(heading.model)}",
        _what_ran(heading, summary),
        "## Scores",
        _scores(summary),
        *_confusions(summary["confusion"]),
        *_slices(summary),
        "## Outcomes",
        table(("outcome", "meaning", ">requests", ">share", "counts as"), wording.outcome_rows(summary)),
        "## Cost and tokens",
        _cost(heading, summary),
        *_rules(heading.rules),
        *_errors(summary["errors"]),
        *(["## Notes", "\n".join(f"- {safe(note)}" for note in heading.notes)] if heading.notes else []),
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
            ("size", f"{wording.size(summary)} in {batches}{resent}"),
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
    head = ("score", f">{wording.measure(summary)}", ">95 % interval", ">worst–best", ">samples", ">coverage")
    note = "Worst and best: what the mean would be if everything that was not scored were wrong, or right."
    note += "".join(
        f"\n\n{measure[0].upper()}{measure[1:]} of {safe(name)}: {value}."
        for name, measure, value in wording.measures(summary)
    )
    later = summary["later"]
    means = ", ".join(f"{safe(name)} {wording.number(mean)}" for name, mean in later["scores"].items())
    extra = f"\n\nAnswers that came later, scored apart: {later['answers']:,} ({means})." if later["answers"] else ""
    return f"{table(head, rows)}\n\n{note}{extra}"


def _confusions(confusions: Data) -> list[str]:
    """Write for each choice how well every label was found, and which was taken for which."""
    blocks = []
    for name, found in confusions.items():
        labels = [
            (
                safe(label),
                f"{one['n']:,}",
                wording.number(one["precision"]),
                wording.number(one["recall"]),
                wording.number(one["f1"]),
            )
            for label, one in found["labels"].items()
        ]
        head = ("label", ">wanted", ">precision", ">recall", ">F1")
        blocks += [f"## Labels of {safe(name)}", "Counted per request, so each epoch counts.", table(head, labels)]
        if len(found["given"]) <= MOST_COLUMNS:
            rows = [
                (safe(label), *(f"{count:,}" if count else "" for count in row))
                for label, row in found["matrix"].items()
            ]
            blocks += [
                "A row is the label that was wanted, a column the one that was given.",
                table(("", *(f">{safe(label) if label is not None else '(none)'}" for label in found["given"])), rows),
            ]
    return blocks


def _slices(summary: Data) -> list[str]:
    """Write the headline score of the parts of the run, a table per metadata column."""
    blocks = []
    for column, parts in summary["slices"].items():
        rows = [
            (
                safe(value),
                wording.number(part["mean"]),
                wording.interval(part["low"], part["high"]),
                f"{part['n']:,}",
                wording.share(part["coverage"]),
            )
            for value, part in parts.items()
        ]
        blocks += [
            f"## {safe(summary['headline'])} by {safe(column)}",
            table((safe(column), ">mean", ">95 % interval", ">samples", ">coverage"), rows),
        ]
    return blocks


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
