"""Join configure, prepare and collect before a run: check every job, and plan it without writing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.collect.scorer_checks import check_scorers, target_check
from harness.collect.verdict import check_schema
from harness.errors import ConfigError, HarnessError
from harness.prepare.approval import refusals
from harness.prepare.plan import Plan, make_plan
from harness.prepare.ready import Ready, make_ready
from harness.providers.protocol import api_problems, load

if TYPE_CHECKING:
    from harness.configure.compose import Asked, Job


def ready_all(jobs: Sequence[Job]) -> list[Ready]:
    """Check every job as far as possible without its rows; all mistakes of all jobs in one ConfigError."""
    ready: list[Ready] = []
    wrong: list[str] = []
    for number, job in enumerate(jobs):
        with labelled(wrong, jobs, number):
            if found := api_problems(job.settings):
                raise ConfigError(found)
            suits = partial(target_check, job.settings.task.scorers)
            one = make_ready(job.settings, job.templates, _judged(job), suits)
            load(job.settings.provider.protocol).encoder(one.fixed)  # which refuses what its provider would
            ready.append(one)
    if wrong:
        raise ConfigError(wrong)
    return ready


def _judged(job: Job) -> Callable[[Mapping[str, Any] | None], list[str]]:
    """Return the check of a schema and of the scorers that look at its answers."""
    task = job.settings.task

    def problems(schema: Mapping[str, Any] | None) -> list[str]:
        found = [f"task.schema: {task.answer_schema}: {problem}" for problem in check_schema(schema)] if schema else []
        has_target = task.target is not None
        wrong = check_scorers(task.scorers, schema, job.scorers, has_target=has_target)
        return found or [f"task.scorers.{problem}" for problem in wrong]

    return problems


@contextmanager
def labelled(wrong: list[str], jobs: Sequence[Job], number: int) -> Iterator[None]:
    """Gather a job's mistakes; in a sweep each names its job."""
    try:
        yield
    except HarnessError as error:
        lines = error.problems if isinstance(error, ConfigError) else (str(error),)
        prefix = f"job {number} ({jobs[number].label}): " if len(jobs) > 1 else ""
        wrong.extend(prefix + problem for problem in lines)


def plan_all(asked: Asked) -> list[Plan]:
    """Return what the runs would send; nothing is written and no key is read."""
    plans = []
    wrong: list[str] = []
    for number, ready in enumerate(ready_all(asked.jobs)):
        provider = load(ready.settings.provider.protocol)
        with labelled(wrong, asked.jobs, number):
            plans.append(make_plan(ready, provider.encoder(ready.fixed), provider.line, run_key="k" * 13))
    wrong = wrong or refusals([job.settings for job in asked.jobs], plans)
    if wrong:
        raise ConfigError(wrong)
    return plans
