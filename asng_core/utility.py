"""From ranks to ranking utilities: the only thing the optimizer ever sees of a loss is its rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def utilities(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """`(n,)` utilities, best positive, worst negative, sum zero, of `(n,)` dense ranks from 0, the best.

    The best ceil(n/4) get +1, the worst ceil(n/4) get -1, the others 0 (Akimoto et al., ICML 2019,
    section 4); equals share the mean of theirs, so that results all equal move nothing.
    """
    n = len(ranks)
    quarter = min(-(-n // 4), n // 2)
    by_place = np.zeros(n)
    by_place[:quarter] = 1.0
    by_place[n - quarter :] = -1.0
    equals = np.bincount(ranks)
    shared: NDArray[np.float64] = np.add.reduceat(by_place, equals.cumsum() - equals) / equals
    return shared[ranks]
