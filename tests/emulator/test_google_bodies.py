"""No body that the parser of Google's APIs takes breaks what runs it, however odd its parts are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from harness.emulator import google_models
from harness.emulator.answers import Answers
from harness.emulator.execution import execute
from harness.emulator.google_contents import Contents, body_of, first_problem
from harness.emulator.google_rules import STABLE
from tests.emulator.gemini import FLASH, OLD_FLASH, request

JUNK = ("abc", [], {}, 5, -1, 1e308, True, "5", [1], {"a": 1}, [[]], "9" * 40, 10**30)
OPEN = (
    *("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum"),
    *("pattern", "format", "nullable", "enum", "propertyOrdering", "required", "anyOf", "items", "properties", "type"),
)
JSON = (
    *("minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum", "pattern", "format", "enum", "required"),
    *("propertyOrdering", "anyOf", "oneOf", "allOf", "items", "prefixItems", "properties", "additionalProperties"),
    *("type", "$ref", "$defs", "const", "multipleOf", "exclusiveMinimum", "uniqueItems"),
)
PARTS: dict[str, dict[str, Any]] = {
    "array": {"items": {"type": "string"}},
    "object": {"properties": {"a": {"type": "string"}}},
    **{kind: {} for kind in ("string", "integer", "number")},
}
CONFIG = ("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "seed", "logprobs", "stopSequences")
ANY = {"functionCallingConfig": {"mode": "ANY"}}


def calling(function: Any, config: Any = ANY) -> dict[str, Any]:
    return request() | {"tools": [{"functionDeclarations": [function]}], "toolConfig": config}


def schemas() -> Iterator[tuple[str, Any]]:
    for (kind, parts), junk in product(PARTS.items(), JUNK):
        yield from (("responseSchema", {"type": kind.upper(), **parts, name: junk}) for name in OPEN)
        yield from (("responseJsonSchema", {"type": kind, **parts, name: junk}) for name in JSON)
    yield from (("responseJsonSchema", junk) for junk in JUNK)
    yield "responseSchema", {"type": "STRING", "minLength": "99999999999"}
    yield "responseJsonSchema", {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}


def bodies() -> Iterator[dict[str, Any]]:
    for key, schema in schemas():
        yield request(responseMimeType="application/json", **{key: schema})
        yield calling({"name": "f", "parameters" if key == "responseSchema" else "parametersJsonSchema": schema})
    for junk in JUNK:
        yield from (request(**{name: junk}) for name in (*CONFIG, "thinkingConfig", "responseMimeType"))
        yield from (request(thinkingConfig={f"thinking{name}": junk}) for name in ("Budget", "Level"))
        yield from (request() | {name: junk} for name in ("tools", "toolConfig", "systemInstruction", "contents"))
        yield {"contents": [{"parts": [junk]}]}
        yield {"contents": [{"role": junk, "parts": [{"text": "x"}]}]}
        yield {"contents": junk, "tools": [{"functionDeclarations": [{}]}]}
        yield calling({"name": junk})
        yield calling(junk)
        yield calling({"name": "f"}, {"functionCallingConfig": junk})
        yield calling({"name": "f"}, {"functionCallingConfig": {"mode": junk}})
        yield calling({"name": "f"}, {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": junk}})


@pytest.mark.parametrize("model", [FLASH, OLD_FLASH, "mine"])
def test_no_body_raises(model: str) -> None:
    models, answers = google_models.load(extra=["mine"]), Answers(0, None)
    answers.recall([])
    statuses = {
        execute(body_of(body, model), Contents(STABLE), models, answers, seed=0, now=0, key="ab").status
        for body in bodies()
    }
    assert statuses == {200, 400}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (request(responseMimeType="application/json", responseSchema={"type": "STRING", "minLength": "two"}), "INT64"),
        (
            request(
                responseMimeType="application/json",
                responseSchema={"type": "ARRAY", "items": {"type": "STRING", "max_length": 1.5}},
            ),
            "'generation_config.response_schema.items.max_length' (TYPE_INT64), 1.5",
        ),
        (
            calling({"name": "f", "parameters": {"type": "STRING", "propertyOrdering": 5}}),
            "'tools[0].function_declarations[0].parameters.property_ordering': expected a list",
        ),
        (calling({"name": 5}), "'tools[0].function_declarations[0].name' (TYPE_STRING), 5"),
        (calling({"name": "f"}, {"functionCallingConfig": "x"}), "'tool_config.function_calling_config': expected"),
        (
            calling({"name": "f"}, {"function_calling_config": {"mode": "MUST"}}),
            "'tool_config.function_calling_config.mode' (TYPE_ENUM), \"MUST\"",
        ),
        (request(seed=2**31), "TYPE_INT32"),
        ({"contents": 5, "tools": [{"functionDeclarations": [{}]}]}, "'contents': expected a list"),
    ],
)
def test_what_the_parser_refuses_names_its_place(body: dict[str, Any], words: str) -> None:
    found = first_problem(body_of(body, FLASH), google_models.load(), STABLE)
    assert found is not None
    assert words in found.message
    assert found.param is not None  # by which the creation of a batch knows the parser's


def test_numbers_may_come_as_texts() -> None:
    asked = request(maxOutputTokens="5", temperature="0.5", candidateCount="2", thinkingConfig={"thinkingBudget": "0"})
    body, models, answers = body_of(asked, OLD_FLASH), google_models.load(), Answers(0, None)
    answers.recall([])
    made = execute(body, Contents(STABLE), models, answers, seed=0, now=0, key="ab")
    assert made.status == 200
    assert len(made.body["candidates"]) == 2
    assert made.body["usageMetadata"]["candidatesTokenCount"] <= 10
    over = Contents(STABLE).check(body_of(request(maxOutputTokens="0"), FLASH), models)
    assert over is not None
    assert "a maxOutputTokens value of 0" in over.message
