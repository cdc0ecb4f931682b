"""Refuse keys in configuration: a config names an environment variable, it never holds what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Whole words of a key's name that announce a secret; max_tokens and api_key_env do not match.
KEY_LIKE = re.compile(
    r"(?i:(^|[_\-.])(api[_-]?key|secret|pass(word|wd|phrase)|authorization|credentials?|(private|access)[_-]key|token)$)"
    r"|^[A-Z0-9_]+_(KEY|TOKEN|SECRET|PASSWORD)$"
)
VALUE_LIKE = re.compile(
    r"\bsk-[A-Za-z0-9_-]{8,}|\bgsk_[A-Za-z0-9]{8,}|\bAIza[0-9A-Za-z_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{16,}"
    r"|\bBearer\s+\S{8,}|\bAKIA[0-9A-Z]{12,}|\bya29\.[\w-]{8,}|\bxox[abprs]-[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|https?://[^/?#\s@]+@|[?&](?:api[_-]?key|key|(?:access_)?token)=[^&\s]{8,}"
)
NAMED = re.compile(r"[{,]\s*['\"]?([\w.-]+)['\"]?\s*:")  # the keys of a mapping in an override
ENVIRONMENT = re.compile(r"\$\{\s*oc\.env\s*:")
ADVICE = "configs name the variable (provider.api_key_env), the key stays in the environment"


def key_like(name: str) -> bool:
    """Tell whether a key of this name would hold a secret."""
    return KEY_LIKE.search(name) is not None


def known_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of environment variables whose name announces a secret; short ones would match too much."""
    return tuple(value for name, value in environment.items() if key_like(name) and len(value) >= 8)


def value_problem(value: str, secrets: Iterable[str]) -> str | None:
    """Say why a value must not stand in a configuration, without repeating it."""
    if VALUE_LIKE.search(value):
        return f"looks like a key; {ADVICE}"
    if any(secret in value for secret in secrets):
        return f"contains the value of a secret environment variable; {ADVICE}"
    return None


def override_problems(overrides: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """Check the words of a command line before Hydra sees them."""
    secrets = known_secrets(environment)
    problems = []
    for word in overrides:
        key, _, value = word.partition("=")
        name = key.lstrip("+~")
        named = [name.rpartition(".")[2], *NAMED.findall(value)]
        if value and value not in ("null", "???") and any(map(key_like, named)):
            problems.append(f"{name}: a secret does not belong on a command line; {ADVICE}")
        elif found := value_problem(word, secrets):
            problems.append(f"{name if '=' in word else 'the command line'}: {found}")
        elif "_target_" in name or name.startswith("hydra.callbacks"):
            problems.append(f"{name}: code cannot be named in an override; a scorer of your own is ./scorers/<kind>.py")
    return problems


def config_problems(config: Any, environment: Mapping[str, str]) -> list[str]:
    """Check a composed, unresolved configuration before it is written anywhere."""
    secrets = known_secrets(environment)
    problems = []
    for path, value in _leaves(config, ""):
        name = path.rpartition(".")[2]
        if key_like(name) and value not in (None, "", "???"):
            problems.append(f"{path}: a secret does not belong in a configuration; {ADVICE}")
        elif name == "_target_" and not path.startswith("hydra."):
            problems.append(
                f"{path}: code cannot be named in a configuration; a scorer of yours is ./scorers/<kind>.py"
            )
        elif isinstance(value, str) and (found := value_problem(value, secrets)):
            problems.append(f"{path}: {found}")
        elif isinstance(value, str) and ENVIRONMENT.search(value):
            problems.append(f"{path}: reads the environment; what is sent would not stand in the plan. {ADVICE}")
    return problems


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Take keys out of a text that is about to be written or shown, such as a provider's error."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "[key]")
    return VALUE_LIKE.sub("[key]", text)


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every value with its dotted path."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list | tuple):
        for number, value in enumerate(node):
            yield from _leaves(value, f"{path}.{number}")
    else:
        yield path, node
