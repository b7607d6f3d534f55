"""What to pay for next: the step whose way to the highest fidelity promises most improvement per cost.

    symbol  variable   meaning
    u       gains      what a point is believed to improve on the best by: best - mean, of either sign
    s_l     steps      deviation by which the result at l will move that belief
    c_l     prices     of the step to l
    V_l(u)  values     what may still be gained at l, less rate * cost, if one goes on just as long as it pays

    V_L(u) = max(u, 0)        V_l(u) = max(0, E[V_m(u + s Z)] - rate * c_m),  Z ~ N(0, 1), m the next level

The worth of a step is the largest rate at which it pays to take it: the best ratio of expected improvement to expected
cost over all rules for when to stop, those included that look at a cheap result first. It is a Gittins index (Gittins,
1979), for the sake of which paused and new runs can be compared: each by what it alone can give. A level that tells
nothing moves no belief (s = 0), so that runs are not stopped there.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from ..arrays import Floats, Ints

_CELLS = 61  # of the grid of u
_HALVINGS = 12  # of the interval in which the logarithm of the rate lies
_LEAST = 1e-4  # of the largest rate; less is nothing


@cache
def _quadrature() -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Hermite quadrature for Z; not at import, which NumPy's polynomials would slow down."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(7)
    return nodes, weights / weights.sum()


class Ladder:
    """Values at every level for steps of usual deviations.

    steps: `(n_levels,)` s. prices: `(n_levels, n_levels)`, [since, to] of a run that stands at one level; inf where
    there is no such step.
    """

    def __init__(self, steps: Floats, prices: Floats, most: float) -> None:
        self._steps, self._prices = steps, prices
        self._u = most * np.sinh(np.linspace(-5.0, 5.0, _CELLS)) / math.sinh(5.0)  # finest where V bends

    def values(self, rate: float) -> list[Floats]:
        """V of each level on the grid."""
        last = len(self._steps) - 1
        found = [np.zeros(0)] * last + [np.maximum(self._u, 0.0)]
        for level in range(last - 1, -1, -1):
            best = np.zeros(len(self._u))
            for to in range(level + 1, last + 1):
                if math.isfinite(price := self._prices[level, to]):
                    step = math.sqrt(float((self._steps[level + 1 : to + 1] ** 2).sum()))
                    best = np.maximum(best, self.expected(found[to], self._u, np.array(step)) - rate * price)
            found[level] = best
        return found

    def expected(self, values: Floats, u: Floats, steps: Floats) -> Floats:
        """`(m,)` means of V at `(m,)` u that a step moves."""
        nodes, weights = _quadrature()
        moved = u[:, None] + np.reshape(steps, (-1, 1)) * nodes  # (m, n_nodes)
        beyond = np.maximum(moved - self._u[-1], 0.0)  # where V rises as u does
        return np.asarray((np.interp(moved, self._u, values) + beyond) @ weights)


def worthiest(gains: Floats, steps: Floats, to: Ints, prices: Floats, ladder: Floats) -> int:
    """Which of m steps is worth most; -1 if none is worth anything.

    gains: `(m,)` u. steps: `(m, n_levels)` s, 0 of what is known. to: `(m,)` levels. prices: `(m,)`.
    ladder: `(n_levels, n_levels)` prices of further steps, see `Ladder`.
    """
    n_levels = steps.shape[1]
    usual = steps.sum(axis=0) / np.maximum((steps > 0).sum(axis=0), 1)
    own = np.sqrt((steps**2 * (np.arange(n_levels) <= to[:, None])).sum(axis=1))  # (m,) of this step
    after = Ladder(usual, ladder, 1e-9 + np.abs(gains).max() + 4.0 * math.sqrt(float((usual**2).sum())))
    groups = [(level, np.flatnonzero(to == level)) for level in np.unique(to).tolist()]

    def surplus(rate: float) -> Floats:
        values, found = after.values(rate), np.empty(len(gains))
        for level, rows in groups:
            found[rows] = after.expected(values[level], gains[rows], own[rows])
        return found - rate * prices

    promise = surplus(0.0) / prices
    high = float(promise.max())  # no rule is better than never to stop, free of charge
    if high <= 0.0:
        return -1
    low = high * _LEAST
    if surplus(low).max() <= 0.0:
        return int(np.argmax(promise))
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if surplus(middle).max() > 0.0 else (low, middle)
    return int(np.argmax(surplus(low)))
