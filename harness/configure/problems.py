"""Mistakes in a configuration as lines: key, what is wrong, what was expected, nearest name."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ValidationError

from harness.configure.secrets import key_like
from harness.settings import Provider, Settings

# What pydantic says in Python's words.
EXPECTED = {
    "model_type": "a mapping of settings is expected",
    "mapping_type": "a mapping is expected",
    "dict_type": "a mapping is expected",
    "tuple_type": "a list is expected",
}


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'x'?`, or nothing where no name is near."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean '{found[0]}'?" if found else ""


def fields_at(path: Sequence[str]) -> list[str]:
    """Return the setting names at a path of Settings; empty where any name is allowed or the path is unknown."""
    model = _model_in(_annotation(path))
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _may_lack(path: Sequence[str]) -> bool:
    """Tell whether a provider's YAML may leave this setting out."""
    field = Provider.model_fields.get(path[1]) if len(path) == 2 and path[0] == "provider" else None
    return field is not None and not field.is_required()


def _annotation(path: Sequence[str]) -> object:
    """Return the type of the setting at a path; None where Settings has no such path."""
    found: object = Settings
    for part in path:
        model = _model_in(found)
        fields = model.model_fields if model else {}
        found = {field.alias or name: field.annotation for name, field in fields.items()}.get(part)
    return found


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Find the settings class in an annotation such as `Capabilities | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (dict, tuple) or "Mapping" in str(typing.get_origin(annotation)):
        return None
    for part in typing.get_args(annotation):
        if (found := _model_in(part)) is not None:
            return found
    return None


def unknown_keys(overrides: Iterable[str]) -> list[str]:
    """Name every override whose key is no setting; groups and Hydra's own keys are left to Hydra."""
    problems = []
    for word in overrides:
        key = word.partition("=")[0].lstrip("+~")
        parts = key.split(".")
        if not key or key.startswith("hydra") or "@" in key or "/" in key or word.startswith("-"):
            continue
        for depth, part in enumerate(parts):
            known = fields_at(parts[:depth])
            if not known:
                break
            if part not in known and not (depth == 0 and part == "experiment"):
                problems.append(f"{key}: no such setting{nearest(part, known)}")
                break
    return problems


def admitted(overrides: Iterable[str]) -> list[str]:
    """Let Hydra take in keys that it does not know: names of yours (`model.ids.groq`), which are allowed, and misspelt
    ones, which are then told with all other mistakes and not alone.
    """
    found = []
    for word in overrides:
        key = word.partition("=")[0].lstrip("+")
        annotation = _annotation(key.split("."))
        known = annotation is not None and "Mapping" not in str(annotation) and not _may_lack(key.split("."))
        foreign = "." not in key or key.startswith(("hydra.", "~", "-")) or "@" in key or "/" in key
        found.append(word if known or foreign else f"++{word.lstrip('+')}")
    return found


def lines(error: ValidationError) -> list[str]:
    """Turn pydantic's findings into one line each."""
    found = []
    for item in error.errors(include_url=False):
        path = [str(part) for part in item["loc"] if not str(part).startswith("<")]
        key = ".".join(path)
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            found.append(f"{key}: no such setting{nearest(path[-1], fields_at(path[:-1]))}")
        elif item["type"] == "missing":
            own = "" if path[1:] else "; a conf/config.yaml of your own begins with `defaults: [shipped, …, _self_]`"
            found.append(f"{key}: missing{own or '; give it a value'}")
        elif item["type"] in EXPECTED:
            found.append(f"{key}: {EXPECTED[item['type']]}{_got(item['input'])}")
        elif item["type"] == "value_error" or key_like(path[-1] if path else ""):
            shown = "" if isinstance(item["input"], dict) or key_like(path[-1] if path else "") else _got(item["input"])
            found.append(f"{key}: {message}{shown}")
        else:
            found.append(f"{key}: {message[0].lower()}{message[1:]}{_got(item['input'])}")
    return found


def _got(value: object) -> str:
    """Show a value, cut to a length that fits a line."""
    shown = repr(value)
    return f" (got {shown if len(shown) <= 80 else shown[:77] + '…'})"
