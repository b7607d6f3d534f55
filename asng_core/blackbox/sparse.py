"""Gaussian process regression on any number of results, by a basis of some of their points: the formulas.

    symbol  variable    meaning
    X       features    (n, p) features of n results
    t       targets     (n,) results, of mean zero
    Z       basis       (m, p) some rows of X
    K       covariance  (m, m) of the basis: exp(-D / (d l)), D squared distances, d variables, l the length scale
    C       cross       (n, m) covariances of X with Z
    s       noise       variance of one result, relative to the function's amplitude a
    V       whitened    (n, m) C L^-T, with K = L L'
    B       precision   K + C'C / s = L (s I + V'V) L' / s

A function is k(x)'w, k(x) its covariances with Z, and what is left of its variance is its own at every point:

    w ~ N(alpha, a B^-1),  alpha = B^-1 C't / s        mean  k'alpha        variance  a (1 - k'K^-1 k + k'B^-1 k)   (20)
    log p(t) = -(n log(q / n) + (n - m) log s + log det(s I + V'V)) / 2,  q = t't / s - t'C alpha / s

up to a constant, with the likeliest a = q / n. While every point is in the basis, all this is exact. A point's repeats
add to V'V, and to nothing else. It is s I + V'V that is factored, whose least eigenvalue is s: rounding of C'C, which
grows with n, can be more than that of K + C'C / s.

Source: Quinonero-Candela and Rasmussen, "A unifying view of sparse approximate Gaussian process regression", Journal of
Machine Learning Research 6, 2005: the deterministic training conditional.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats, Ints
from .gaussian_process import near, squared_distances, squared_norms

SCALES = tuple(0.05 * 2.0**i for i in range(8))  # to 6.4, where a function is a sum over its variables
NOISES = tuple(10.0 ** (i / 2) for i in range(-8, 3))  # the least is of a 1,000th of a function of the largest scale
# Log-normal priors. A few results in many variables, all about equally far from each other, say nothing of the scale;
# and that few repeats are among them, not whether the function is rugged or its noise large: taking each result at its
# word recommends the luckiest.
_USUAL_SCALE, _SCALE_DEVIATION = 1.6, math.log(2.7)
_USUAL_NOISE, _NOISE_DEVIATION = 0.3, math.log(10.0)
_EVIDENCE = 60  # results after which scale and noise move to what is beside them in their grids only
_JITTER = 1e-6  # on the diagonal of K


@dataclass(frozen=True)
class Kernel:
    """The hyper-parameters; `choice` of the targets that were offered."""

    length_scale: float = _USUAL_SCALE
    noise: float = _USUAL_NOISE
    choice: int = 0

    @classmethod
    def loaded(cls, state: Mapping[str, Any], n_offered: int) -> Kernel:
        """That of a state, of so many offered targets. Raises ValueError, TypeError or KeyError for anything else."""
        kernel = cls(checks.real("length_scale", state["length_scale"], above=0),
                     checks.real("noise", state["noise"], above=0),
                     checks.integer("choice", state["choice"], minimum=0))
        if kernel.length_scale not in (*SCALES, _USUAL_SCALE) or kernel.noise not in (*NOISES, _USUAL_NOISE) or (
                kernel.choice >= n_offered):
            raise ValueError("the kernel is none of those to choose from.")
        return kernel


class SparsePosterior:
    """See the top of this file. `reach` is d l."""

    def __init__(self, features: Floats, targets: Floats, rows: Ints, kernel: Kernel, n_variables: int) -> None:
        self.basis, self.reach = features[rows], n_variables * kernel.length_scale
        cross = self._covariances(features)
        prior = _inverse_root(_steadied(cross[rows]))  # L^-1
        whitened = cross @ prior.T
        posterior = _inverse_root(_shifted(whitened.T @ whitened, kernel.noise))
        given = posterior @ (whitened.T @ targets)
        self._roots = [math.sqrt(kernel.noise) * posterior @ prior, prior]  # R'R = B^-1; of K the same
        self.weights: Floats = prior.T @ (posterior.T @ given)  # alpha, (m,)
        quadratic = (float(targets @ targets) - float(given @ given)) / kernel.noise
        self.amplitude = max(quadratic / len(targets), 1e-12)

    def _covariances(self, features: Floats) -> Floats:
        return np.asarray(np.exp(squared_distances(features, self.basis) / -self.reach))

    def means(self, features: Floats) -> Floats:
        """`(k,)`, of `(k, p)` features."""
        return np.asarray(self._covariances(features) @ self.weights)

    def sampled(self, n: int, rng: np.random.Generator) -> Floats:
        """`(n, m)` weights of functions drawn from the posterior."""
        drawn = rng.standard_normal((n, len(self.basis))) @ self._roots[0]
        return np.asarray(self.weights + math.sqrt(self.amplitude) * drawn)

    def beliefs(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Of `(k, p)` features: `(k,)` means, deviations, and the deviations at the point alone, which no weights know
        of."""
        k = self._covariances(features)
        known, prior = (squared_norms(k @ root.T) for root in self._roots)
        own = np.maximum(1.0 - prior, 0.0)
        return k @ self.weights, np.sqrt(self.amplitude * (own + known)), np.sqrt(self.amplitude * own)

    def joint(self, features: Floats) -> tuple[Floats, Floats]:
        """Of `(k, p)` features: `(k,)` means, and the `(k, k)` covariance of the function's values there, eq. (20)."""
        k = self._covariances(features)
        known, prior = (k @ root.T for root in self._roots)
        own = np.exp(squared_distances(features, features) / -self.reach)
        return k @ self.weights, np.asarray(self.amplitude * (own + known @ known.T - prior @ prior.T))


