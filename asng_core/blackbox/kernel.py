"""The covariance of two results, and how its hyper-parameters follow the marginal likelihood.

That is how the model knows what it is worth: in a rugged landscape the length scale shrinks, the mean flattens, and
the variance decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats, Ints
from .gaussian_process import log_marginal_likelihood, near, squared_distances

# points after which length scale and noise move by one step of their grids only: 3 x 3 likelihoods of O(n^3) each,
# where the whole grids are 9 x 5 and more
_EVIDENCE = 60
# variables whose relevance is looked at each time, two likelihoods each: all of up to 54 by the time the model is full
_TURNS = 6
_LEAST = 1e-30  # relevance that a state may hold: it begins at 1, is halved and doubled, and its prior keeps it there


Shape = Callable[[Floats], Floats]


def squared_exponential(D: Floats) -> Floats:
    """exp(-D), of one length scale."""
    found: Floats = np.exp(-D)
    return found


def rational_quadratic(D: Floats) -> Floats:
    """1 / (1 + D), the mean of exp(-r D) over an exponentially distributed r: all length scales at once, so that few
    results do not have to tell which (Rasmussen and Williams, 2006, eq. 4.19 with alpha = 1)."""
    return 1.0 / (1.0 + D)


class Kernel:
    """shape(D / (d l)) of features `(n, p)`: D the squared distance, each variable's part times its relevance.

    variables: `(p,)`, which variable each feature is of; d = n_variables.
    length_scales, noises: what to choose from, the latter variances relative to the amplitude of the function.
    relevance: whether it is learned. shape: how the covariance falls.
    """

    def __init__(self, variables: Ints, n_variables: int, length_scales: tuple[float, ...],
                 noises: tuple[float, ...], *, relevance: bool = True, shape: Shape = squared_exponential) -> None:
        self._variables, self._n_variables = variables, n_variables
        self._length_scales, self._noises = length_scales, noises
        self._shape = shape
        self.relevance = np.ones(max(variables, default=0) + 1)  # of each variable
        self._roots = np.ones(len(variables))  # of the relevance, for each feature
        self._learned = np.unique(variables) if relevance else variables[:0]  # variables whose relevance is chosen
        self._turn = 0  # of the next one that is looked at
        # where a run begins, before there is evidence: halfway along the grids
        self.length_scale, self.noise = 0.4, noises[len(noises) // 2]

    def scaled(self, features: Floats) -> Floats:
        """`(m, p)` features times the root of their variables' relevance."""
        return features * self._roots

    def covariance(self, distances: Floats, length_scale: float | None = None) -> Floats:
        """Of points at these squared distances of their scaled features."""
        return self._shape(distances * (1.0 / (self._n_variables * (length_scale or self.length_scale))))

    def choose(self, given: Floats, distances: Floats, targets: Floats, n_before: int) -> Floats:
        """Take the likeliest hyper-parameters for `(n,)` targets; the squared distances that result, `(n, n)`.

        given: `(n, p)` features as they are. distances: those of the scaled ones. n_before: points at the last choice.
        """
        likelihood = self._choose_scale(distances, targets, few=n_before < _EVIDENCE)
        distances = self._choose_relevance(given, distances, targets, likelihood)
        self._roots = np.sqrt(self.relevance)[self._variables]
        return distances

    def _choose_scale(self, distances: Floats, targets: Floats, *, few: bool) -> float:
        """Take length scale and noise from their grids, or from what is beside the present ones; their likelihood."""
        scales = self._length_scales if few else near(self.length_scale, self._length_scales)
        noises = self._noises if few else near(self.noise, self._noises)
        best = -math.inf
        for scale in scales:
            covariance = self.covariance(distances, scale)
            for noise in noises:
                if (found := log_marginal_likelihood(covariance, noise, targets)) > best:
                    best, self.length_scale, self.noise = found, scale, noise
        return best

    def _choose_relevance(self, given: Floats, distances: Floats, targets: Floats, best: float) -> Floats:
        """Double or halve the relevance of some variables, in turn, where likelihood times prior gain by it."""
        self.relevance = self.relevance.copy()  # the one before may be needed again
        for _ in range(min(_TURNS, len(self._learned))):
            i = self._learned[self._turn % len(self._learned)]
            self._turn += 1
            own = given[:, self._variables == i]
            part, before = squared_distances(own, own), self.relevance[i]
            best += _log_prior(before)
            for relevance in (2 * before, before / 2):
                changed = np.maximum(distances + (relevance - self.relevance[i]) * part, 0.0)
                found = log_marginal_likelihood(self.covariance(changed), self.noise, targets) + _log_prior(relevance)
                if found > best:
                    best, distances, self.relevance[i] = found, changed, relevance
            best -= _log_prior(self.relevance[i])
        return distances

    def state(self) -> dict[str, Any]:
        return {"relevance": self.relevance.copy(), "turn": self._turn, "length_scale": self.length_scale,
                "noise": self.noise}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        self.relevance = checks.state_array(state["relevance"], self.relevance.shape)
        if not ((self.relevance > _LEAST) & (self.relevance < 1 / _LEAST)).all():
            raise ValueError(f"a relevance must be within {_LEAST} and {1 / _LEAST}.")
        self._roots = np.sqrt(self.relevance)[self._variables]
        self._turn = checks.integer("turn", state["turn"], minimum=0)
        self.length_scale = checks.real("length_scale", state["length_scale"], above=0)
        self.noise = checks.real("noise", state["noise"], above=0)
        for name, value, grid in (("length scale", self.length_scale, self._length_scales),
                                  ("noise", self.noise, self._noises)):
            if not 0.99 * grid[0] <= value <= 1.01 * grid[-1]:
                raise ValueError(f"the {name} must be within {grid[0]} and {grid[-1]}, got {value}.")


def _log_prior(relevance: float) -> float:
    """Log-normal around 1 with a factor of two as its deviation: most variables matter about alike."""
    return -0.5 * math.log2(relevance) ** 2
