"""From ranks to ranking utilities: the only thing the optimizer ever sees of a loss is its rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def utilities(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(n,)` utilities, best positive, worst negative, sum zero, of any numbers of which lower is better.

    The best ceil(n/4) get +1, the worst ceil(n/4) get -1, the others 0 (Akimoto et al., ICML 2019,
    section 4); equals share the mean of theirs, so that results all equal move nothing.
    """
    n = len(ranks)
    quarter = min(-(-n // 4), n // 2)
    by_rank = np.zeros(n)
    by_rank[:quarter] = 1.0
    by_rank[n - quarter :] = -1.0
    order = ranks.argsort(kind="stable")
    ranked = ranks[order]
    tie = np.concatenate([[0], (ranked[1:] != ranked[:-1]).cumsum()])
    result = np.empty(n)
    result[order] = (np.bincount(tie, by_rank) / np.bincount(tie))[tie]
    return result
