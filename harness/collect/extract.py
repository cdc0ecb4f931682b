"""The JSON of an answer, out of the text that the model wrote around it.

Whatever the mode, JSON is what orjson accepts: NaN, Infinity, numbers beyond a double and lone surrogates are refused,
of duplicate keys the last one counts, integers beyond 64 bits become floats. A value nested deeper than MAX_DEPTH is no
JSON here, because it could not be written into a line of results. All modes take time linear in the text.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import orjson

Mode = Literal["strict", "fenced", "anywhere"]

MAX_DEPTH = 200  # orjson reads 1,024 levels but writes 254, and a result line adds some of its own
EFFORT = 16  # characters that `anywhere` may look at for each character of the text, failed attempts included
WINDOW = 512  # characters, to begin with
LONGEST_TOKEN = 12  # characters that a cut through an escape or a word may leave unread, as \ud83d\ude00 does
NOTHING = object()

FENCE = re.compile(r"(^[ \t]*)?`{3,}[ \t]*(json\b)?[ \t]*(\n|\r|\Z)?", re.MULTILINE | re.IGNORECASE)
OPENING = re.compile(r"""\{(?=\s*["}])|\[(?=\s*["{\[\]0-9tfn-])""")
DECODER = json.JSONDecoder(parse_int=float)  # only tells where a value ends; float: no quadratic big integers


def extract(text: str, mode: Mode) -> tuple[Any, str] | None:
    """Return the JSON value and the least lenient mode that finds it, or None.

    `strict`: the whole text is JSON, whitespace around it allowed.
    `fenced`: strict; else, with `<think>…</think>` cut out, the whole rest; else the last closed Markdown fence, marked
    json or bare, whose content is JSON: models show drafts first and the answer last.
    `anywhere`: fenced; else the first object or array in the rest that is complete and parses. The search gives up when
    failed attempts have read the text EFFORT times over, which only hostile text provokes.
    """
    value = parse(text)
    if value is not NOTHING:
        return value, "strict"
    if mode == "strict":
        return None
    rest = without_thoughts(text)
    value = in_fence(rest)
    if value is not NOTHING:
        return value, "fenced"
    if mode == "fenced":
        return None
    value = first_container(rest)
    return None if value is NOTHING else (value, "anywhere")


def parse(text: str) -> Any:
    """Return the value that the whole text is, or NOTHING."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return NOTHING
    if text.count("[") + text.count("{") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        return NOTHING
    return value


def deeper_than(value: Any, limit: int) -> bool:
    """Say whether containers are nested more than `limit` deep, level by level and without recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return any(isinstance(child, dict | list) for child in level)


def spoken(text: str) -> str:
    """Return what is meant for the reader: the text as it is, or where thoughts stand in it the rest, trimmed."""
    rest = without_thoughts(text)
    return text if rest == text else rest.strip()


def without_thoughts(text: str) -> str:
    """Cut out `<think>…</think>`; an unclosed thought lasts to the end, an unopened one began with the text."""
    if "think>" not in text:
        return text
    kept, position = [], 0
    first_open, first_close = text.find("<think>"), text.find("</think>")
    if first_close >= 0 and not 0 <= first_open < first_close:
        position = first_close + len("</think>")
    while (opening := text.find("<think>", position)) >= 0:
        kept.append(text[position:opening])
        closing = text.find("</think>", opening)
        if closing < 0:
            return "".join(kept)
        position = closing + len("</think>")
    return "".join([*kept, text[position:]])


def in_fence(text: str) -> Any:
    """Return the value of the whole text, else of the last complete fence that holds JSON, else NOTHING."""
    value = parse(text)
    if value is not NOTHING:
        return value
    for start, end in reversed(fences(text)):
        value = parse(text[start:end])
        if value is not NOTHING:
            return value
    return NOTHING


def fences(text: str) -> list[tuple[int, int]]:
    """Return where the contents of closed fences begin and end.

    A fence opens at the head of a line and closes with backticks at the end of one; a second opening mark with the word
    json drops the one before it, which was never closed.
    """
    if "```" not in text:
        return []
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for mark in FENCE.finditer(text):
        at_head, tagged, at_end = mark[1] is not None, mark[2] is not None, mark[3] is not None
        if begin is not None and at_end and not tagged:
            found.append((begin, mark.start()))
            begin = None
        elif at_head and (begin is None or tagged):
            begin = mark.end()
    return found


def first_container(text: str) -> Any:
    """Return the first object or array that is complete and parses, else NOTHING."""
    budget = EFFORT * len(text) + 1000
    position = 0
    while budget > 0 and (opening := OPENING.search(text, position)):
        start = opening.start()
        end, looked_at = end_of_value(text, start)
        if end is not None:
            value = parse(text[start:end])
            if value is not NOTHING:
                return value
        budget -= looked_at
        position = start + 1
    return NOTHING


def end_of_value(text: str, start: int) -> tuple[int | None, int]:
    """Return where the JSON value at `start` ends, if it is one, and how many characters that took to find out.

    It looks through a window that grows, because an error of the decoder costs time by its distance from the beginning
    of the text: it counts the lines.
    """
    size, effort = WINDOW, WINDOW // 16
    while True:
        window = text[start : start + size]
        try:
            _, end = DECODER.raw_decode(window)
        except json.JSONDecodeError as error:
            # An unterminated string is reported where it begins, though it was read to the end.
            to_the_end = error.msg.startswith("Unterminated") or error.pos > len(window) - LONGEST_TOKEN
            effort += len(window) if to_the_end else error.pos
            if not to_the_end or start + size >= len(text):
                return None, effort
            size *= 4
        except (RecursionError, ValueError):
            return None, effort + len(window)
        else:
            return start + end, effort + 2 * end
