"""Independent Gaussians over the coordinates of ordered values; draws are rounded for the user.

The natural gradient in the expectation parameters (m, m^2 + sigma^2) is written in the stable
coordinates dm and D = (change of the second moment about m), so that no second moment is ever
formed and ranges up to 2^53 lose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..arrays import Codes, Floats
from . import normal
from .coordinates import RESOLUTION, Coordinates
from .family import Family

_SETTLED = 1.1  # of its smallest sigma, a continuous variable's sigma counts as converged


class GaussianFamily(Family):
    """theta is the d means, then the d standard deviations: `(2 d,)`, along the coordinates' axes.

    Limits of each step: mean within the range; sigma at least half of what it was and within
    sigma_min..sigma_max, where sigma_max is half the range and sigma_min leaves the mode's bin with
    probability `margin`, unless given. The start is the middle of the range with a quarter of
    it as sigma.
    """

    def __init__(self, coordinates: Coordinates, margin: float, *, sigma_min: float | None = None) -> None:
        self.coordinates = coordinates
        self.sizes = coordinates.sizes
        self.n_parameters = self.n_theta = 2 * len(self.sizes)
        self._margin, self._given = margin, sigma_min
        self._sigma_max = (coordinates.high - coordinates.low) / 2

    def initial(self) -> Floats:
        return self._limited((self.coordinates.low + self.coordinates.high) / 2, self._sigma_max / 2)

    def sample(self, theta: Floats, n: int, rng: np.random.Generator, mirrored: bool = False) -> Floats:
        mean, sigma = self._split(theta)
        z = rng.standard_normal(((n + 1) // 2 if mirrored else n, len(self.sizes)))
        if mirrored:  # z, -z, z', -z', ...
            z = np.stack([z, -z], axis=1).reshape(-1, len(self.sizes))[:n]
        return mean + sigma * z  # ~ N(m, sigma^2)

    def codes(self, draws: Floats) -> Codes:
        return self.coordinates.codes(draws)

    def draws(self, codes: Codes) -> Floats:
        return self.coordinates.coordinates(codes)

    def natural_gradient(self, theta: Floats, utilities: Floats, draws: Floats) -> Floats:
        mean, sigma = self._split(theta)
        deviation = draws - mean
        sums = "j,ji->i" if utilities.ndim == 1 else "ji,ji->i"
        dm = np.einsum(sums, utilities, deviation)
        d2 = np.einsum(sums, utilities, deviation**2 - sigma**2)
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
        return self._limited(mean + length * dm, np.sqrt(np.maximum(variance, sigma**2 / 4)))

    def mode(self, theta: Floats) -> Codes:
        return self.codes(self._split(theta)[0])  # of the Gaussian; its tails pile up at the ends

    def log_densities(self, theta: Floats, draws: Floats) -> Floats:
        mean, sigma = self._split(theta)
        z = (draws - mean) / sigma
        return -(z**2) / 2 - np.log(sigma * math.sqrt(2 * math.pi))

    def log_probabilities(self, theta: Floats, codes: Codes) -> Floats:
        mean, sigma = self._split(theta)
        return self.coordinates.log_probabilities(mean, sigma, codes)

    def leaving_probability(self, theta: Floats) -> Floats:
        return np.where(self.sizes > 0, super().leaving_probability(theta), 1.0)

    def settled(self, theta: Floats, margin: float) -> NDArray[np.bool_]:
        if self._given is not None:  # a Gaussian kept wider than the margin asks would never settle
            margin = max(margin, 2 * NormalDist().cdf(-0.5 / self._given))
        mean, sigma = self._split(theta)
        continuous = self.sizes == 0
        return np.where(continuous, sigma <= _SETTLED * self._sigma_min(mean), super().settled(theta, margin))

    def entropy(self, theta: Floats) -> Floats:
        mean, sigma = self._split(theta)
        result = np.empty(len(self.sizes))
        for i, (m, s) in enumerate(zip(mean.tolist(), sigma.tolist(), strict=True)):
            inner, positions = self.coordinates.cells(i, m, s)
            result[i] = normal.entropy(inner, s, positions)
        return result

    def normalized_entropy(self, theta: Floats) -> Floats:
        cells = np.where(self.sizes > 0, self.sizes, round(1 / RESOLUTION) + 1)
        return self.entropy(theta) / np.log(cells)

    def marginals(self, theta: Floats) -> list[Floats]:
        return list(np.stack(self._split(theta), axis=1))

    def from_marginals(self, marginals: Sequence[Floats]) -> Floats:
        mean, sigma = np.array(marginals).reshape(-1, 2).T
        return self._limited(mean, sigma)

    def _sigma_min(self, mean: Floats) -> Floats:
        if self._given is not None:
            return np.full(len(self.sizes), self._given)
        return self.coordinates.sigma(self.codes(mean), _quantile(self._margin))

    def _limited(self, mean: Floats, sigma: Floats) -> Floats:
        mean = np.clip(mean, self.coordinates.low, self.coordinates.high)
        smallest = self._sigma_min(mean)
        return np.concatenate([mean, np.clip(sigma, smallest, np.maximum(self._sigma_max, smallest))])

    def _split(self, theta: Floats) -> tuple[Floats, Floats]:
        return theta[: len(self.sizes)], theta[len(self.sizes) :]


def _quantile(leaving: float) -> float:
    """Standard deviations beyond which, on both sides, lies the probability `leaving`."""
    return -NormalDist().inv_cdf(leaving / 2)
