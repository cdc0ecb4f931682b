"""The only place that waits and decides."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness import Run


class Room(ModuleType):
    """This package, which importing it puts in the place of the function `harness.run`: so it can be called too."""

    def __call__(self, overrides: Sequence[str] = ()) -> Run:
        """Run an experiment, see `harness.run`."""
        import harness

        return harness.run_experiment(overrides)


sys.modules[__name__].__class__ = Room
