"""What a Gemini model refuses: the first problem of a GenerateContentRequest, as the API would report it.

Bodies are as `google_fields.read` makes them, with the bare name of the model as `model`.
Texts of errors: recorded by users of the API in public issues until November 2026; those of limits are partly ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import tokens
from .google_fields import DATA, REQUEST, snake
from .google_models import Family, beta
from .google_replies import problem
from .google_schema import JSON, OPEN, violation
from .models import Models
from .problems import Problem

Body = dict[str, Any]
STABLE = "v1"
_ROLES = ("user", "model")
_MIMES = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")
MOST_CANDIDATES = 8
_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "candidateCount": (1, MOST_CANDIDATES),
}
_STOPS = 5  # the most stop sequences (unverified)
_SAID = "* GenerateContentRequest."


def check(body: Body, models: Models[Family], version: str) -> Problem | None:
    """Find the first problem of a request; only one is ever reported."""
    if found := REQUEST("", body):
        return found
    family = find(body["model"], models, version)
    if isinstance(family, Problem):
        return family
    config: Body = body.get("generationConfig") or {}
    found = _contents(body) or _format(config) or _functions(body.get("tools") or ())
    if found is not None or not family.ruled:
        return found
    return _length(body, family) or _config(config, family) or _thinking(config.get("thinkingConfig") or {}, family)


def find(name: str, models: Models[Family], version: str) -> Family | Problem:
    """Find the facts of a model in a version of the API."""
    family = None if version == STABLE and name in beta() else models.find(name)
    words = (
        f"models/{name} is not found for API version {version}, or is not supported for generateContent. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    return family or problem(words, 404)


def _contents(body: Body) -> Problem | None:
    contents = body.get("contents")
    if not contents:
        return problem(f"{_SAID}contents: contents is not specified")
    for i, content in enumerate(contents):
        where = f"{_SAID}contents[{i}]"
        if content.get("role", "user") not in _ROLES:
            return problem("Please use a valid role: user, model.")
        if not content.get("parts"):
            return problem(f"{where}.parts: contents.parts must not be empty.")
        if found := _parts(where, content["parts"]):
            return found
    return _parts(f"{_SAID}system_instruction", (body.get("systemInstruction") or {}).get("parts") or ())


def _parts(where: str, parts: Any) -> Problem | None:
    empty = next((j for j, part in enumerate(parts) if not any(key in part for key in DATA)), None)
    words = "required oneof field 'data' must have one initialized field"
    return None if empty is None else problem(f"{where}.parts[{empty}].data: {words}")


def _format(config: Body) -> Problem | None:
    mime, where = config.get("responseMimeType") or "text/plain", f"{_SAID}generation_config"
    if mime not in _MIMES:
        words = "allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and "
        return problem(f"{where}.response_mime_type: {words}`text/x.enum`.")
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if len(schemas) == 2:
        return problem(f"{where}: only one of response_schema and response_json_schema may be set.")
    if schemas and mime not in {"application/json", "text/x.enum"}:
        return problem(f"{where}.response_schema: only allowed when the response mime type is `application/json`.")
    if mime == "text/x.enum" and not schemas:
        return problem(f"{where}.response_schema: required for the response mime type `text/x.enum`.")
    if not schemas:
        return None
    kind = OPEN if schemas == ["responseSchema"] else JSON
    return violation(config[schemas[0]], kind, f"generation_config.{snake(schemas[0])}")


def _functions(tools: Sequence[Body]) -> Problem | None:
    """Look at the functions of tools; what runs at Google's is taken as it is."""
    for i, tool in enumerate(tools):
        for j, one in enumerate(tool.get("functionDeclarations") or ()):
            where = f"tools[{i}].function_declarations[{j}]"
            if not one.get("name"):
                return problem(f"{_SAID}{where}.name: Invalid function name.")
            for key, kind in (("parameters", OPEN), ("parametersJsonSchema", JSON)):
                if key in one and (found := violation(one[key], kind, f"{where}.{snake(key)}")):
                    return found
    return None


def _length(body: Body, family: Family) -> Problem | None:
    used = tokens.prompt(said(body))
    words = f"The input token count ({used}) exceeds the maximum number of tokens allowed ({family.context})."
    return problem(words) if used > family.context else None


def said(body: Body) -> list[Body]:
    """List what the model reads, as messages: the system instruction, whatever its role, then the contents."""
    system = (body.get("systemInstruction") or {}).get("parts")
    turns = (
        {"role": "assistant" if content.get("role") == "model" else "user", "content": content["parts"]}
        for content in body["contents"]
    )
    return [*([{"role": "system", "content": system}] if system else ()), *turns]


def _config(config: Body, family: Family) -> Problem | None:
    cap = config.get("maxOutputTokens", 1)
    if not 1 <= cap <= family.max_output:
        return _outside("maxOutputTokens", cap, f"1 (inclusive) to {family.max_output + 1} (exclusive)")
    for name, (low, high) in _RANGES.items():
        if not low <= config.get(name, low) <= high:
            return _outside(name, config[name], f"{low} (inclusive) to {high} (inclusive)")
    if len(config.get("stopSequences") or ()) > _STOPS:
        return problem(f"{_SAID}generation_config.stop_sequences: at most {_STOPS} stop sequences are allowed")
    if "logprobs" in config and not config.get("responseLogprobs"):
        return problem("logprobs may only be set when response_logprobs is true.")
    return None


def _outside(name: str, value: float, bounds: str) -> Problem:
    words = f"Unable to submit request because it has a {name} value of {value} but the supported range is from"
    return problem(f"{words} {bounds}. Update the value and try again.")


def _thinking(config: Body, family: Family) -> Problem | None:
    budget, level = config.get("thinkingBudget"), config.get("thinkingLevel")
    if budget is not None and level is not None:
        return problem("You can only set only one of thinking budget and thinking level.")
    if level is not None and not level.upper().startswith("THINKING"):
        if not family.levels:
            return problem("Thinking level is not supported for this model.")
        if level.lower() not in family.levels:
            words = f"Thinking level {level.upper()} is not supported for this model."
            return problem(f"{words} Please retry with other thinking level.")
    if budget is None or budget == -1 or (budget == 0 and family.budget_off):
        return None if family.budgets or budget is None else problem("Thinking budget is not supported for this model.")
    if not family.budgets:
        return problem("Thinking budget is not supported for this model.")
    if budget == 0:
        return problem("Budget 0 is invalid. This model only works in thinking mode.")
    low, high = family.budgets
    words = f"The thinking budget {budget} is invalid. Please choose a value between {low} and {high}."
    return None if low <= budget <= high else problem(words)


def effort(body: Body, family: Family) -> str | None:
    """Say how much the model thinks; None when it does not. A budget counts as the level that it allows for."""
    config = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    level = config.get("thinkingLevel") or ""
    if level and not level.upper().startswith("THINKING"):
        return str(level).lower()
    budget = config.get("thinkingBudget", None if family.levels else family.budget)
    if budget is None:
        return family.level
    if budget <= 0:
        return None if budget == 0 else "medium"
    return "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
