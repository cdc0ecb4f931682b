"""How much of a text's wording another text shares: the F1 of their words."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from harness.collect.scoring import as_text

# ASCII in one pass: letters lower-cased, digits kept, anything else a gap.
ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
# Scripts that write no gaps between words: each sign counts as one.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")


def words(text: str) -> list[str]:
    """Return the words of a text: runs of letters and digits, casefolded; signs of scripts without gaps one by one."""
    if text.isascii():
        return text.translate(ASCII).split()
    return WORD.findall(unicodedata.normalize("NFC", text).casefold())


def token_f1(answer: Any, target: Any) -> float:
    """Harmonic mean of precision and recall of the words that answer and target share, from 0.0 to 1.0.

    With s words in common (each as often as both have it), a in the answer and t in the target it is 2s / (a + t).
    Words are runs of letters and digits without capitals and punctuation; of Chinese, Japanese, Thai and other scripts
    that write no gaps each sign is a word. Nothing is stemmed and no article is left out, so that all languages are
    treated alike. Of a list of targets the nearest counts. Two texts without words are 1.0, one without is 0.0; null
    has no words.
    """
    if isinstance(target, list | tuple):
        return max((token_f1(answer, one) for one in target), default=0.0)
    said = words(answer if isinstance(answer, str) else "" if answer is None else as_text(answer))
    wanted = words(target if isinstance(target, str) else "" if target is None else as_text(target))
    if not said or not wanted:
        return float(not said and not wanted)
    left: dict[str, int] = {}
    for word in wanted:
        left[word] = left.get(word, 0) + 1
    shared = 0
    for word in said:
        if count := left.get(word):
            shared += 1
            left[word] = count - 1
    return 2 * shared / (len(said) + len(wanted))
