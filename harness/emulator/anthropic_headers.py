"""What a call to the Anthropic API says in its headers."""

from __future__ import annotations

from starlette.datastructures import Headers

from .anthropic_rules import Call


def key_of(headers: Headers) -> str:
    """Read the key, which comes in one of two headers; `x-api-key` goes first."""
    bearer = headers.get("authorization", "").partition(" ")[2].strip()
    return headers.get("x-api-key") or bearer


def call_of(headers: Headers, tier: str) -> Call:
    """Read version and betas of a call that names a version."""
    betas = {beta.strip() for given in headers.getlist("anthropic-beta") for beta in given.split(",")}
    return Call(headers["anthropic-version"], tier, frozenset(betas - {""}))
