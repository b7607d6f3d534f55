"""The order of merit of results: the one place that knows what better means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranks(losses: NDArray[np.float64], violations: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    """`(n,)` dense ranks from 0, the best: feasible results by loss, +inf their last, then the infeasible by
    summed violation, then failures (NaN). Equals share a rank.
    """
    keys: tuple[NDArray[np.float64], ...] = (losses,)
    if violations is not None and violations.any():
        kind = np.where(np.isnan(losses), 2.0, violations > 0)
        keys = np.where(kind == 1, violations, losses), kind
    order = np.lexsort(keys) if len(keys) > 1 else losses.argsort(kind="stable")  # NaN last
    within = keys[0][order]
    differs = within[1:] != within[:-1]
    for key in keys[1:]:
        differs |= key[order[1:]] != key[order[:-1]]
    differs &= within[:-1] == within[:-1]  # NaN differs from itself, but a failure equals a failure
    rank = np.zeros(len(losses), dtype=np.int64)
    rank[order[1:]] = differs.cumsum()
    return rank
