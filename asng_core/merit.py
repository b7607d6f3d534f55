"""The order of merit of results: the one place that knows what better means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ranks(losses: NDArray[np.float64], violations: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """`(n,)` dense ranks from 0, the best: feasible results by loss, +inf their last, then the infeasible by
    summed violation, then failures (NaN). Equals share a rank.
    """
    failed = np.isnan(losses)
    kind, within = failed.astype(np.int8), losses
    if violations is not None and violations.any():
        infeasible = violations > 0
        kind = np.where(failed, 2, infeasible)
        within = np.where(infeasible, violations, losses)
    within = np.where(failed, 0.0, within)
    order = np.lexsort((within, kind))
    rank = np.zeros(len(losses))
    a, b = order[:-1], order[1:]
    rank[b] = ((within[b] != within[a]) | (kind[b] != kind[a])).cumsum()
    return rank
