"""The doctor: try what a run needs, show what of ours lies at the provider, and delete what nobody needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from harness.configure.checks import key_problems
from harness.errors import ConfigError, ProviderError
from harness.providers.protocol import load, setup_problems
from harness.report.clean import one_line
from harness.report.heading import SIMULATED
from harness.report.wording import plural
from harness.run import probes
from harness.run.conclude import scrubber
from harness.run.here import read_runs, runs_here
from harness.run.inventory import Group, Item, by_run, doubtful, sorted_out
from harness.run.probes import Patient, Probe
from harness.run.world import connect, world_of
from harness.settings import Settings

if TYPE_CHECKING:
    from harness.configure.compose import Asked

MARKS = {"ok": ("ok   ", "green"), "fails": ("FAILS", "bold red"), "skipped": ("-    ", "dim")}
SHOWN = 20  # things of one run that stay and are shown one by one; what may go is shown to the last


def examine(asked: Asked, console: Console, *, clean: bool, model: bool) -> bool:
    """Examine one provider and tell whether all is well; `model`: is it served, too."""
    if asked.sweep_folder is not None:
        raise ConfigError("doctor: one provider at a time; leave -m out")
    settings = asked.jobs[0].settings
    wrong = key_problems(settings, os.environ) + setup_problems(settings, os.environ)
    if clean and not settings.provider.deletes_files:
        wrong.append(f"--clean: {settings.provider.name} has no call that deletes a file; leave it out")
    if wrong:
        raise ConfigError(wrong)
    if settings.endpoint.simulated:
        console.print(SIMULATED, style="bold yellow", soft_wrap=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="harness-doctor-")))
        world = stack.enter_context(world_of([settings], [folder], None, 0.0, console))
        provider = load(settings.provider.protocol)
        client = connect(provider, settings, world)
        stack.callback(client.close)
        one = probes.patient(provider, client, settings, folder, scrubber(settings))
        _say(console, Probe("key", "ok", _key(settings)))
        well = _examined(one, console, model=model)
        return well is not None and _inventory(one, console, world.clock.now, clean=clean) and well


def _key(settings: Settings) -> str:
    if settings.endpoint.simulated:
        return f"none needed: the emulator of {settings.provider.name} on this machine"
    variable = settings.key_variable()
    found = f"{variable} is set" if variable else "none"
    if variable and not os.environ.get(variable):
        found = f"{variable} is not set; the machine's own credentials are used"
    return f"{found}, for {settings.provider.name} at {settings.address()}"


def _examined(one: Patient, console: Console, *, model: bool) -> bool | None:
    """Make the trials, a line each, and tell whether all is well; None where nothing further is worth a trial."""
    first = probes.can_list(one)
    _say(console, first)
    if first.hopeless():
        console.print("nothing further was tried: it would fail alike")
        return None
    found = [probes.serves(one) if model else Probe("model", "skipped", "none was named; name one with model=…")]
    _say(console, found[0])
    found.append(probes.can_upload(one))
    _say(console, found[1])
    return all(probe.state != "fails" for probe in (first, *found))


def _say(console: Console, probe: Probe) -> None:
    mark, style = MARKS[probe.state]
    console.print(Text.assemble((mark, style), f"  {probe.name:8} {one_line(probe.text, 1000)}"), soft_wrap=True)


# ------------------------------------------------------------------------------------------------------ what lies there


def _inventory(one: Patient, console: Console, now: Callable[[], float], *, clean: bool) -> bool:
    """Show what lies there, and with `clean` delete what may go; tell whether every call was answered."""
    try:
        groups = _looked_up(one, now())
    except ProviderError as error:
        _say(console, Probe("ours", "fails", probes.told(error, one.settings, one.scrub), error))
        return False
    files, batches = (
        plural(_count(groups, "file"), "file", "files"),
        plural(_count(groups, "batch"), "batch", "batches"),
    )
    console.print(f"\nours at the provider, as far as it lists them: {files}, {batches}")
    for group in groups:
        _show(console, group)
    going = [item for group in groups for item in group.items if not item.kept]
    if clean:
        return _deleted(one, console, going)
    if going and one.settings.provider.deletes_files:
        console.print(f"\n{plural(len(going), 'thing', 'things')} may go: the same command with --clean deletes them")
    return True


def _looked_up(one: Patient, now: float) -> list[Group]:
    """Ask what is there, and look at the batches on which it depends what may go.

    A provider without labels lists no running batch as ours, so those that a journal here names are looked at too.
    """
    listed = one.provider.belongings(one.client)
    runs = read_runs(runs_here(Path("outputs")), frozenset(by_run(listed)))
    ids = {thing.id for thing in listed}
    address = None if one.settings.endpoint.name != "live" else one.settings.provider.base_url
    named = {
        identity: batch
        for here in runs.values()
        if address is not None and here.address == address
        for identity, batch in here.batches.items()
        if identity not in ids
    }
    wanted = list(dict.fromkeys([*named, *doubtful(by_run([*listed, *named.values()]), runs)]))
    looked = {status.id: status for status in (one.provider.poll(one.client, wanted) if wanted else [])}
    there = [
        replace(batch, status=looked[identity].status)
        for identity, batch in named.items()
        if looked[identity].phase != "vanished"
    ]
    ended = {identity for identity, status in looked.items() if status.phase == "ended"}
    return sorted_out(by_run([*listed, *there]), runs, ended=ended, now=now)


def _count(groups: Sequence[Group], kind: str) -> int:
    return sum(item.thing.kind == kind for group in groups for item in group.items)


def _show(console: Console, group: Group) -> None:
    """Show what one run left: all that may go, and some of what stays."""
    where = f"{group.here.folder} ({group.here.word})" if group.here else "orphaned: no run folder under outputs/"
    console.print(Text(f"{group.key}  {where}"), style="bold" if group.here else "bold yellow", soft_wrap=True)
    staying = [item for item in group.items if item.kept]
    for item in [*(item for item in group.items if not item.kept), *staying[:SHOWN]]:
        console.print(Text("  " + _line(item)), soft_wrap=True)
    if len(staying) > SHOWN:
        console.print(f"  and {len(staying) - SHOWN} more, which stay")


def _line(item: Item) -> str:
    thing = item.thing
    made = thing.created_at
    created = datetime.fromtimestamp(made, UTC).strftime("%Y-%m-%d %H:%M:%S") if made else "at an unknown time"
    what = f"{thing.kind:5} {one_line(thing.id)}  {one_line(thing.name)}  {created}"
    status = f"  {one_line(thing.status)}" if thing.status else ""
    return f"{what}{status}  {f'stays: {item.kept}' if item.kept else 'may go'}"


def _deleted(one: Patient, console: Console, going: Sequence[Item]) -> bool:
    """Delete what may go, one by one; stop where a further call would fail alike."""
    count, well = 0, True
    for item in going:
        try:
            count += one.provider.clean(one.client, [item.thing.id])
        except ProviderError as error:
            well, words = False, probes.told(error, one.settings, one.scrub)
            console.print(Text(f"not deleted: {one_line(item.thing.id)}: {one_line(words, 1000)}"), soft_wrap=True)
            if error.kind != "permanent":
                break
    console.print(f"\ndeleted at the provider: {count} of ours")
    return well
