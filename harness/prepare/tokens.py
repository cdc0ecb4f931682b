"""Estimate input tokens: bytes over a ratio, measured on the first requests where a tokenizer is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

import orjson

BYTES_PER_TOKEN = 4.0  # OpenAI help page "What are tokens": about four characters of English
PER_MESSAGE = 4  # role and separators, openai-cookbook "How to count tokens"


def ratio(texts: Sequence[str], tokenizer: str | None) -> tuple[float, str]:
    """Return bytes per token and how it was found.

    The tokenizer of the extra `tokens` counts in a process of its own: loaded, its table takes 130 MB.
    """
    size = sum(len(text.encode()) for text in texts)
    if tokenizer is None or not size:
        return BYTES_PER_TOKEN, "estimated at 4 bytes a token"
    if find_spec("bpe_openai") is None:
        return BYTES_PER_TOKEN, "estimated at 4 bytes a token; install harness[tokens] for a measured ratio"
    words = [sys.executable, "-W", "ignore", "-m", "harness.prepare.tokens", tokenizer]
    counted = subprocess.run(words, input=orjson.dumps(texts), capture_output=True, check=False)
    if counted.returncode != 0:
        return BYTES_PER_TOKEN, "estimated at 4 bytes a token; the tokenizer of harness[tokens] did not run"
    return size / max(int(counted.stdout), 1), f"estimated: {tokenizer} counted on the first {len(texts)} messages"


def count(texts: Sequence[str], tokenizer: str) -> int:
    """Count the tokens of texts with a tokenizer of the extra `tokens`."""
    from bpe_openai import get_encoding

    encoding = get_encoding(tokenizer)
    return sum(len(encoding.encode_ordinary(text)) for text in texts)


if __name__ == "__main__":
    sys.stdout.write(str(count(orjson.loads(sys.stdin.buffer.read()), sys.argv[1])))
