"""From losses to ranking utilities: the only thing the optimizer ever sees of a loss is its rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def utilities(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(n,)` utilities, best positive, worst negative, sum zero.

    The best ceil(n/4) losses get +1, the worst ceil(n/4) get -1, the others 0 (Akimoto et al., ICML
    2019, section 4); equal losses share the mean of theirs, so that losses all equal move nothing.
    NaN, a failed evaluation, ranks below +inf; NaNs tie. Invariant under increasing maps of the losses.
    """
    n = len(losses)
    quarter = min(-(-n // 4), n // 2)
    by_rank = np.zeros(n)
    by_rank[:quarter] = 1.0
    by_rank[n - quarter :] = -1.0
    order = losses.argsort(kind="stable")  # NaNs last
    ranked = losses[order]
    differs = ranked[1:] != ranked[:-1]
    differs &= ~np.isnan(ranked[:-1])  # NaN differs from itself, but a failure equals a failure
    tie = np.concatenate([[0], differs.cumsum()])
    result = np.empty(n)
    result[order] = (np.bincount(tie, by_rank) / np.bincount(tie))[tie]
    return result
