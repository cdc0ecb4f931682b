"""Whether an answer is what its JSON Schema asks for; the schema as written judges, not the one that was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import jsonschema_rs

from harness.collect.nulls import make_trim
from harness.types import SchemaError

Verdict = tuple[Any, tuple[SchemaError, ...]]

MAX_ERRORS = 100  # an array of a million wrong items is one mistake, not a million lines
MAX_MESSAGE = 500  # characters; messages quote the answer
DATA = ("const", "enum", "default", "examples")  # keywords that hold values, not subschemas
NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")  # keywords with names of yours


def make_verdict(schema: Mapping[str, Any] | None, nullable: Sequence[Sequence[str]]) -> Callable[[Any], Verdict]:
    """Return a function from a parsed answer to the answer without forced nulls and what is wrong with it.

    The draft is the one that `$schema` names, else 2020-12; formats are checked. An answer that is right as it came is
    not touched: its nulls are ones that the schema asks for.
    """
    if schema is None:
        return lambda value: (value, ())
    validator = compile_schema(schema)
    is_valid, trim = validator.is_valid, make_trim(schema, nullable)

    def judge(value: Any) -> Verdict:
        if is_valid(value):
            return value, ()
        trimmed = trim(value)
        if trimmed is not value and is_valid(trimmed):
            return trimmed, ()
        return trimmed, tuple(schema_errors(validator, trimmed))

    return judge


def compile_schema(schema: Any) -> jsonschema_rs.Validator:
    """Compile for judging; ValueError when that cannot be. No reference is ever fetched, regexes take linear time."""
    return jsonschema_rs.validator_for(
        schema, validate_formats=True, offline=True, pattern_options=jsonschema_rs.RegexOptions()
    )


def schema_errors(validator: jsonschema_rs.Validator, value: Any) -> Iterator[SchemaError]:
    """Yield what is wrong; beyond MAX_ERRORS only that there is more."""
    found = validator.iter_errors(value)
    for error in islice(found, MAX_ERRORS):
        yield SchemaError(pointer(error.instance_path), cut(error.message))
    if next(iter(found), None) is not None:
        yield SchemaError("", f"and more: only the first {MAX_ERRORS} are kept")


def pointer(path: Sequence[str | int]) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def cut(text: str) -> str:
    """Shorten a message to MAX_MESSAGE characters."""
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def check_schema(schema: Any) -> list[str]:
    """Return what keeps a schema from judging answers, a plain sentence each; empty when it is fit."""
    if not isinstance(schema, Mapping):
        return [f"a JSON Schema is an object, this is {type(schema).__name__}"]
    problems = _against_its_draft(schema)
    for path, part in subschemas(schema):
        problems += _references(path, part)
        problems += _patterns(path, part)
    if not problems:
        try:
            compile_schema(schema)
        except ValueError as error:
            problems.append(f"the schema cannot be used: {cut(str(error).splitlines()[0])}")
    return problems


def subschemas(schema: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every subschema, the schema itself included, with its JSON pointer."""
    if isinstance(schema, list):
        for number, child in enumerate(schema):
            yield from subschemas(child, f"{path}/{number}")
    if not isinstance(schema, Mapping):
        return
    yield path, schema
    for key, child in schema.items():
        if key in NAMED and isinstance(child, Mapping):
            for name, inner in child.items():
                yield from subschemas(inner, path + pointer([key, str(name)]))
        elif key not in DATA:
            yield from subschemas(child, path + pointer([key]))


def _against_its_draft(schema: Mapping[str, Any]) -> list[str]:
    """Hold a schema against the meta-schema of its draft."""
    from jsonschema import Draft3Validator, Draft202012Validator
    from jsonschema.validators import validator_for

    draft = validator_for(schema, default=Draft3Validator) if "$schema" in schema else Draft202012Validator
    if draft is Draft3Validator:  # stands for unknown as well; the judging library begins with draft 4
        return [f"$schema: {schema['$schema']!r} is no draft that is known here; leave it out for 2020-12"]
    errors = draft(draft.META_SCHEMA).iter_errors(schema)
    return [f"{pointer(list(e.absolute_path)) or 'the schema'}: {cut(e.message)}" for e in islice(errors, MAX_ERRORS)]


def _references(path: str, part: Mapping[str, Any]) -> Iterator[str]:
    """Refuse references that lead out of the schema."""
    for word in ("$ref", "$dynamicRef", "$recursiveRef"):
        target = part.get(word)
        if isinstance(target, str) and not target.startswith("#"):
            yield (
                f"{path}/{word}: {target!r} lies outside the schema and is never fetched; copy it into $defs and "
                "refer to it as '#/$defs/…'"
            )


def _patterns(path: str, part: Mapping[str, Any]) -> Iterator[str]:
    """Refuse regexes that the linear-time engine cannot compile."""
    patterns = [("pattern", part.get("pattern"))]
    by_pattern = part.get("patternProperties")
    patterns += [("patternProperties", key) for key in by_pattern] if isinstance(by_pattern, Mapping) else []
    for word, pattern in patterns:
        if isinstance(pattern, str):
            try:
                compile_schema({"pattern": pattern})
            except ValueError:
                yield (
                    f"{path}/{word}: {pattern!r} is no regular expression of the linear-time engine; lookaround and "
                    "back-references are not available"
                )
