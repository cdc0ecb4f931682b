"""The plain scorers: how an answer and its target become a number between 0 and 1.

Each takes the answer (what `pick` found), the target of the sample and options by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

Score = Callable[..., float]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

CURRENCIES = "$€£¥¢₹₩₽₺₫₴₪₦₱฿"
NUMBER = re.compile(
    rf"(?P<sign>[+-]?)\s?[{CURRENCIES}]?\s?(?P<inner>[+-]?)"
    r"(?P<digits>(?:[0-9]{1,3}(?:[, \u00a0\u202f][0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
    rf"(?P<power>[eE][+-]?[0-9]{{1,3}})?\s?[{CURRENCIES}%]?"
)
MAX_NUMBER = 100  # characters; a longer text is no number


def exact_match(answer: Any, target: Any, *, ignore_case: bool = False, strip: bool = True) -> float:
    """1.0 when answer and target are the same JSON value, else 0.0.

    Numbers compare by value (1 equals 1.0); true is not 1; "1" is not 1. Lists compare in order, objects by key.
    `strip` drops white space around strings and `ignore_case` compares them casefolded, inside lists and objects too;
    keys are compared as they are. A path that leads nowhere gives null, which equals only a null target.
    """
    if type(answer) is str and type(target) is str and not ignore_case:
        return float(answer.strip() == target.strip() if strip else answer == target)
    return float(_same(answer, target, ignore_case, strip))


def choice(answer: Any, target: Any, *, choices: Sequence[str] | None = None) -> float:
    """1.0 when the answer is the label that the target names, else 0.0.

    Labels are compared stripped and casefolded; numbers and booleans stand for their JSON spelling (3, 2.5, true), so
    the 3 of an answer equals the "3" of a CSV file. With `choices`, an answer that is none of them is 0.0 whatever the
    target says. Null, lists and objects are no labels: 0.0.
    """
    label = label_of(answer)
    if label is None or label != label_of(target):
        return 0.0
    return float(choices is None or any(label == label_of(option) for option in choices))


def includes(answer: Any, target: Any, *, ignore_case: bool = True, all: bool = False) -> float:
    """Share of the target's facts that occur in the answer's text; with `all` 1.0 for every fact, else 0.0.

    The target is one string or number, or a list of them; a fact occurs when it is a substring, casefolded unless
    `ignore_case` is false. The text of an object or list is its leaf values, one a line. A target without facts (an
    empty list) is 1.0, a null target 0.0, a null answer holds nothing.
    """
    if target is None:
        return 0.0
    facts = [as_text(fact) for fact in (target if isinstance(target, list | tuple) else [target])]
    text = "" if answer is None else as_text(answer)
    if ignore_case:
        text, facts = text.casefold(), [fact.casefold() for fact in facts]
    found = sum(fact in text for fact in facts)
    if all:
        return float(found == len(facts))
    return found / len(facts) if facts else 1.0


def numeric(answer: Any, target: Any, *, tolerance: NotNegative = 0.0, relative: NotNegative = 1e-9) -> float:
    """1.0 when |answer - target| ≤ max(tolerance, relative · |target|), else 0.0; also when either is no number.

    The default `relative` only forgives what binary floats lose. Strings are read as numbers when they are one, alone:
    "1,234.5", "-3", "6.0e23", with thousands set apart by commas or spaces, and with one currency sign before or after
    or one % after, both of which are ignored: "€ 12" is 12 and "12 %" is 12, not 0.12. "1.234,5", "12 kg", true and
    null are no numbers.
    """
    a, t = _number(answer), _number(target)
    if a is None or t is None:
        return 0.0
    return float(abs(a - t) <= max(tolerance, relative * abs(t)))


def pick(parsed: Any, text: str | None, path: str | None) -> Any:
    """Return what a scorer looks at: the value at a dotted path such as `order.total` or `items.0.price`.

    Without a path it is the whole parsed answer, or the text where nothing was parsed. A path that leads nowhere gives
    None. Digits index lists; in an object they are a name like any other.
    """
    if path is None:
        return text if parsed is None else parsed
    here = parsed
    for part in path.split("."):
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and part.isascii() and part.isdigit() and len(part) < 10:
            here = here[int(part)] if int(part) < len(here) else None
        else:
            return None
    return here


def _same(a: Any, b: Any, ignore_case: bool, strip: bool) -> bool:
    """Compare two JSON values as `exact_match` says."""
    if isinstance(a, str) and isinstance(b, str):
        return _plain(a, ignore_case, strip) == _plain(b, ignore_case, strip)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key], ignore_case, strip) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y, ignore_case, strip) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _plain(text: str, ignore_case: bool, strip: bool) -> str:
    """Take away the differences that do not count."""
    text = text.strip() if strip else text
    return text.casefold() if ignore_case else text


def label_of(value: Any) -> str | None:
    """Return the label that a value stands for."""
    if isinstance(value, str):
        return value.strip().casefold()
    if isinstance(value, bool | int | float):
        return as_text(value)
    return None


def as_text(value: Any) -> str:
    """Return a value as text: scalars as JSON spells them, containers as their leaves, one a line."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        return "\n".join(_leaves(value))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _leaves(value: Any) -> Iterator[str]:
    """Yield the scalars inside a value as text, in order."""
    if isinstance(value, dict | list | tuple):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _leaves(child)
    else:
        yield as_text(value)


def is_number(value: Any) -> bool:
    """Tell whether `numeric` reads a value as a number."""
    return _number(value) is not None


def _number(value: Any) -> float | None:
    """Read a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        match = NUMBER.fullmatch(value.strip().replace("\u2212", "-")) if len(value) <= MAX_NUMBER else None
        if match is None or (match["sign"] and match["inner"]):
            return None
        value = match["sign"] + match["inner"] + re.sub("[^0-9.]", "", match["digits"]) + (match["power"] or "")
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None
