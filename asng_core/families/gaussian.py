"""Independent Gaussians over the positions 0..K-1 of ordered values; draws are rounded for the user.

The natural gradient in the expectation parameters (m, m^2 + sigma^2) is written in the stable
coordinates dm and D = (change of the second moment about m), so that no second moment is ever
formed and ranges up to 2^53 lose nothing.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from .family import Family, Floats, Ints

_erfc = np.frompyfunc(math.erfc, 1, 1)  # NumPy has none
_MAX_CELLS = 2000  # resolution of the entropy's sum


class GaussianFamily(Family):
    """theta is the d means, then the d standard deviations: `(2 d,)`, in positions.

    Limits of each step: mean within 0..K-1; sigma at least half of what it was and within
    sigma_min..sigma_max, where sigma_max is half the range and sigma_min leaves the mode's bin with
    probability `margin`, unless given. The start is the middle of the range with `sigma_init`, by
    default a quarter of the range.
    """

    def __init__(self, sizes: Ints, margin: float, *, sigma_min: float | None = None,
                 sigma_init: Floats | None = None) -> None:
        self.sizes = sizes
        self.n_parameters = self.n_theta = 2 * len(sizes)
        self._range = (sizes - 1).astype(np.float64)  # exact: subtract before rounding to float64
        self._sigma_min = -0.5 / NormalDist().inv_cdf(margin / 2) if sigma_min is None else sigma_min
        self._sigma_max = np.maximum(self._range / 2, self._sigma_min)
        self._sigma_init = self._range / 4 if sigma_init is None else sigma_init

    def initial(self) -> Floats:
        return np.concatenate([self._range / 2, np.clip(self._sigma_init, self._sigma_min, self._sigma_max)])

    def sample(self, theta: Floats, n: int, rng: np.random.Generator) -> Floats:
        mean, sigma = self._split(theta)
        return mean + sigma * rng.standard_normal((n, len(self.sizes)))  # ~ N(m, sigma^2)

    def codes(self, draws: Floats) -> Ints:
        return np.clip(np.rint(draws), 0, self._range).astype(np.int64)

    def natural_gradient(self, theta: Floats, utilities: Floats, draws: Floats) -> Floats:
        mean, sigma = self._split(theta)
        deviation = draws - mean
        dm = np.einsum("j,ji->i", utilities, deviation)
        d2 = np.einsum("j,ji->i", utilities, deviation**2 - sigma**2)
        return np.concatenate([dm, d2])

    def root_fisher(self, theta: Floats, gradient: Floats) -> Floats:
        _, sigma = self._split(theta)
        dm, d2 = self._split(gradient)
        return np.concatenate([dm / sigma, d2 / (math.sqrt(2) * sigma**2)])

    def step(self, theta: Floats, gradient: Floats, length: float) -> Floats:
        mean, sigma = self._split(theta)
        dm, d2 = self._split(gradient)
        # a long straight step leaves the family (variance below 0): at most halve sigma, or one step
        # collapses it to sigma_min for good
        variance = sigma**2 + length * d2 - (length * dm) ** 2
        return np.concatenate([
            np.clip(mean + length * dm, 0, self._range),
            np.clip(np.sqrt(np.maximum(variance, sigma**2 / 4)), self._sigma_min, self._sigma_max),
        ])

    def mode(self, theta: Floats) -> Ints:
        return self.codes(self._split(theta)[0])  # of the Gaussian; its tails pile up at the ends

    def log_probabilities(self, theta: Floats, codes: Ints) -> Floats:
        mean, sigma = self._split(theta)
        offset = codes - mean
        lower = np.where(codes > 0, offset - 0.5, -np.inf)
        upper = np.where(codes < self._range, offset + 0.5, np.inf)
        with np.errstate(divide="ignore"):  # a bin too far out to represent has log-probability -inf
            return np.log(_interval(lower, upper, sigma))

    def entropy(self, theta: Floats) -> Floats:
        mean, sigma = self._split(theta)
        return np.array([_rounded_entropy(*each) for each in zip(mean, sigma, self._range, strict=True)])

    def marginals(self, theta: Floats) -> list[Floats]:
        return list(np.stack(self._split(theta), axis=1))

    def _split(self, theta: Floats) -> tuple[Floats, Floats]:
        return theta[: len(self.sizes)], theta[len(self.sizes) :]


def _interval(lower: Floats, upper: Floats, sigma: Floats) -> Floats:
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


def _rounded_entropy(mean: float, sigma: float, last: float) -> float:
    """Entropy of the rounded Gaussian over 0..last: exact up to _MAX_CELLS positions within 9 sigma,
    with equal probabilities inside cells of several positions beyond that."""
    low, high = max(0.0, math.floor(mean - 9 * sigma)), min(last, math.ceil(mean + 9 * sigma))
    inner = np.linspace(low - mean + 0.5, high - mean - 0.5, int(min(high - low, _MAX_CELLS)))
    # the ends gather the tails, in cells of one position
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    positions = np.concatenate([[1.0], np.diff(inner), [1.0]])
    probability = _interval(edges[:-1], edges[1:], np.full(len(edges) - 1, sigma))
    positive = probability > 0
    p = probability[positive]
    return max(0.0, float(-(p * np.log(p / positions[positive])).sum()))
