"""What a Claude model refuses: the first problem of a message request, as the API would report it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import tokens
from .anthropic_contents import STRICT, check_contents
from .anthropic_fields import FIELDS, extra, missing
from .anthropic_models import Family
from .anthropic_replies import problem
from .anthropic_schema import violation
from .models import Models
from .problems import Problem

Body = dict[str, Any]
VERSIONS = ("2023-06-01", STRICT)
_SAMPLING = ("temperature", "top_p", "top_k")
_LONG = "output-300k-2026-03-24"  # a beta that raises the cap inside batches; for which models is (unverified)
_CONSULT = (
    "Please consult our documentation at "
    "https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking"
)
_ADAPT = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'


@dataclass(frozen=True, slots=True)
class Call:
    """What beside its body decides what a request may hold."""

    version: str  # of the API
    tier: str  # "standard", or "batch" inside one
    betas: frozenset[str] = frozenset()


def check(body: Body, models: Models[Family], call: Call) -> Problem | None:
    """Find the first problem of a request; only one is ever reported."""
    if (found := _shapes(body, call)) is not None:
        return found
    body = {name: value for name, value in body.items() if value is not None}
    family = models.find(body["model"])
    if family is None:
        return problem(f"model: {body['model']}", 404)
    found = check_contents(body, call.version, family) or _schema(body)
    if found is not None or not family.ruled:
        return found
    return (
        _cap(body, models.snapshot(body["model"]), family, call)
        or _thinking(body, family)
        or _effort(body, family)
        or _sampling(body, family)
        or _rest(body, family)
    )


def _shapes(body: Body, call: Call) -> Problem | None:
    for name in ("model", "messages", "max_tokens"):
        if body.get(name) is None:
            return missing(name)
    gone = {*_SAMPLING, "output_format"} if call.version == STRICT else set()
    for name, value in body.items():
        if name not in FIELDS or name in gone:
            return extra(name)
        if value is not None and (found := FIELDS[name](name, value)):
            return found
    if call.tier == "batch":
        return _in_batch(body)
    if body.get("stream"):
        return problem("stream: this emulator does not stream messages; leave `stream` out")
    return None


def _in_batch(body: Body) -> Problem | None:
    if body.get("stream"):
        return problem('"stream=True" is not supported in the Message Batches API')
    if body.get("speed") == "fast":
        return problem('"speed=fast" is not supported in the Message Batches API')
    return problem("max_tokens: must be greater than or equal to 1") if body["max_tokens"] < 1 else None


def _cap(body: Body, snapshot: str, family: Family, call: Call) -> Problem | None:
    most = 300_000 if _LONG in call.betas and call.tier == "batch" else family.max_output
    if body["max_tokens"] > most:
        words = "which is the maximum allowed number of output tokens for"
        return problem(f"max_tokens: {body['max_tokens']} > {most}, {words} {snapshot}")
    said = [*([{"content": body["system"]}] if body.get("system") else ()), *body["messages"]]
    used = tokens.prompt(said)
    return problem(f"prompt is too long: {used} tokens > {family.context} maximum") if used > family.context else None


def thinks(body: Body, family: Family) -> str:
    """Name the sort of thinking that a request gets."""
    return str((body.get("thinking") or {}).get("type") or family.thinking_default)


def effort(body: Body, family: Family) -> str | None:
    """Say with which effort the model works; None where it knows none."""
    return (body.get("output_config") or {}).get("effort") or family.effort


def _thinking(body: Body, family: Family) -> Problem | None:
    thinking = body.get("thinking")
    if thinking is None:
        return None
    kind = thinking["type"]
    if kind not in family.thinking:
        hint = f" {_ADAPT}" if "adaptive" in family.thinking else ""
        return problem(f'"thinking.type.{kind}" is not supported for this model.{hint}')
    if kind in family.calm and effort(body, family) in {"xhigh", "max"}:
        words = f'"thinking.type.{kind}" is only supported with an effort of "high" or lower for this model.'
        return problem(words)
    if kind == "enabled" and thinking["budget_tokens"] >= body["max_tokens"]:
        return problem(f"`max_tokens` must be greater than `thinking.budget_tokens`. {_CONSULT}")
    return None


def _effort(body: Body, family: Family) -> Problem | None:
    asked = (body.get("output_config") or {}).get("effort")
    if asked is None or asked in family.efforts:
        return None
    if not family.efforts:
        return problem("This model does not support the effort parameter.")
    words = f"'{asked}' is not supported for this model. Supported values: {', '.join(family.efforts)}."
    return problem(f"output_config.effort: {words}")


def _sampling(body: Body, family: Family) -> Problem | None:
    given = [name for name in _SAMPLING if name in body]
    if family.sampling == "default":
        given = [name for name in given if name == "top_k" or body[name] != 1]
    if family.sampling != "one_of":
        return problem(f"`{given[0]}` is deprecated for this model.") if given else None
    if "temperature" in body and "top_p" in body:
        words = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        return problem(words)
    if thinks(body, family) in {"enabled", "adaptive"}:
        if body.get("temperature", 1) != 1:
            words = "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode."
            return problem(f"{words} {_CONSULT}")
        if "top_k" in body:
            return problem(f"`top_k` must be unset when thinking is enabled. {_CONSULT}")
        if body.get("top_p", 1) < 0.95:
            words = "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."
            return problem(f"{words} {_CONSULT}")
    return None


def _schema(body: Body) -> Problem | None:
    for name in ("output_config", "output_format"):
        wanted = body.get(name) or {}
        wanted = wanted.get("format") if name == "output_config" else wanted
        if wanted and (found := violation(wanted["schema"])):
            return problem(f"{schema_name(body)}: {found}")
    return None


def schema_name(body: Body) -> str:
    """Name the parameter that holds the schema."""
    return "output_format.schema" if body.get("output_format") else "output_config.format.schema"


def _rest(body: Body, family: Family) -> Problem | None:
    """Check structured output and tools, of which some models take less."""
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format")
    if wanted and not family.structured:
        return problem("This model does not support structured outputs.")
    if wanted and body["messages"][-1]["role"] == "assistant":
        return problem("Prefilling assistant messages is not supported when `output_config.format` is given.")
    choice = (body.get("tool_choice") or {}).get("type")
    if choice is not None and not body.get("tools"):
        return problem("tool_choice: `tool_choice` may only be specified while providing `tools`.")
    if choice not in {"any", "tool"}:
        return None
    if not family.forced_tool:
        return problem(f'"tool_choice.type.{choice}" is not supported for this model. Use "auto" or "none".')
    if thinks(body, family) == "enabled":
        return problem("Thinking may not be enabled when tool_choice forces tool use.")
    return None
