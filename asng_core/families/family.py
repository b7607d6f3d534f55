"""The contract of a family of search distributions, and the mathematics written once on it.

A family is the fixed structure of d independent variables; a distribution is a flat float64 vector
`theta` of its `n_parameters` numbers. Families hold no state, so theta in, theta out.

    symbol      variable            meaning
    theta       theta               parameters of the distribution, flat, never padded
    c, z        draws               (n, d) float64: codes, or unrounded positions where a Gaussian is behind
    G           gradient            natural gradient, laid out like theta
    F^(1/2) G   root_fisher(...)    (n_theta,) coordinates whose Euclidean norm is ||G||_F
    n_theta     n_theta             degrees of freedom

Source: Akimoto et al., Adaptive Stochastic Natural Gradient Method for One-Shot Neural Architecture
Search, ICML 2019.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def norm(vector: Floats) -> float:
    """Euclidean norm, to the same bit on any number of threads (which BLAS does not promise)."""
    return math.sqrt(np.square(vector).sum())


class Family(ABC):
    """A family of search distributions over d variables of `sizes` (K_1..K_d) values each."""

    sizes: Ints
    n_parameters: int
    n_theta: int

    @abstractmethod
    def initial(self) -> Floats:
        """The least committed distribution: theta, `(n_parameters,)`."""

    @abstractmethod
    def sample(self, theta: Floats, n: int, rng: np.random.Generator) -> Floats:
        """`(n, d)` independent draws."""

    @abstractmethod
    def codes(self, draws: Floats) -> Ints:
        """`(n, d)` codes 0..K-1 of the draws: what the user evaluates."""

    @abstractmethod
    def natural_gradient(self, theta: Floats, utilities: Floats, draws: Floats) -> Floats:
        """sum_j u_j F^-1 grad log p(draw_j), for utilities `(n,)` that sum to zero."""

    @abstractmethod
    def root_fisher(self, theta: Floats, gradient: Floats) -> Floats:
        """`(n_theta,)` coordinates F^(1/2) G."""

    @abstractmethod
    def step(self, theta: Floats, gradient: Floats, length: float) -> Floats:
        """theta + length * G, then within the limits that keep every value reachable."""

    @abstractmethod
    def mode(self, theta: Floats) -> Ints:
        """`(d,)` most likely codes."""

    @abstractmethod
    def log_probabilities(self, theta: Floats, codes: Ints) -> Floats:
        """`(n, d)` log-probability of each variable's code; a point's is the sum of its row."""

    @abstractmethod
    def entropy(self, theta: Floats) -> Floats:
        """`(d,)` entropy of the codes in nats."""

    @abstractmethod
    def marginals(self, theta: Floats) -> list[Floats]:
        """Each variable's own parameters: probabilities `(K,)`, or mean and standard deviation `(2,)`."""

    def fisher_length(self, theta: Floats, gradient: Floats) -> float:
        """||G||_F, the length of G in the Fisher metric."""
        return norm(self.root_fisher(theta, gradient))

    def leaving_probability(self, theta: Floats) -> Floats:
        """`(d,)` probability with which each variable leaves its mode."""
        stays = self.log_probabilities(theta, self.mode(theta)[None])[0]
        return np.asarray(-np.expm1(stays), dtype=np.float64)

    def converged(self, theta: Floats, margin: float) -> bool:
        """Whether every variable leaves its mode with at most twice the margin.

        Where twice the margin is near what a uniform variable does anyway (few variables of few
        values), halfway from uniform to the margin is asked instead.
        """
        uniform = 1 - 1 / self.sizes
        enough = np.minimum(2 * margin, (margin + uniform) / 2)
        return bool((self.leaving_probability(theta) <= enough).all())

    def mean_normalized_entropy(self, theta: Floats) -> float:
        """Each variable's entropy over its largest possible, mean over those with several values."""
        several = self.sizes > 1
        if not several.any():
            return 0.0
        return float(np.mean(self.entropy(theta)[several] / np.log(self.sizes[several])))
