"""The estimate of input tokens."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from harness.prepare import tokens

ENGLISH = ["The quick brown fox jumps over the lazy dog. " * 20]
measured = pytest.mark.skipif(find_spec("bpe_openai") is None, reason="needs the extra `tokens`")


@pytest.mark.parametrize(("texts", "tokenizer"), [([], "o200k_base"), (["", ""], "o200k_base"), (ENGLISH, None)])
def test_without_text_or_tokenizer_there_is_nothing_to_measure(texts: list[str], tokenizer: str | None) -> None:
    assert tokens.ratio(texts, tokenizer) == (4.0, "estimated at 4 bytes a token")


@measured
def test_the_ratio_is_measured_on_the_texts_themselves() -> None:
    english, how = tokens.ratio(ENGLISH, "o200k_base")
    assert how == "estimated: o200k_base counted on the first 1 messages"
    assert 4 < english < 6


@measured
def test_a_tokenizer_that_does_not_exist_leaves_the_estimate() -> None:
    assert tokens.ratio(ENGLISH, "nope") == (
        4.0,
        "estimated at 4 bytes a token; the tokenizer of harness[tokens] did not run",
    )
