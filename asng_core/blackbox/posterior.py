"""The surrogate: a Gaussian process, cheap enough to be asked before every evaluation.

It models the places of the results in their order of merit. It holds at most CAPACITY points; a point costs O(n^2)
to take in (see `gaussian_process`). It enters as soon as it is asked, since where it lies already narrows the
variance around it; until its result comes, the mean there stands in for it (the kriging believer of Ginsbourger,
Le Riche and Carraro, 2010).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats, Ints
from ..distribution.geometry import Geometry
from ..distribution.search_distribution import n_variables
from .beliefs import PosteriorBeliefs
from .gaussian_process import LENGTH_SCALES, NOISES, length_scales, squared_distances, squared_norms
from .kernel import Kernel, rational_quadratic, squared_exponential
from .surrogate import Model, Surrogate

CAPACITY = 200  # points, whose O(n^2) costs about 0.1 ms an ask
_BEST, _NEWEST = 100, 50  # kept when full: what is worth going on from, and what has not shown its worth yet
# points up to which the kernel is chosen anew at each, and growth after which from then on, for O(n^3)
_EACH, _REFIT = 40, 1.45
# variance of one evaluation without noise, relative to the function's amplitude: what a smooth model cannot follow; a
# continuum may be smooth enough for less, and there the likelihood chooses
_EXACT, _EXACT_CONTINUOUS = (0.01,), (1e-4, 0.01)


@dataclass(frozen=True)
class GaussianProcess(Model):
    """relevance: learn which variables matter. all_scales: of length, at once; else one alone, as under noise and where
    the space has a Real, in which functions are smooth."""

    relevance: bool = True
    all_scales: bool = True

    def surrogate(self, geometry: Geometry, *, noisy: bool) -> Posterior:
        space = geometry.distribution.space
        exact = _EXACT_CONTINUOUS if space.continuous.any() else _EXACT
        # noise hides what is fine: there the length scales are those of categories
        scales, noises = (LENGTH_SCALES, NOISES) if noisy else (length_scales(geometry.spacing), exact)
        all_scales = self.all_scales and not noisy and not space.continuous.any()
        kernel = Kernel(geometry.variables, n_variables(space), scales, noises, relevance=self.relevance,
                        shape=rational_quadratic if all_scales else squared_exponential)
        return Posterior(kernel, len(geometry.variables))


class Posterior(Surrogate):
    """The posterior of a Gaussian process; symbols as in `gaussian_process`."""

    def __init__(self, kernel: Kernel, n_features: int) -> None:
        self.kernel = kernel
        self._given = np.empty((CAPACITY, n_features))
        self._features = np.empty((CAPACITY, n_features))  # X: the given ones, scaled by relevance
        self._norms = np.empty(CAPACITY)  # squared, of X
        self.factor = np.zeros((CAPACITY, CAPACITY))  # L
        self._whitener = np.zeros((CAPACITY, CAPACITY))  # W
        self._ids = np.empty(CAPACITY, dtype=np.int64)
        self._targets = np.zeros(CAPACITY)  # t, those of pending points believed
        self._whitened = np.zeros(CAPACITY)  # z
        self._told = np.zeros(CAPACITY, dtype=np.bool_)
        self.n = self._n_fitted = 0
        self.version = 0  # counts what changes the factor in any other way than `add`

    @property
    def told(self) -> Ints:
        return self._ids[: self.n][self._told[: self.n]]

    @property
    def pending(self) -> Ints:
        return self._ids[: self.n][~self._told[: self.n]]

    @property
    def capacity(self) -> int:
        return CAPACITY

    @property
    def full(self) -> bool:
        return self.n == CAPACITY

    @property
    def whitened(self) -> Floats:
        """`(n,)` z: the targets, whitened."""
        return self._whitened[: self.n]

    @property
    def amplitude(self) -> float:
        """The function's variance, as it is likeliest."""
        return max(float(self.whitened @ self.whitened) / max(self.n, 1), 1e-12)

    def scaled(self, features: Floats) -> Floats:
        return self.kernel.scaled(features)

    def covariances(self, scaled: Floats, norms: Floats, first: int = 0) -> Floats:
        """`(m, n - first)` k of `(m, n_features)` scaled features and their `(m,)` squared norms, with the points from
        the `first` on."""
        part = slice(first, self.n)
        return self.kernel.covariance(squared_distances(scaled, self._features[part], norms, self._norms[part]))

    def whiten(self, covariances: Floats) -> Floats:
        """`(m, n)` v of `(m, n)` k."""
        v: Floats = covariances @ self._whitener[: self.n, : self.n].T
        return v

    def add(self, number: int, features: Floats) -> None:
        if self.full:
            self._shrink()
        n, scaled = self.n, self.scaled(features)
        norms = squared_norms(scaled[None])
        w = self._whitener[:n, :n] @ self.covariances(scaled[None], norms)[0]
        pivot = math.sqrt(1.0 + self.kernel.noise - float(w @ w))
        self.factor[n, :n], self.factor[n, n] = w, pivot
        self._whitener[n, :n], self._whitener[n, n] = (w @ self._whitener[:n, :n]) / -pivot, 1.0 / pivot
        self._targets[n], self._whitened[n] = w @ self.whitened, 0.0
        self._given[n], self._features[n], self._norms[n] = features, scaled, norms[0]
        self._ids[n], self._told[n] = number, False
        self.n += 1

    def observe(self, number: int) -> bool:
        found = self._ids[: self.n] == number
        self._told[: self.n] |= found
        return bool(found.any())

    def fit(self, targets: Floats) -> None:
        if len(targets):
            std = targets.std()
            self._targets[: self.n][self._told[: self.n]] = (targets - targets.mean()) / (std if std > 0 else 1.0)
        if self.n > (_REFIT if self.n > _EACH else 1.0) * self._n_fitted:
            self._refit()
        else:
            self._whiten_targets()

    def _whiten_targets(self) -> None:
        self._whitened[: self.n] = self._whitener[: self.n, : self.n] @ self._targets[: self.n]

    def _refit(self) -> None:
        """Choose the kernel anew, and factor the covariance."""
        n = self.n
        distances = squared_distances(self._features[:n], self._features[:n], self._norms[:n], self._norms[:n])
        if self._targets[:n].any():
            distances = self.kernel.choose(self._given[:n], distances, self._targets[:n], self._n_fitted)
            self._replace("_features", self.scaled(self._given[:n]))
            self._replace("_norms", squared_norms(self._features[:n]))
        covariance = self.kernel.covariance(distances)
        covariance[np.arange(n), np.arange(n)] += self.kernel.noise
        self._replace("factor", np.linalg.cholesky(covariance))
        self._replace("_whitener", np.tril(np.linalg.inv(self.factor[:n, :n])))
        self._whiten_targets()
        self._n_fitted, self.version = n, self.version + 1

    def _replace(self, name: str, values: Any) -> None:
        """Put values at the beginning of an array, or in its upper left corner, the one before being left as it is."""
        array = getattr(self, name).copy()
        array[tuple(map(slice, np.shape(values)))] = values
        setattr(self, name, array)

    def mark(self) -> tuple[Any, ...]:
        # `add` writes beyond what there is; of the large arrays the others are replaced
        changing = self._targets.copy(), self._whitened.copy(), self._told.copy()
        return vars(self).copy(), *changing, vars(self.kernel).copy()

    def back(self, mark: tuple[Any, ...]) -> None:
        attributes, targets, whitened, told, kernel = mark
        vars(self).update(attributes, _targets=targets.copy(), _whitened=whitened.copy(), _told=told.copy())
        vars(self.kernel).update(kernel)

    def best(self) -> Ints:
        n = self.n
        coefficients = self.whitened @ self._whitener[:n, :n]  # K^-1 t
        means = self._targets[:n] - self.kernel.noise * coefficients  # the noise-free part of K, times K^-1 t
        order = np.argsort(means, kind="stable")
        return self._ids[order][self._told[order]]

    def _shrink(self) -> None:
        """Make room: keep the points of the best posterior mean, and the newest."""
        n = self.n
        keep = np.zeros(n, dtype=np.bool_)
        keep[n - _NEWEST :] = True
        keep |= np.isin(self._ids[:n], self.best()[:_BEST])
        kept = np.flatnonzero(keep)
        for name in ("_given", "_features", "_norms", "_ids", "_targets", "_told"):
            self._replace(name, getattr(self, name)[kept])
        self.n = len(kept)
        self._refit()

    def beliefs(self) -> PosteriorBeliefs:
        return PosteriorBeliefs(self, self._given.shape[1], CAPACITY)

    def state(self) -> dict[str, Any]:
        n = self.n
        return {"features": self._given[:n].copy(), "factor": self.factor[:n, :n].copy(),
                "whitener": self._whitener[:n, :n].copy(), "ids": self._ids[:n].tolist(),
                "targets": self._targets[:n].copy(), "whitened": self.whitened.copy(),
                "told": self._told[:n].tolist(), "n_fitted": self._n_fitted, "version": self.version,
                "kernel": self.kernel.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        n = len(state["ids"])
        self.kernel.load(state["kernel"])
        self._given[:n] = given = checks.state_array(state["features"], (n, self._given.shape[1]))
        ids = [checks.integer("an id", number) for number in state["ids"]]
        if len(set(ids)) < n or np.abs(given).max(initial=0.0) > 1:
            raise ValueError("the model's ids must be distinct, and its features within -1 and 1.")
        self._features[:n] = self.scaled(self._given[:n])
        self._norms[:n] = squared_norms(self._features[:n])
        self.factor[:n, :n] = checks.state_array(state["factor"], (n, n))
        self._whitener[:n, :n] = checks.state_array(state["whitener"], (n, n))
        self._targets[:n] = checks.state_array(state["targets"], (n,))
        self._whitened[:n] = checks.state_array(state["whitened"], (n,))
        self._ids[:n], self._told[:n] = ids, [checks.truth("told", told) for told in state["told"]]
        self.n, self._n_fitted = n, checks.integer("n_fitted", state["n_fitted"], minimum=0)
        self.version = checks.integer("version", state["version"], minimum=0)
        self._check()

    def _check(self) -> None:
        """Raises ValueError if a state's arrays do not fit each other."""
        n = self.n
        own, norms = self._features[:n], self._norms[:n]
        factor, whitener = self.factor[:n, :n], self._whitener[:n, :n]
        with np.errstate(all="ignore"):
            covariance = self.kernel.covariance(squared_distances(own, own, norms, norms))
            pairs = ((factor @ factor.T, covariance + self.kernel.noise * np.eye(n)),
                     (whitener @ factor, np.eye(n)), (self.whitened, whitener @ self._targets[:n]))
        if not all(np.allclose(found, expected, rtol=1e-6, atol=1e-6) for found, expected in pairs):
            raise ValueError("the model's arrays do not fit each other.")
        if (np.triu(factor, 1) != 0).any() or np.abs(self.whitened).max(initial=0.0) > 1e6:
            raise ValueError("the model's factor must be triangular, and its targets standardized.")
