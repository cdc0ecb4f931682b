"""A plan for people: as a table on a terminal, as Markdown, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report import wording
from harness.report.clean import clean_text, markdown_text

Data = Mapping[str, Any]
SHOWN = 2000  # characters of the example prompt


def print_plans(console: Console, plans: Sequence[Any], form: str, digest: str) -> None:
    """Print plans (dataclasses or mappings) in the form that was asked for; `digest` is that of all of them."""
    found = [plan if isinstance(plan, Mapping) else asdict(plan) for plan in plans]
    if form == "json":
        data = found[0] if len(found) == 1 else {"digest": digest, "plans": found}
        console.print(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode(), soft_wrap=True)
    elif form == "markdown":
        whole = [f"Digest of all {len(found)} runs: `{digest}`"] if len(found) > 1 else []
        console.print("\n\n".join([*whole, *(markdown(plan) for plan in found)]), soft_wrap=True)
    else:
        for plan in found:
            terminal(console, plan)
        if len(found) > 1:
            console.print(f"\nsweep of {len(found)} runs: {digest}  (approve it with approved_plan=…)", soft_wrap=True)


def facts(plan: Data) -> Iterator[tuple[str, str]]:
    """Yield what a reviewer must know, the destination first."""
    where, counts, cost = plan["destination"], plan["counts"], plan["cost"]
    if plan["simulated"]:
        here = f"the emulator on this machine in place of {where['provider']}"
        yield "destination", f"{here} (SIMULATED: no key, no network, no money)"
    else:
        kind = "your own server:" if where["endpoint"] == "upstream" else f"LIVE: {where['provider']} at"
        key = where["api_key_env"] or "nowhere (none needed)"
        yield "destination", f"{kind} {where['base_url']}, key from {key}"
        if where["cloud"]:
            yield "cloud", ", ".join(f"{name} {value or 'not set'}" for name, value in where["cloud"].items())
    yield "task", f"{plan['task']['name']} version {plan['task']['version']}, dataset {plan['task']['dataset']}"
    parameters = ", ".join(f"{name}={value}" for name, value in plan["model"]["parameters"].items())
    yield "model", f"{plan['model']['id']} with {parameters or 'no parameters'}"
    samples = wording.plural(counts["samples"], "sample", "samples")
    samples += f" × {wording.plural(counts['epochs'], 'epoch', 'epochs')}"
    yield "requests", f"{counts['requests']:,} ({samples}), {counts['bytes']:,} bytes"
    sizes = [batch["count"] for batch in plan["batches"]]
    size = f"{min(sizes):,}" if min(sizes) == max(sizes) else f"{min(sizes):,}–{max(sizes):,}"
    yield "batches", f"{len(sizes):,} of {size} {'request' if sizes == [1] else 'requests'}, window {where['window']}"
    yield "input tokens", f"about {plan['tokens']['input']:,} ({plan['tokens']['how']})"
    amounts = ", ".join(f"{name} {wording.usd(cost[name])}" for name in ("low", "expected", "cap"))
    yield "cost", f"{amounts}; {cost['note']}"
    yield "prices", plan["prices"]["note"]
    answer = plan["answer"]
    yield "answer", f"{answer['output']}{', strict' if answer['strict'] else ''}"
    yield "digest", f"{plan['digest']}  (approve it with approved_plan=…)"


def terminal(console: Console, plan: Data) -> None:
    """Print a plan as a table, with rules, notes and the first prompt."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in facts(plan):
        grid.add_row(Text(name, style="bold"), Text(clean_text(text)))
    for rule in plan["rules"]:
        label = Text("warning" if rule["asked"] else "rule", style="yellow" if rule["asked"] else "bold")
        grid.add_row(label, Text(clean_text(rule["note"])))
    for note in plan["notes"]:
        grid.add_row(Text("note", style="bold"), Text(clean_text(note)))
    console.print(grid)
    for turn in plan["answer"]["example"]:
        console.print(Text(f"\n{turn['role']} of the first request:", style="bold"))
        console.print(Text(_cut(clean_text(turn["content"]))))


def markdown(plan: Data) -> str:
    """Return a plan as Markdown."""
    rows = [f"| {name} | {markdown_text(text, 1000)} |" for name, text in facts(plan)]
    rules = [f"- {'**warning**: ' if rule['asked'] else ''}{markdown_text(rule['note'])}" for rule in plan["rules"]]
    notes = [f"- {markdown_text(note)}" for note in plan["notes"]]
    turns = [_quoted(turn) for turn in plan["answer"]["example"]]
    parts = [f"## Plan: {markdown_text(plan['task']['name'])} on {markdown_text(plan['model']['id'])}"]
    parts.append("\n".join(["| | |", "| --- | --- |", *rows]))
    parts += ["\n".join(["Rules applied:", "", *rules])] if rules else []
    parts += ["\n".join(["Notes:", "", *notes])] if notes else []
    return "\n\n".join([*parts, *turns])


def _quoted(turn: Data) -> str:
    """Return a turn of the first request as a quotation."""
    lines = _cut(clean_text(turn["content"])).splitlines() or [""]
    return "\n".join([f"`{turn['role']}` of the first request:", "", *(f"    {line}" for line in lines)])


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
