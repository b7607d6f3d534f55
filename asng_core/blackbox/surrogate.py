"""A model of all results, cheap enough to be asked before every evaluation.

A Gaussian process over the ranks of the results. It holds at most CAPACITY points; its inverse
covariance grows by one row a point, which costs O(n^2). A point enters as soon as it is asked, since
where it lies already narrows the variance around it; until its result comes, the mean there stands in
for it (the kriging believer of Ginsbourger, Le Riche and Carraro, 2010). Length scale, noise and the
relevance of each variable follow the marginal likelihood, which is how the model knows what it is worth:
in a rugged landscape the length scale shrinks, the mean flattens, and the variance decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import Floats, Ints
from .gaussian_process import misfit, near, squared_distances, squared_norms

CAPACITY = 200
_BEST, _NEWEST = 100, 50  # kept when full
_REFIT = 1.45  # growth after which length scale, noise and relevance are chosen anew
_EVIDENCE = 60  # points after which they move by one step of their grids only
_TURNS = 6  # variables whose relevance is looked at each time


class Conditioned(NamedTuple):
    """How one more point changed the posterior."""

    weights: Floats  # (n,), K^-1 k of the points before it
    variance: float  # of its result, given the points before it


class Surrogate:
    """`variables` `(n_features,)` says which variable each feature is of; `length_scales` and `noises` are what to
    choose from, the latter variances relative to the amplitude of the function.
    """

    def __init__(self, variables: Ints, n_variables: int, length_scales: tuple[float, ...],
                 noises: tuple[float, ...], *, relevance: bool = True) -> None:
        self._variables, self._n_variables = variables, n_variables
        self._length_scales, self._noises = length_scales, noises
        self._relevance = np.ones(max(variables, default=0) + 1)
        self._roots = np.ones(len(variables))  # of the relevance, for each feature
        self._relevant = np.unique(variables)[: None if relevance else 0]  # those whose relevance is chosen
        self._turn = 0  # of the next one whose relevance is looked at
        self._given = np.empty((CAPACITY, len(variables)))
        self._features = np.empty((CAPACITY, len(variables)))  # the given ones, scaled by relevance
        self._norms = np.empty(CAPACITY)  # squared, of the features
        self._inverse = np.empty((CAPACITY, CAPACITY))
        self._ids = np.empty(CAPACITY, dtype=np.int64)
        self._targets = np.zeros(CAPACITY)
        self._told = np.zeros(CAPACITY, dtype=np.bool_)
        self.n = self._n_fitted = 0
        self.length_scale, self.noise = 0.4, noises[len(noises) // 2]
        self.version = 0  # counts what changes the posterior in any other way than `add`
        self.coefficients, self.amplitude = np.empty(0), 1.0  # of the posterior mean, as last fitted

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
        return self._covariance(squared_distances(self.scaled(features), self._features[part], self._norms[part]))

    def _covariance(self, distances: Floats, length_scale: float | None = None) -> Floats:
        return np.exp(distances * (-1.0 / (self._n_variables * (length_scale or self.length_scale))))

    def scaled(self, features: Floats) -> Floats:
        """`(m, p)` features times the root of their variables' relevance."""
        return features * self._roots

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
        self._given[n], self._features[n] = features, self.scaled(features)
        self._norms[n] = squared_norms(self._features[n : n + 1])[0]
        self._ids[n], self._told[n] = number, False
        self.n += 1
        return Conditioned(weights, variance)

    def observe(self, number: int) -> bool:
        """The result of this id is known from now on. False if its point was dropped, or never in."""
        found = self._ids[: self.n] == number
        self._told[: self.n] |= found
        return bool(found.any())

    def fit(self, targets: Floats) -> None:
        """Find `(n,)` coefficients of the posterior mean, and the amplitude, given the targets of `told`."""
        n = self.n
        if len(targets):
            std = targets.std()
            self._targets[:n][self._told[:n]] = (targets - targets.mean()) / (std if std > 0 else 1.0)
        if n > _REFIT * self._n_fitted:
            self._refit()
        self.coefficients = self._inverse[:n, :n] @ self._targets[:n]
        self.amplitude = max(float(self.coefficients @ self._targets[:n]) / n, 1e-12)

    def _refit(self) -> None:
        n = self.n
        distances = squared_distances(self._features[:n], self._features[:n], self._norms[:n])
        if self._targets[:n].any():
            distances = self._choose_relevance(distances, self._choose_scale(distances))
            self._roots = np.sqrt(self._relevance)[self._variables]
            self._features[:n] = self.scaled(self._given[:n])
            self._norms[:n] = squared_norms(self._features[:n])
        covariance = self._covariance(distances)
        covariance[np.arange(n), np.arange(n)] += self.noise
        self._inverse[:n, :n] = np.linalg.inv(covariance)
        self._n_fitted, self.version = n, self.version + 1

    def _choose_scale(self, distances: Floats) -> float:
        """Take length scale and noise from their grids: all of these, or once there is some evidence the next."""
        targets, few = self._targets[: self.n], self._n_fitted < _EVIDENCE
        scales = self._length_scales if few else near(self.length_scale, self._length_scales)
        noises = self._noises if few else near(self.noise, self._noises)
        best = np.inf
        for scale in scales:
            covariance = self._covariance(distances, scale)
            for noise in noises:
                if (found := misfit(covariance, noise, targets)) < best:
                    best, self.length_scale, self.noise = found, scale, noise
        return best

    def _choose_relevance(self, distances: Floats, best: float) -> Floats:
        """Double or halve the relevance of some variables, in turn, where the likelihood and a prior gain by it.

        Returns the distances that result.
        """
        for _ in range(min(_TURNS, len(self._relevant))):
            i = self._relevant[self._turn % len(self._relevant)]
            self._turn += 1
            own = self._given[: self.n, self._variables == i]
            part, before = squared_distances(own, own), self._relevance[i]
            best += math.log2(before) ** 2  # prior: a factor of two costs one unit, of four costs four
            for relevance in (2 * before, before / 2):
                changed = np.maximum(distances + (relevance - self._relevance[i]) * part, 0.0)
                found = misfit(self._covariance(changed), self.noise, self._targets[: self.n])
                if found + math.log2(relevance) ** 2 < best:
                    best, distances, self._relevance[i] = found + math.log2(relevance) ** 2, changed, relevance
            best -= math.log2(self._relevance[i]) ** 2
        return distances

    def best(self) -> Ints:
        """Ids of the points with results, from the best posterior mean on."""
        means = self._targets[: self.n] - self.noise * self.coefficients  # K a = t - noise a
        order = np.argsort(means, kind="stable")
        return self._ids[order][self._told[order]]

    def shrink(self) -> None:
        """Make room: keep the points of the best posterior mean, and the newest."""
        n = self.n
        keep = np.zeros(n, dtype=np.bool_)
        keep[n - _NEWEST :] = True
        keep |= np.isin(self._ids[:n], self.best()[:_BEST])
        kept = np.flatnonzero(keep)
        for array in (self._given, self._features, self._norms, self._ids, self._targets, self._told):
            array[: len(kept)] = array[kept]
        self.n = len(kept)
        self._refit()

    def state(self) -> dict[str, Any]:
        """All of it, the inverse included: a resumed run continues to the bit."""
        n = self.n
        return {"features": self._given[:n].copy(), "relevance": self._relevance.copy(), "turn": self._turn,
                "inverse": self._inverse[:n, :n].copy(), "ids": self._ids[:n].tolist(),
                "targets": self._targets[:n].copy(), "told": self._told[:n].tolist(),
                "n_fitted": self._n_fitted, "length_scale": self.length_scale, "noise": self.noise,
                "version": self.version}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        n = len(state["ids"])
        self._relevance = checks.state_array(state["relevance"], self._relevance.shape)
        if (self._relevance <= 0).any():
            raise ValueError("a relevance must be positive.")
        self._roots = np.sqrt(self._relevance)[self._variables]
        self._turn = checks.integer("turn", state["turn"], minimum=0)
        self._given[:n] = checks.state_array(state["features"], (n, len(self._variables)))
        self._features[:n] = self.scaled(self._given[:n])
        self._norms[:n] = squared_norms(self._features[:n])
        self._inverse[:n, :n] = checks.state_array(state["inverse"], (n, n))
        self._targets[:n] = checks.state_array(state["targets"], (n,))
        self._ids[:n], self._told[:n] = state["ids"], state["told"]
        self.n, self._n_fitted = n, checks.integer("n_fitted", state["n_fitted"], minimum=0)
        self.version = checks.integer("version", state["version"], minimum=0)
        self.length_scale = checks.real("length_scale", state["length_scale"], above=0)
        self.noise = checks.real("noise", state["noise"], above=0)
