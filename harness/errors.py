"""The exceptions that a user may see; each is one line that ends with the next step.

HarnessError            shown without a traceback
├── ConfigError         a wrong setting, before any call; may hold several mistakes
├── DatasetError        a wrong row or file; names file and line
├── TemplateError       a wrong template; names template, line and the missing variable
├── ProviderError       the provider refused a call as a whole; carries its class, status and own words
└── Stopped             the run is resumable: says why, and the command that goes on
"""

from __future__ import annotations

from collections.abc import Iterable


class HarnessError(Exception):
    """Anything that is not a bug of ours; its text is complete and is shown as it is."""


class ConfigError(HarnessError):
    """One or more wrong settings, one line each in `problems`."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class DatasetError(HarnessError):
    """A dataset that cannot be read as configured."""


class TemplateError(HarnessError):
    """A template that cannot be rendered for a sample."""


class ProviderError(HarnessError):
    """A call that the provider refused or did not answer.

    `kind` is one of the error classes of `types.Error`, or `unclear`: the call may have been carried out.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.code = code
        self.retry_after = retry_after  # seconds


class Stopped(HarnessError):
    """A run that cannot go on now but loses nothing; `resume` takes it up again."""
