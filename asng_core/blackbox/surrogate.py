"""A model of all results, cheap enough to be asked before every evaluation.

A Gaussian process over the ranks of the results. It holds at most CAPACITY points; its inverse
covariance grows by one row a point, which costs O(n^2). A point enters as soon as it is asked, since
where it lies already narrows the variance around it; until its result comes, the mean there stands in
for it (the kriging believer of Ginsbourger, Le Riche and Carraro, 2010). Length scale and noise are
those of the largest marginal likelihood on a grid, which is how the model knows what it is worth: in
a rugged landscape the length scale shrinks, the mean flattens, and the variance decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import _checks
from ..families.family import Floats, Ints
from .gaussian_process import LENGTH_SCALES, misfit, near, squared_distances, squared_norms

CAPACITY = 200
_BEST, _NEWEST = 100, 50  # kept when full
_REFIT = 1.15  # growth after which length scale and noise are chosen anew


class Conditioned(NamedTuple):
    """How one more point changed the posterior."""

    weights: Floats  # (n,), K^-1 k of the points before it
    variance: float  # of its result, given the points before it


class Surrogate:
    """`noises` are the noise variances to choose from, relative to the amplitude of the function."""

    def __init__(self, n_features: int, n_variables: int, noises: tuple[float, ...]) -> None:
        self._n_variables, self._noises = n_variables, noises
        self._features = np.empty((CAPACITY, n_features))
        self._norms = np.empty(CAPACITY)  # squared, of the features
        self._inverse = np.empty((CAPACITY, CAPACITY))
        self._ids = np.empty(CAPACITY, dtype=np.int64)
        self._targets = np.zeros(CAPACITY)
        self._told = np.zeros(CAPACITY, dtype=np.bool_)
        self.n = self._n_fitted = 0
        self.length_scale, self.noise = 0.4, noises[len(noises) // 2]
        self.version = 0  # counts what changes the posterior in any other way than `add`

    @property
    def full(self) -> bool:
        return self.n == CAPACITY

    @property
    def told(self) -> Ints:
        """Ids of the points with results, in order."""
        return self._ids[: self.n][self._told[: self.n]]

    @property
    def inverse(self) -> Floats:
        """`(n, n)` inverse covariance of the results."""
        return self._inverse[: self.n, : self.n]

    def covariances(self, features: Floats, first: int = 0) -> Floats:
        """`(m, n - first)` covariances of `(m, p)` features with the points from the `first` on."""
        part = slice(first, self.n)
        return self._covariance(squared_distances(features, self._features[part], self._norms[part]))

    def _covariance(self, distances: Floats) -> Floats:
        return np.exp(distances * (-1.0 / (self._n_variables * self.length_scale)))

    def add(self, number: int, features: Floats) -> Conditioned:
        """Take in the point of this id, its result pending. There must be room: see `shrink`."""
        n = self.n
        covariance = self.covariances(features[None])[0]
        inverse = self.inverse
        weights = inverse @ covariance
        variance = 1.0 + self.noise - float(covariance @ weights)
        inverse += np.outer(weights, weights / variance)
        self._inverse[n, :n] = self._inverse[:n, n] = -weights / variance
        self._inverse[n, n] = 1.0 / variance
        self._targets[n] = weights @ self._targets[:n]
        self._features[n], self._norms[n] = features, squared_norms(features[None])[0]
        self._ids[n], self._told[n] = number, False
        self.n += 1
        return Conditioned(weights, variance)

    def observe(self, number: int) -> None:
        """The result of this id is known from now on; nothing happens if its point was dropped."""
        self._told[: self.n] |= self._ids[: self.n] == number

    def fit(self, targets: Floats) -> tuple[Floats, float]:
        """`(n,)` coefficients of the posterior mean, and the amplitude, given the targets of `told`."""
        n = self.n
        mean, std = targets.mean(), targets.std()
        self._targets[:n][self._told[:n]] = (targets - mean) / (std if std > 0 else 1.0)
        if n > _REFIT * self._n_fitted:
            self._refit()
        coefficients = self._inverse[:n, :n] @ self._targets[:n]
        return coefficients, max(float(coefficients @ self._targets[:n]) / n, 1e-12)

    def _refit(self) -> None:
        n, few = self.n, self._n_fitted < 60
        distances = squared_distances(self._features[:n], self._features[:n], self._norms[:n])
        targets = self._targets[:n]
        if targets.any():
            scales = LENGTH_SCALES if few else near(self.length_scale, LENGTH_SCALES)
            noises = self._noises if few else near(self.noise, self._noises)
            best = np.inf
            for scale in scales:
                covariance = np.exp(distances * (-1.0 / (self._n_variables * scale)))
                for noise in noises:
                    if (found := misfit(covariance, noise, targets)) < best:
                        best, self.length_scale, self.noise = found, scale, noise
        covariance = self._covariance(distances)
        covariance[np.arange(n), np.arange(n)] += self.noise
        self._inverse[:n, :n] = np.linalg.inv(covariance)
        self._n_fitted, self.version = n, self.version + 1

    def best(self, coefficients: Floats) -> Ints:
        """Ids of the points with results, from the best posterior mean on."""
        means = self._targets[: self.n] - self.noise * coefficients  # K a = t - noise a
        order = np.argsort(means, kind="stable")
        return self._ids[order][self._told[order]]

    def shrink(self, coefficients: Floats) -> None:
        """Make room: keep the points of the best posterior mean, and the newest."""
        n = self.n
        keep = np.zeros(n, dtype=np.bool_)
        keep[n - _NEWEST :] = True
        keep |= np.isin(self._ids[:n], self.best(coefficients)[:_BEST])
        kept = np.flatnonzero(keep)
        for array in (self._features, self._norms, self._ids, self._targets, self._told):
            array[: len(kept)] = array[kept]
        self.n = len(kept)
        self._refit()

    def state(self) -> dict[str, Any]:
        """All of it, the inverse included: a resumed run continues to the bit."""
        n = self.n
        return {"features": self._features[:n].copy(), "inverse": self._inverse[:n, :n].copy(),
                "ids": self._ids[:n].tolist(), "targets": self._targets[:n].copy(),
                "told": self._told[:n].tolist(), "n_fitted": self._n_fitted, "length_scale": self.length_scale,
                "noise": self.noise, "version": self.version}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        n = len(state["ids"])
        self._features[:n] = _checks.state_array(state["features"], (n, self._features.shape[1]))
        self._norms[:n] = squared_norms(self._features[:n])
        self._inverse[:n, :n] = _checks.state_array(state["inverse"], (n, n))
        self._targets[:n] = _checks.state_array(state["targets"], (n,))
        self._ids[:n], self._told[:n] = state["ids"], state["told"]
        self.n, self._n_fitted = n, _checks.integer("n_fitted", state["n_fitted"], minimum=0)
        self.version = _checks.integer("version", state["version"], minimum=0)
        self.length_scale = _checks.real("length_scale", state["length_scale"], above=0)
        self.noise = _checks.real("noise", state["noise"], above=0)
