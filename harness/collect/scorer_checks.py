"""What is wrong with the task's scorers, before anything is sent: options, paths, and what they would compare."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.collect.answer_paths import EVERY, Schema, follow
from harness.collect.json_fields import as_rule
from harness.collect.kinds import ANY, SCORERS, Kind
from harness.collect.scoring import label_of, pick
from harness.collect.user_scorers import user_scorer_problems
from harness.settings import Scorer

RULE_TYPES: Mapping[str, frozenset[str]] = {  # what a field may be, for each rule of json_fields
    "exact": ANY,
    "numeric": SCORERS["numeric"].answers,
    "set": frozenset({"array"}),
    "text": SCORERS["token_f1"].answers,
}


def check_scorers(
    scorers: Mapping[str, Scorer], schema: Schema | None, folder: Path | None, *, has_target: bool = True
) -> list[str]:
    """Return what is wrong, a sentence each that begins with the scorer's name.

    `schema` is what answers must fit, None for free text; `has_target`: the task names a target.
    """
    return [
        f"{name}: {problem}"
        for name, scorer in scorers.items()
        for problem in _problems(scorer, schema, folder, has_target)
    ]


def _problems(scorer: Scorer, schema: Schema | None, folder: Path | None, has_target: bool) -> Iterator[str]:
    kind, options = SCORERS.get(scorer.kind), scorer.options()
    if kind is None:
        yield from user_scorer_problems(scorer.kind, folder, options)
    else:
        wrong = list(_option_problems(scorer.kind, kind, options))
        yield from wrong
        if not has_target:
            yield f"{scorer.kind} compares with a target, but task.target is null; name a column"
        if not wrong:
            yield from _misfits(scorer, kind, schema)
    if scorer.answer is not None:
        yield from _path_problems(scorer.answer, schema)


def _option_problems(name: str, kind: Kind, options: Mapping[str, Any]) -> Iterator[str]:
    """Check the options by the types of the function's arguments."""
    hints = kind.option_hints()
    for option, value in options.items():
        if option not in hints:
            near = difflib.get_close_matches(option, list(hints), n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            yield f"{name} has no option {option!r}; {hint}have: {', '.join(hints) or 'none'}"
            continue
        try:
            TypeAdapter(hints[option]).validate_python(value, strict=True)
        except ValidationError as error:
            yield _refusal(option, value, error)
    if kind.prepared and not options:
        yield f"{name} needs {', '.join(hints)}"


def _refusal(option: str, value: Any, error: ValidationError) -> str:
    """Say which part of an option is wrong; of a union, the complaint that got furthest."""
    found = max(error.errors(), key=lambda one: len(one["loc"]))
    where = ".".join([option, *(str(part) for part in found["loc"][:1])])
    inside = value[found["loc"][0]] if found["loc"] and isinstance(value, Mapping) else value
    if isinstance(inside, Mapping):  # it is no name, so what was said of it as a mapping counts
        found = max(error.errors(), key=lambda one: (len(one["loc"]), one["type"] == "value_error"))
    return f"{where}={inside!r}: {found['msg']}"


def _path_problems(path: str, schema: Schema | None) -> Iterator[str]:
    if schema is None:
        yield f"answer: {path} needs JSON, but the task has no schema; the schema {{}} accepts any JSON"
    elif EVERY in path.split("."):
        yield f"answer: {path}: * stands only in the fields of json_fields; name one place"
    elif problem := follow(path, schema, schema).problem:
        yield f"answer: {path} leads nowhere: {problem}"


def _misfits(scorer: Scorer, kind: Kind, schema: Schema | None) -> Iterator[str]:
    """Say what an answer of this schema can never be, but the scorer needs."""
    if schema is None:
        if "string" not in kind.answers:
            yield f"{scorer.kind} needs JSON, but the task has no schema; the schema {{}} accepts any JSON"
        return
    place = follow(scorer.answer, schema, schema)
    if place.problem:
        return  # said of the path itself
    if place.types is not None and not place.types & kind.answers:
        where = f"the answer's {scorer.answer}" if scorer.answer else "the answer"
        yield f"{scorer.kind} scores {_either(kind.answers)}, but by the schema {where} is {_either(place.types)}"
    elif scorer.kind == "json_fields":
        yield from _field_problems(scorer.options()["fields"], place.schema, schema)


def _field_problems(fields: Mapping[str, Any], start: Any, root: Schema) -> Iterator[str]:
    """Check each path of `json_fields`, and that its rule fits what stands there."""
    for path, given in fields.items():
        rule, parts = as_rule(given).rule, path.split(".")
        if parts.count(EVERY) > 1 or "" in parts:
            yield f"fields.{path}: names are parted by one dot each, and at most one * may stand in a path"
            continue
        place = follow(path, start, root)
        allowed = ANY if rule == "set" and EVERY in parts else RULE_TYPES[rule]
        if place.problem:
            yield f"fields.{path} leads nowhere: {place.problem}"
        elif place.types is not None and not place.types & allowed:
            yield f"fields.{path}: {rule} compares {_either(allowed)}, but by the schema it is {_either(place.types)}"


def _either(types: frozenset[str]) -> str:
    """Spell types with their article."""
    shown = sorted(types - {"integer"} if "number" in types else types)
    return " or ".join(f"{'an' if name[0] in 'aeiou' else 'a'} {name}" if name != "null" else name for name in shown)


def _type_names(value: Any) -> frozenset[str]:
    """Return the types that JSON Schema gives a value; whole numbers are integers however they are written."""
    if isinstance(value, bool) or value is None:
        return frozenset({"null" if value is None else "boolean"})
    if isinstance(value, int | float):
        return frozenset({"number", "integer"} if float(value).is_integer() else {"number"})
    return frozenset({"string" if isinstance(value, str) else "object" if isinstance(value, Mapping) else "array"})


def target_check(scorers: Mapping[str, Scorer], schema: Schema | None) -> Callable[[Any], str | None]:
    """Return the check of one sample's target: None, or why no answer of this schema could ever equal it."""
    checks = [
        partial(_target_problem, name, scorer, SCORERS[scorer.kind], _allowed(scorer, schema), _types(scorer, schema))
        for name, scorer in scorers.items()
        if scorer.kind in SCORERS
    ]

    def problem(target: Any) -> str | None:
        return next((found for check in checks if (found := check(target))), None)

    return problem


def _allowed(scorer: Scorer, schema: Schema | None) -> Sequence[Any]:
    """Return the values that the schema lists for what a label scorer looks at; empty where it lists none."""
    if schema is None or scorer.kind != "choice":
        return ()
    here = follow(scorer.answer, schema, schema).schema
    values = here.get("enum") if isinstance(here, Mapping) else None
    return values if isinstance(values, list) else ()


def _types(scorer: Scorer, schema: Schema | None) -> frozenset[str] | None:
    """Return the types that an answer may have where equality decides; None where that does not matter or show."""
    if scorer.kind != "exact_match":
        return None
    return frozenset({"string"}) if schema is None else follow(scorer.answer, schema, schema).types


def _target_problem(
    name: str, scorer: Scorer, kind: Kind, allowed: Sequence[Any], types: frozenset[str] | None, target: Any
) -> str | None:
    *way, last = scorer.target.split(".") if scorer.target else [""]
    parent = target if not way else pick(target, None, ".".join(way))
    value = target if scorer.target is None else pick(target, None, scorer.target)
    if value is None and scorer.target and not (isinstance(parent, Mapping) and last in parent):
        return f"the target has no {scorer.target!r} (task.scorers.{name}.target)"
    if types is not None and not _type_names(value) & types:
        where = f"the answer's {scorer.answer}" if scorer.answer else "the answer"
        return f"{where} is {_either(types)} and never equals {value!r:.80} (task.scorers.{name}: exact_match)"
    if kind.fits(value):
        if not allowed or label_of(value) in map(label_of, allowed):
            return None
        shown = ", ".join(map(str, allowed[:12]))
        return f"the target {value!r:.80} is no label of the schema (task.scorers.{name}); it allows {shown}"
    return f"the target must be {kind.wants} for {scorer.kind} (task.scorers.{name}); got {value!r:.80}"
