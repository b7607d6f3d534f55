"""What the posterior believes of candidates: kept for each, so that a point more costs O(n) for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from .. import checks
from ..arrays import Floats, Ints
from .gaussian_process import squared_norms
from .surrogate import Beliefs


class Followed(Protocol):
    """What the beliefs need of a posterior over `n` points; symbols as in `gaussian_process`."""

    n: int
    version: int
    factor: Floats

    @property
    def whitened(self) -> Floats: ...
    @property
    def amplitude(self) -> float: ...
    def scaled(self, features: Floats) -> Floats: ...
    def covariances(self, scaled: Floats, norms: Floats, first: int = 0) -> Floats: ...
    def whiten(self, covariances: Floats) -> Floats: ...


class PosteriorBeliefs(Beliefs):
    """The candidates' v, and their variances 1 - v'v; both follow each point that the posterior takes in."""

    def __init__(self, posterior: Followed, n_features: int, capacity: int) -> None:
        self._posterior, self._capacity = posterior, capacity
        self._features = np.empty((0, n_features))
        self._scaled, self._norms = self._features, np.empty(0)  # by the posterior's relevance; squared
        self._v, self._variances = np.empty((0, capacity)), np.empty(0)
        self._version, self._n = posterior.version, posterior.n  # of the posterior that is followed

    def extend(self, features: Floats) -> None:
        self._follow()
        self._features = np.concatenate([self._features, features])
        arrays = zip(self._of_posterior(), self._under(features), strict=True)
        self._scaled, self._norms, self._v, self._variances = map(np.concatenate, arrays)

    def _of_posterior(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self._scaled, self._norms, self._v, self._variances

    def _under(self, features: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Of `(m, n_features)` candidates: scaled features and their squared norms, `(m, capacity)` v, variances."""
        posterior, scaled = self._posterior, self._posterior.scaled(features)
        norms, v = squared_norms(scaled), np.zeros((len(features), self._capacity))
        v[:, : posterior.n] = posterior.whiten(posterior.covariances(scaled, norms))
        return scaled, norms, v, 1.0 - squared_norms(v[:, : posterior.n])

    def _follow(self) -> None:
        """Catch up with the posterior."""
        posterior = self._posterior
        if self._version != posterior.version:
            self._scaled, self._norms, self._v, self._variances = self._under(self._features)
        elif len(self._features) and self._n < posterior.n:
            new = posterior.covariances(self._scaled, self._norms, self._n)  # k+
            for column, k in enumerate(new.T, self._n):
                w, pivot = posterior.factor[column, :column], posterior.factor[column, column]
                self._v[:, column] = v = (k - self._v[:, :column] @ w) / pivot
                self._variances = self._variances - v**2
        self._version, self._n = posterior.version, posterior.n

    def keep(self, rows: Ints) -> None:
        self._features = self._features[rows]
        self._scaled, self._norms, self._v, self._variances = (array[rows] for array in self._of_posterior())

    def mark(self) -> dict[str, Any]:
        return vars(self).copy()

    def back(self, mark: dict[str, Any]) -> None:
        vars(self).update(mark)
        self._v[:, self._n :] = 0.0  # what `_follow` filled in

    def bounds(self, confidence: float) -> Floats:
        self._follow()
        means = self._v[:, : self._n] @ self._posterior.whitened
        deviations = np.sqrt(np.maximum(self._variances, 0.0) * self._posterior.amplitude)
        return np.asarray(means - confidence * deviations)

    def state(self) -> dict[str, Any]:
        return {"v": self._v.copy(), "variances": self._variances.copy(), "version": self._version, "n": self._n}

    def load(self, state: Mapping[str, Any], features: Floats) -> None:
        m = len(features)
        self._features, self._scaled = features, self._posterior.scaled(features)
        self._norms = squared_norms(self._scaled)
        self._v = checks.state_array(state["v"], (m, self._capacity))
        self._variances = checks.state_array(state["variances"], (m,))
        self._version = checks.integer("version", state["version"], minimum=0)
        self._n = checks.integer("n", state["n"], minimum=0)
        if self._version == self._posterior.version:
            v = self._under(features)[2][:, : self._n]
            expected = np.pad(v, ((0, 0), (0, self._capacity - v.shape[1])))
            if (self._n > self._posterior.n or not np.allclose(self._v, expected, atol=1e-6)
                    or not np.allclose(self._variances, 1.0 - squared_norms(self._v), atol=1e-6)):
                raise ValueError("the beliefs do not fit the model.")
