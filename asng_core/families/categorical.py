"""Independent categorical variables of any numbers of categories, in one flat vector of probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Codes, Floats, Ints
from .family import Family

# A step so long that the rounding noise of a variable's gradient could put all its probabilities below their minimum:
# there such a variable stays where it is.
_LONG = 1e6


class CategoricalFamily(Family):
    """theta concatenates the d probability vectors: `(sum(K_i),)`. A variable with K = 1 is constant.

    After each step every probability is at least margin / (K - 1), so that a converged variable
    still leaves its mode with probability `margin`, 0 < margin < 1/2.
    """

    def __init__(self, sizes: Ints, margin: float) -> None:
        self.sizes = sizes
        self.n_parameters = int(sizes.sum())
        self.n_theta = self.n_parameters - len(sizes)
        self._starts = np.cumsum(sizes) - sizes
        self._lasts = self._starts + sizes - 1
        self._variable = np.repeat(np.arange(len(sizes)), sizes)  # of each parameter
        self._eliminated = np.delete(np.arange(self.n_parameters), self._lasts)  # all but the last categories
        self._minimum = np.where(sizes > 1, margin / np.maximum(sizes - 1, 1), 0.0)  # theta_min
        self._minimum_flat = self._minimum[self._variable]
        self._floor = sizes * self._minimum
        self._above = 1.0 - self._floor
        self._last_codes = sizes - 1.0

    def initial(self) -> Floats:
        theta: Floats = 1.0 / self.sizes[self._variable]
        return theta

    def sample(self, theta: Floats, n: int, rng: np.random.Generator, mirrored: bool = False) -> Floats:
        cumulative = np.add.accumulate(theta)  # as cumsum, which is twice as long at it
        before = cumulative[self._starts] - theta[self._starts]
        uniform = rng.random((n, len(self.sizes))) + before  # compared with the running sum, row by row
        passed = (uniform.take(self._variable, axis=1) >= cumulative).view(np.int8)
        # a sum of rounded probabilities may end just below 1: the last category takes the rest
        draws: Floats = np.minimum(np.add.reduceat(passed, self._starts, axis=1, dtype=np.int64), self._last_codes)
        return draws

    def codes(self, draws: Floats) -> Codes:
        return draws.astype(np.int64)

    def draws(self, codes: Codes) -> Floats:
        return codes.astype(np.float64)

    def natural_gradient(self, theta: Floats, utilities: Floats, draws: Floats) -> Floats:
        chosen = draws.astype(np.int64) + self._starts
        weights = utilities.repeat(len(self.sizes)) if utilities.ndim == 1 else utilities.ravel()
        gradient: Floats = np.bincount(chosen.ravel(), weights, self.n_parameters).astype(np.float64, copy=False)
        total = np.add.reduce(utilities)  # sum_j u_j (T(c_j) - theta): 0 times theta, but for rounding
        if utilities.ndim == 2:
            gradient -= total[self._variable] * theta
        elif total:
            gradient -= total * theta
        return gradient

    def root_fisher(self, theta: Floats, gradient: Floats) -> Floats:
        root = np.sqrt(theta)
        # the last category is the eliminated one of the paper's root: G_K / (theta_K + sqrt(theta_K))
        last = gradient[self._lasts] / (theta[self._lasts] + root[self._lasts])
        coordinates: Floats = gradient / root - root * last[self._variable]
        return coordinates[self._eliminated]

    def step(self, theta: Floats, gradient: Floats, length: float) -> Floats:
        moved = theta + length * gradient
        if length > _LONG:
            lost = np.add.reduceat(np.maximum(moved, self._minimum_flat), self._starts) <= self._floor
            moved = np.where(lost[self._variable], theta, moved)
        return self._limited(moved)

    def _limited(self, theta: Floats) -> Floats:
        raised = np.maximum(theta, self._minimum_flat)
        # back to the simplex by the affine map that keeps theta_min fixed
        shrink = self._above / (np.add.reduceat(raised, self._starts) - self._floor)
        raised -= self._minimum_flat
        raised *= shrink[self._variable]
        raised += self._minimum_flat
        return raised

    def mode(self, theta: Floats) -> Codes:
        highest = np.maximum.reduceat(theta, self._starts)
        index = np.where(theta == highest[self._variable], np.arange(self.n_parameters), self.n_parameters)
        first: Ints = np.minimum.reduceat(index, self._starts)
        return first - self._starts

    def log_densities(self, theta: Floats, draws: Floats) -> Floats:
        return self.log_probabilities(theta, draws)

    def log_probabilities(self, theta: Floats, codes: Codes) -> Floats:
        return np.log(theta[codes.astype(np.int64) + self._starts])

    def entropy(self, theta: Floats) -> Floats:
        # 0 log 0 = 0: a probability is never below theta_min, but a user may ask about any theta
        terms = theta * np.log(np.where(theta > 0, theta, 1.0))
        return np.maximum(-np.add.reduceat(terms, self._starts), 0.0)

    def marginals(self, theta: Floats) -> list[Floats]:
        return np.split(theta.copy(), self._starts[1:])

    def from_marginals(self, marginals: Sequence[Floats]) -> Floats:
        return self._limited(np.concatenate(marginals))
