"""The contract of a family of search distributions, and the mathematics written once on it.

A family is the fixed structure of d independent variables; a distribution is a flat float64 vector
`theta` of its `n_parameters` numbers. Families hold no state, so theta in, theta out.

    symbol      variable            meaning
    theta       theta               parameters of the distribution, flat, never padded
    c, z        draws               (n, d) float64: codes, or unrounded coordinates where a Gaussian is behind
    u           utilities           (n,), or (n, d) where they differ from variable to variable
    G           gradient            natural gradient, laid out like theta
    F^(1/2) G   root_fisher(...)    (n_theta,) coordinates whose Euclidean norm is ||G||_F
    n_theta     n_theta             degrees of freedom

Source: Akimoto et al., Adaptive Stochastic Natural Gradient Method for One-Shot Neural Architecture
Search, ICML 2019.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import Codes, Floats, Ints


def norm(vector: Floats) -> float:
    """Euclidean norm, to the same bit on any number of threads (which BLAS does not promise)."""
    return math.sqrt(np.add.reduce(vector * vector))


class Family(ABC):
    """A family of search distributions over d variables of `sizes` (K_1..K_d) values each, 0 for a continuum."""

    sizes: Ints
    n_parameters: int
    n_theta: int

    @abstractmethod
    def initial(self) -> Floats:
        """The least committed distribution: theta, `(n_parameters,)`."""

    @abstractmethod
    def sample(self, theta: Floats, n: int, rng: np.random.Generator, mirrored: bool = False) -> Floats:
        """`(n, d)` independent draws; Gaussian ones in antithetic pairs if `mirrored`."""

    @abstractmethod
    def codes(self, draws: Floats) -> Codes:
        """The codes of `(..., d)` draws: what the user evaluates."""

    @abstractmethod
    def draws(self, codes: Codes) -> Floats:
        """Draws that stand for `(..., d)` codes."""

    @abstractmethod
    def natural_gradient(self, theta: Floats, utilities: Floats, draws: Floats) -> Floats:
        """sum_j u_j F^-1 grad log p(draw_j), for utilities that sum to zero over the draws."""

    @abstractmethod
    def root_fisher(self, theta: Floats, gradient: Floats) -> Floats:
        """`(n_theta,)` coordinates F^(1/2) G."""

    @abstractmethod
    def step(self, theta: Floats, gradient: Floats, length: float) -> Floats:
        """theta + length * G, then within the limits that keep every value reachable."""

    @abstractmethod
    def mode(self, theta: Floats) -> Codes:
        """`(d,)` most likely codes."""

    @abstractmethod
    def log_densities(self, theta: Floats, draws: Floats) -> Floats:
        """`(n, d)` log-density of each variable's draw: of the unrounded one, where a Gaussian is behind."""

    @abstractmethod
    def log_probabilities(self, theta: Floats, codes: Codes) -> Floats:
        """`(n, d)` log-probability of each variable's code, in a continuum the log-density along its axis 0..1."""

    @abstractmethod
    def entropy(self, theta: Floats) -> Floats:
        """`(d,)` entropy of the codes in nats; of a continuum, as if rounded to thousandths of its range."""

    @abstractmethod
    def marginals(self, theta: Floats) -> list[Floats]:
        """Each variable's own parameters: probabilities `(K,)`, or mean and standard deviation `(2,)`."""

    @abstractmethod
    def from_marginals(self, marginals: Sequence[Floats]) -> Floats:
        """The theta of given `marginals`, within the limits."""

    def leaving_probability(self, theta: Floats) -> Floats:
        """`(d,)` probability with which each variable leaves its mode."""
        stays = self.log_probabilities(theta, self.mode(theta)[None])[0]
        return np.asarray(-np.expm1(stays), dtype=np.float64)

    def settled(self, theta: Floats, margin: float) -> NDArray[np.bool_]:
        """`(d,)`: whether each variable leaves its mode with at most twice the margin.

        Where twice the margin is near what a uniform variable does anyway (few values), halfway from
        uniform to the margin is asked instead. A continuum is asked for a sigma within 10% of its smallest.
        """
        uniform = 1 - 1 / np.maximum(self.sizes, 1)
        enough = np.minimum(2 * margin, (margin + uniform) / 2)
        return np.asarray(self.leaving_probability(theta) <= enough)

    def normalized_entropy(self, theta: Floats) -> Floats:
        """`(d,)` entropies over the largest possible; 0 for a constant."""
        return np.where(self.sizes > 1, self.entropy(theta) / np.log(np.maximum(self.sizes, 2)), 0.0)