def likeliest(features: Floats, offered: list[tuple[Floats, float]], rows: Ints, kernel: Kernel,
              n_variables: int) -> Kernel:
    """The kernel of the highest likelihood times prior, for any of the targets.

    offered: `(n,)` targets, and the logarithm of the density that results gain by having been made these.
    """
    few = len(features) < _EVIDENCE
    scales, noises = (SCALES, NOISES) if few else (near(kernel.length_scale, SCALES), near(kernel.noise, NOISES))
    distances, best = squared_distances(features, features[rows]), -math.inf
    all_targets, densities = np.stack([targets for targets, _ in offered], axis=1), [each for _, each in offered]
    for scale in scales:
        cross = np.exp(distances / (-n_variables * scale))
        for noise, found in zip(noises, _likelihoods(cross, rows, noises, all_targets), strict=True):
            found += np.array(densities) + _log_prior(scale, noise)
            choice = int(np.argmax(found))
            if found[choice] > best:
                best, kernel = found[choice], Kernel(scale, noise, choice)
    return kernel


def _log_prior(scale: float, noise: float) -> float:
    deviations = (math.log(scale / _USUAL_SCALE) / _SCALE_DEVIATION, math.log(noise / _USUAL_NOISE) / _NOISE_DEVIATION)
    return -0.5 * sum(each**2 for each in deviations)


def _likelihoods(cross: Floats, rows: Ints, noises: tuple[float, ...], targets: Floats) -> list[Floats]:
    """Of `(n, k)` targets: `(k,)` log p(t) for each noise."""
    (n, m), found = cross.shape, []
    whitened = cross @ _inverse_root(_steadied(cross[rows])).T
    product, given = whitened.T @ whitened, whitened.T @ targets
    for noise in noises:
        factor = np.linalg.cholesky(_shifted(product, noise))
        explained = squared_norms(np.linalg.solve(factor, given).T)  # (k,) t'V (s I + V'V)^-1 V't
        quadratic = np.maximum((squared_norms(targets.T) - explained) / noise, 1e-12)
        determinant = (n - m) * math.log(noise) + 2.0 * float(np.log(np.diag(factor)).sum())
        found.append(-0.5 * (n * np.log(quadratic / n) + determinant))
    return found


def _steadied(covariance: Floats) -> Floats:
    return _shifted(covariance, _JITTER)


def _shifted(matrix: Floats, by: float) -> Floats:
    """The matrix with that much more on its diagonal."""
    shifted: Floats = matrix + by * np.eye(len(matrix))
    return shifted


def _inverse_root(matrix: Floats) -> Floats:
    """L^-1 of a matrix L L'."""
    return np.asarray(np.tril(np.linalg.inv(np.linalg.cholesky(matrix))))
