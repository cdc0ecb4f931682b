"""How much of a text's wording another text shares: the F1 of their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any

from harness.collect.scoring import as_text

# Latin-1 in one pass: letters and digits kept, A-Z lower-cased, anything else a gap. Bytes are translated and split
# several times as fast as text, and Western European languages fit.
LATIN = bytes(
    ord(chr(n).lower()) if n < 128 and chr(n).isalnum() else n if chr(n).isalnum() else 32 for n in range(256)
)
# Scripts that write no gaps between words: each sign counts as one.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


SHORT = 50  # words up to which walking a list is faster than counting; most answers keep the target's order


def token_f1(answer: Any, target: Any) -> float:
    """Harmonic mean of precision and recall of the words that answer and target share, from 0.0 to 1.0.

    With s words in common (each as often as both have it), a in the answer and t in the target it is 2s / (a + t).
    Words are runs of letters and digits without capitals and punctuation; of Chinese, Japanese, Thai and other scripts
    that write no gaps each sign is a word. Nothing is stemmed and no article is left out, so that all languages are
    treated alike. Of a list of targets the nearest counts. Two texts without words are 1.0 when they are the same, else
    0.0, as where one of them has none; null has no words.
    """
    if isinstance(target, list | tuple):
        return max((token_f1(answer, one) for one in target), default=0.0)
    one, other = _as_text(answer), _as_text(target)
    said, wanted = _words(one, other)
    if not said or not wanted:
        return float(not said and not wanted and one.strip() == other.strip())
    return 2 * shared(said, wanted) / (len(said) + len(wanted))


def shared(said: Sequence[Hashable], wanted: Sequence[Hashable]) -> int:
    """Count what two lists have in common, each value as often as both have it."""
    if len(wanted) <= SHORT:
        rest_of = list(wanted)
        for value in said:
            if value in rest_of:
                rest_of.remove(value)
        return len(wanted) - len(rest_of)
    left: dict[Hashable, int] = {}
    rest = left.get
    for value in wanted:
        left[value] = rest(value, 0) + 1
    count = 0
    for value in said:
        if there := rest(value):
            count += 1
            left[value] = there - 1
    return count


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else as_text(value)


def _words(one: str, other: str) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """Return the words of two texts, both as bytes or both as text."""
    one, other = (text if text.isascii() else unicodedata.normalize("NFC", text).casefold() for text in (one, other))
    try:
        return one.encode("latin-1").translate(LATIN).split(), other.encode("latin-1").translate(LATIN).split()
    except UnicodeEncodeError:
        return _word().findall(one.casefold()), _word().findall(other.casefold())


@cache
def _word() -> re.Pattern[str]:
    """Return the pattern of a word: one sign of an unspaced script, or letters and digits with the marks on them.

    Python's \\w leaves out combining marks, which are the vowels of Hindi, Tamil and Arabic.
    """
    marks = "".join(chr(n) for n in range(0x300, 0x10000) if unicodedata.category(chr(n)) in ("Mn", "Mc"))
    return re.compile(rf"[{UNSPACED}]|(?:[^\W_{UNSPACED}][{marks}]*)+")
