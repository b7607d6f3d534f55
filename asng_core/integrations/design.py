"""What a search begins with where all valid configurations are known: some of them, far apart.

`Minimizer` alone would draw its first points near the middle of the product, where restrictions may leave little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..space.space import Space

Config = tuple[Any, ...]  # a value for each variable, in their order
# before a model has a say, as in `Minimizer`; random ones of which the farthest is taken: 1, 10, 50 and 200 were tried
# on the tables of `benchmarks.kernel_tuner`
BEGINNING, COMPARED = 8, 200


def far_apart(space: Space, configs: Sequence[Config], n: int, rng: np.random.Generator) -> Iterator[Config]:
    """`n` of the configurations, or all: the first random, each other one far from those before.

    Far is where the least distance to one of them is large: the sum over parameters of the difference in ranks, of all
    ranks, or 1 for other values without an order.
    """
    ordered, largest = np.array([each.ordered for each in space.variables.values()]), np.maximum(space.sizes - 1, 1)

    def codes(rows: NDArray[Any]) -> NDArray[Any]:
        return np.array([space.encode(dict(zip(space.names, configs[row], strict=True))) for row in rows])

    chosen = np.empty((0, len(largest)), dtype=np.int64)
    for _ in range(min(n, len(configs))):
        rows = rng.choice(len(configs), min(COMPARED, len(configs)), replace=False)
        drawn = codes(rows if len(chosen) else rows[:1])
        apart = np.abs(drawn[:, None] - chosen)  # (n drawn, n chosen, n parameters)
        least = np.where(ordered, apart / largest, apart > 0).sum(axis=-1).min(axis=1, initial=np.inf)
        row = int(least.argmax())
        chosen = np.concatenate([chosen, drawn[row:row + 1]])
        yield configs[rows[row]]
