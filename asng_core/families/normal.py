"""The normal distribution: probabilities of intervals, and entropy over cells."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Floats

_erfc = np.frompyfunc(math.erfc, 1, 1)  # NumPy has none
MAX_CELLS = 2000  # resolution of the entropy's sum


def interval(lower: Floats, upper: Floats, sigma: Floats) -> Floats:
    """P(lower < x < upper) for x ~ N(0, sigma^2)."""
    lower, upper, sigma = np.broadcast_arrays(lower, upper, sigma)
    mirror = lower + upper < 0  # erfc is exact in the upper tail, so measure there
    a, b = np.where(mirror, -upper, lower) / sigma, np.where(mirror, -lower, upper) / sigma
    exact = 0.5 * np.asarray(_erfc(a / math.sqrt(2)) - _erfc(b / math.sqrt(2)), dtype=np.float64)
    width = (upper - lower) / sigma  # b - a would cancel
    # in a bin this narrow the difference of the tails would cancel too, and the density is constant
    narrow = width < 1e-4
    middle = np.where(narrow, (a + b) / 2, 0.0)
    density = np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi)
    return np.where(narrow, density * np.where(narrow, width, 0.0), exact)


def cells_within(mean: float, sigma: float, last: float) -> tuple[Floats, Floats]:
    """Cells of the positions 0..last within 9 sigma of the mean: inner edges less the mean, positions in each.

    A cell is one position, or several where there are more than MAX_CELLS.
    """
    low, high = max(0.0, math.floor(mean - 9 * sigma)), min(last, math.ceil(mean + 9 * sigma))
    inner = np.linspace(low - mean + 0.5, high - mean - 0.5, int(min(high - low, MAX_CELLS)))
    # the ends gather the tails, in cells of one position
    return inner, np.concatenate([[1.0], np.diff(inner), [1.0]])


def entropy(inner: Floats, sigma: float, positions: Floats) -> float:
    """Entropy of N(0, sigma^2) over cells of that many equally likely positions each."""
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    probability = interval(edges[:-1], edges[1:], np.full(len(edges) - 1, sigma))
    positive = probability > 0
    p = probability[positive]
    return max(0.0, float(-(p * np.log(p / positions[positive])).sum()))
