"""The checks by name, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Callable

from .driving import Maker

Check = Callable[[Maker], None]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Enter a check: it returns if the optimizer passes, and raises whatever is wrong with it."""
    CHECKS[function.__name__] = function
    return function
