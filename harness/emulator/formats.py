"""Formats that are asked for, in one shape whatever the endpoint: a type and, of a schema, its name and strictness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .models import Facts
from .problems import Problem
from .strict_schema import violation

Format = Mapping[str, Any]


def flat(wanted: Mapping[str, Any] | None) -> Format:
    """Flatten what chat calls `response_format`; text is the default."""
    wanted = wanted or {"type": "text"}
    return {**wanted["json_schema"], "type": wanted["type"]} if wanted["type"] == "json_schema" else wanted


def check_format(wanted: Format, facts: Facts, name: str, schema_name: str) -> Problem | None:
    """Check that the model can write this format, and a strict schema by the rules; the names are the parameters'."""
    kind = wanted["type"]
    able = {"none": (), "object": ("json_object",), "schema": ("json_object", "json_schema")}[facts.json]
    if kind != "text" and kind not in able:
        words = f"Invalid parameter: '{name}' of type '{kind}' is not supported with this model."
        return Problem(f"{words} Learn more about supported models at the structured outputs guide.", name)
    if kind == "json_schema" and wanted.get("strict") is True and (found := violation(wanted.get("schema"))):
        return bad_schema(wanted, found, schema_name)
    return None


def bad_schema(wanted: Format, found: str, schema_name: str) -> Problem:
    """Say what is wrong with a schema; the words say `response_format` everywhere."""
    words = f"Invalid schema for response_format '{wanted.get('name')}': {found}"
    return Problem(words, schema_name, "invalid_json_schema")


def check_tools(functions: Mapping[str, Mapping[str, Any]]) -> Problem | None:
    """Check the parameters of strict functions, given by the names of their places."""
    for name, function in functions.items():
        if function.get("strict") is True and (found := violation(function.get("parameters", {}))):
            words = f"Invalid schema for function '{function['name']}': {found}"
            return Problem(words, f"{name}.parameters", "invalid_function_parameters")
    return None
