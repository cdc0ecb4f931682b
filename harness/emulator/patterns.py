"""Text that matches a simple regular expression: literals, classes, groups, alternatives, repetition."""

from __future__ import annotations

import string

from .draws import Draws

_CLASSES = {
    "d": string.digits,
    "w": string.ascii_lowercase + string.digits,
    "s": " ",
    "D": string.ascii_lowercase,
    "W": "-",
    "S": string.ascii_lowercase,
}
_PLAIN = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "b": "", "B": "", "A": "", "Z": ""}
_MOST = 1_000  # repetitions
_PRINTABLE = string.digits + string.ascii_letters + "-_ .,:;"


class UnsupportedError(Exception):
    """The pattern uses something that is not understood here."""


def matching(pattern: str, draws: Draws) -> str:
    """Make a text that matches; UnsupportedError for look-around, back references and the like."""
    maker = _Maker(pattern, draws)
    text = maker.alternatives()
    if maker.at != len(pattern):
        raise UnsupportedError(pattern)
    return text


class _Maker:
    """Reads the pattern once from left to right and writes the text as it goes."""

    def __init__(self, pattern: str, draws: Draws) -> None:
        self.pattern = pattern
        self.draws = draws
        self.at = 0

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise UnsupportedError(self.pattern)
        self.at += 1
        return char

    def alternatives(self) -> str:
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        return self.draws.choice(options)

    def sequence(self) -> str:
        out = []
        while self.peek() and self.peek() not in "|)":
            start = self.at
            piece = self.atom()
            low, high = self.repetition()
            end = self.at
            out.append(self.repeated(start, piece, low + self.draws.below(high - low + 1)))
            self.at = end
        return "".join(out)

    def repeated(self, start: int, first: str, times: int) -> str:
        pieces = [first] if times else []
        for _ in range(times - 1):  # read the atom again, so that each repetition draws anew
            self.at = start
            pieces.append(self.atom())
        return "".join(pieces)

    def repetition(self) -> tuple[int, int]:
        char = self.peek()
        low, high = {"*": (0, 4), "+": (1, 4), "?": (0, 1)}.get(char, (1, 1))
        if char and char in "*+?":
            self.at += 1
        elif char == "{":
            end = self.pattern.find("}", self.at)
            first, comma, last = self.pattern[self.at + 1 : end].partition(",")
            if not first.isdigit() or not (last.isdigit() or not last):
                raise UnsupportedError(self.pattern)
            low = int(first)
            high = int(last) if last else low + (4 if comma else 0)
            if not low <= high <= _MOST:
                raise UnsupportedError(self.pattern)
            self.at = end + 1
        if self.peek() in {"?", "+"} and (char and char in "*+?{"):  # lazy or possessive: the same texts match
            self.at += 1
        return low, high

    def atom(self) -> str:
        char = self.take()
        if char == "(":
            return self.group()
        if char == "[":
            return self.draws.choice(self.members())
        if char == "\\":
            return self.draws.choice(self.escaped(self.take()) or [""])
        if char == ".":
            return self.draws.choice(string.ascii_lowercase)
        if char in "^$":
            return ""
        if char in "*+?{":
            raise UnsupportedError(self.pattern)
        return char

    def group(self) -> str:
        if self.peek() == "?":
            self.at += 1
            if self.take() != ":":
                raise UnsupportedError(self.pattern)
        text = self.alternatives()
        if self.take() != ")":
            raise UnsupportedError(self.pattern)
        return text

    def escaped(self, char: str) -> str:
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _PLAIN:
            return _PLAIN[char]
        if char.isalnum():
            raise UnsupportedError(self.pattern)
        return char

    def members(self) -> str:
        negated = self.peek() == "^"
        self.at += negated
        found = ""
        while (char := self.take()) != "]" or not found:
            chars = self.escaped(self.take()) if char == "\\" else char
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in {"]", ""} and len(chars) == 1:
                self.at += 1
                last = self.take()
                last = self.escaped(self.take()) if last == "\\" else last
                chars = "".join(map(chr, range(ord(chars), min(ord(last), ord(chars) + 255) + 1)))
            found += chars
        if not negated:
            return found
        return "".join(char for char in _PRINTABLE if char not in found) or "\u00a4"
