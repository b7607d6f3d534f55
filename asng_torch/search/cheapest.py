"""Whether any architecture is within a limit, asked before a search that could only fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from asng_core import ASNG, Space

_DRAWN = 16  # architectures looked at before any is improved


def check_limit(space: Space, cost: Callable[[Mapping[str, Any]], float], limit: float, most: int) -> None:
    """Raises ValueError if no architecture found costs at most `limit`: none drawn, none that is made of it.

    A variable after the other is set to its cheapest value until none helps, where a cost that adds up is at its
    least. Gives up without a word after `most` costs, and in a space with a Real.
    """
    if any(variable.continuous for variable in space.variables.values()):
        return
    least, full = np.inf, np.empty(0, dtype=np.int64)
    for candidate in ASNG(space, seed=0).sample(_DRAWN):
        if (found := cost(candidate)) < least or not len(full):  # all may be infinite
            # a variable that is inactive here has a value to begin with when another makes it active
            least, full = found, np.maximum(candidate.codes, 0)
        if least <= limit:
            return
    left, improved = most - _DRAWN, True
    while improved:
        improved = False
        for i, variable in enumerate(space.variables.values()):
            for code in range(variable.size):
                if left == 0 or least <= limit:
                    return
                changed = full.copy()
                changed[i] = code
                (architecture,) = space.decode(space.masked(changed[None]))
                left -= 1
                if (found := cost(architecture)) < least:
                    least, full, improved = found, changed, True
    if least > limit:
        raise ValueError(f"Search(limit={limit:g}) must be one that an architecture meets, but the least cost found is "
                         f"{least:g}. Raise it, or give the space something cheaper.")
