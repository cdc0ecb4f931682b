"""Types, ranges and lists of values of the parameters of /v1/responses (types of the openai SDK 3.54)."""

from __future__ import annotations

from typing import Any

from .problems import Problem, missing, wrong_type
from .shapes import (
    EFFORTS,
    LEVELS,
    TIERS,
    Check,
    anything,
    array,
    decimal,
    flag,
    integer,
    json_schema,
    mapping,
    metadata,
    of,
    one_of,
    record,
    string,
    text,
    typed,
)

LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"
STORED = ("previous_response_id", "prompt", "conversation")  # what may hold the input in place of `input`
_INCLUDABLE = (
    *("file_search_call.results", "web_search_call.results", "web_search_call.action.sources"),
    *("message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs"),
    *(ENCRYPTED, LOGPROBS),
)
_SUMMARIES = one_of("auto", "concise", "detailed")
_FORMAT = typed(("json_object", "text", "json_schema"))


def _input(name: str, value: Any) -> Problem | None:
    """Check that there is an input at all; its items are looked at last."""
    if value == []:
        return Problem("One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.")
    return None if isinstance(value, str | list) else wrong_type(name, "one of a string or array of objects", value)


def _format(name: str, value: Any) -> Problem | None:
    if problem := _FORMAT(name, value):
        return problem
    if value["type"] != "json_schema":
        return None
    return json_schema(name, value) or (missing(f"{name}.schema") if "schema" not in value else None)


def _tool(name: str, tool: Any) -> Problem | None:
    """Check a function; tools that OpenAI hosts have only their type looked at."""
    if not isinstance(tool, dict):
        return wrong_type(name, "an object", tool)
    wanted = ("type", "name") if tool.get("type") == "function" else ("type",)
    gone = next((key for key in wanted if not isinstance(tool.get(key), str)), None)
    return None if gone is None else missing(f"{name}.{gone}")


def _tool_choice(name: str, value: Any) -> Problem | None:
    if not isinstance(value, dict):
        return one_of("none", "auto", "required")(name, value)
    return None if isinstance(value.get("type"), str) else missing(f"{name}.type")


# The order is that of the chat parameters they stand for; which one the API complains about first is not published.
FIELDS: dict[str, Check] = {
    "input": _input,
    "instructions": text,
    "previous_response_id": text,
    "prompt": mapping,
    "conversation": anything,
    "tools": array(_tool, "an array of objects"),
    "tool_choice": _tool_choice,
    "parallel_tool_calls": flag,
    "max_tool_calls": integer(1),
    "max_output_tokens": integer(16),
    "temperature": decimal(0, 2),
    "top_p": decimal(0, 1),
    "top_logprobs": integer(0),
    "include": array(one_of(*_INCLUDABLE), "an array of strings"),
    "user": text,
    "moderation": anything,
    "safety_identifier": string(128),
    "prompt_cache_key": text,
    "prompt_cache_retention": one_of("in_memory", "24h"),
    "prompt_cache_options": mapping,
    "text": record({"format": _format, "verbosity": one_of(*LEVELS)}),
    "service_tier": one_of(*TIERS),
    "reasoning": record(
        {
            "effort": one_of(*EFFORTS),
            "summary": _SUMMARIES,
            "generate_summary": _SUMMARIES,
            "mode": one_of("standard", "pro"),
            "context": one_of("auto", "current_turn", "all_turns"),
        }
    ),
    "stream": flag,
    "stream_options": mapping,
    "store": flag,
    "metadata": metadata,
    "truncation": one_of("auto", "disabled"),
    "background": flag,
    "background_options": mapping,
    "context_management": of(list, "an array of objects"),
    "image": mapping,
    "access_programs": mapping,
}
