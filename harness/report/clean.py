"""Text from models and providers, made harmless for terminals, Markdown and HTML: it is hostile input."""

from __future__ import annotations

import html
import re

MAX_TEXT = 300  # characters of a foreign text that a report shows

ESCAPES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor, screen
    r"|\x1b[ -/]*[0-~]?"
)
# Controls but newline and tab; what reorders or hides text; lone surrogates, which no UTF-8 stream takes.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
# What starts something in Markdown or on GitHub in the middle of a line; _ inside a word does not.
MARKDOWN = re.compile(r"([\\`*\[\]|~$@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
LINKS = re.compile(r"(?i)(:)(//)|(www)(\.)")


def clean_text(text: str) -> str:
    """Strip escape sequences, control characters, bidirectional overrides and invisible characters."""
    return UNSEEN.sub("", ESCAPES.sub("", text))


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """Clean a text, fold its white space and cut it."""
    flat = " ".join(clean_text(text[: 20 * limit]).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def markdown_text(text: str, limit: int = MAX_TEXT) -> str:
    """Make a text that Markdown and HTML show as it is, on one line and inside a table cell too."""
    escaped = MARKDOWN.sub(r"\\\1", html.escape(one_line(text, limit), quote=False))
    return LINKS.sub(lambda m: f"{m[1] or m[3]}\\{m[2] or m[4]}", escaped)
