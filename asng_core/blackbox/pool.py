"""Candidates for the next evaluation: many are proposed, the model says which one is worth paying for.

The pool outlives an evaluation. Each time new proposals come in, all are scored by the lower
confidence bound (Srinivas et al., ICML 2010), the best one is taken, and the next best SIZE stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats
from .surrogate import CAPACITY, Conditioned, Surrogate

SIZE = 60


class Pool:
    """`draws` `(n, d)` and `keys` of the candidates, with their covariances and variances under a surrogate."""

    def __init__(self, n_variables: int, n_features: int) -> None:
        self.draws = np.empty((0, n_variables))
        self.keys: list[bytes] = []
        self._features = np.empty((0, n_features))
        self._covariances = np.empty((0, CAPACITY))
        self._variances = np.empty(0)
        self._version = -1

    def __len__(self) -> int:
        return len(self.keys)

    def extend(self, draws: Floats, keys: list[bytes], features: Floats, surrogate: Surrogate) -> None:
        """More candidates, none of which is in the pool."""
        if self._version != surrogate.version:
            self._covariances, self._variances = self._under(surrogate, self._features)
            self._version = surrogate.version
        covariances, variances = self._under(surrogate, features)
        self.draws, self._features = np.concatenate([self.draws, draws]), np.concatenate([self._features, features])
        self._covariances = np.concatenate([self._covariances, covariances])
        self._variances = np.concatenate([self._variances, variances])
        self.keys = self.keys + keys

    @staticmethod
    def _under(surrogate: Surrogate, features: Floats) -> tuple[Floats, Floats]:
        """`(m, CAPACITY)` covariances with the surrogate's points, and `(m,)` variances given them."""
        padded = np.zeros((len(features), CAPACITY))
        padded[:, : surrogate.n] = covariances = surrogate.covariances(features)
        return padded, 1.0 - np.einsum("ij,ij->i", covariances @ surrogate.inverse, covariances)

    def condition(self, surrogate: Surrogate, change: Conditioned) -> None:
        """Follow one point that was added to the surrogate."""
        if not len(self) or self._version != surrogate.version:
            return
        n = len(change.weights)
        covariance = surrogate.covariances(self._features, n)[:, 0]
        shared = covariance - self._covariances[:, :n] @ change.weights
        self._covariances[:, n] = covariance
        self._variances -= shared**2 / change.variance

    def take(self, surrogate: Surrogate, confidence: float, again: bool) -> tuple[Floats, bytes]:
        """Draw and key of the candidate whose mean less `confidence` standard deviations is lowest.

        It stays in the pool if it may be asked `again`.
        """
        n = surrogate.n
        means = self._covariances[:, :n] @ surrogate.coefficients
        scores = means - confidence * np.sqrt(np.maximum(self._variances, 0.0) * surrogate.amplitude)
        order = np.argsort(scores, kind="stable")
        best = order[0]
        draw, key = self.draws[best], self.keys[best]
        self._keep(order[: SIZE] if again else order[1 : SIZE + 1])
        return draw, key

    def _keep(self, rows: Any) -> None:
        self.draws, self._features = self.draws[rows], self._features[rows]
        self._covariances, self._variances = self._covariances[rows], self._variances[rows]
        self.keys = [self.keys[row] for row in rows.tolist()]

    def discard(self, key: bytes) -> None:
        """Take one candidate out, if it is in."""
        if key in self.keys:
            self._keep(np.delete(np.arange(len(self)), self.keys.index(key)))

    def state(self) -> dict[str, Any]:
        return {"draws": self.draws.copy(), "covariances": self._covariances.copy(),
                "variances": self._variances.copy(), "version": self._version}

    def load(self, state: Mapping[str, Any], keys: Callable[[Floats], list[bytes]],
             features: Callable[[Floats], Floats]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        n = len(state["variances"])
        self.draws = checks.state_array(state["draws"], (n, self.draws.shape[1]))
        self._covariances = np.array(state["covariances"], dtype=np.float64).reshape(n, CAPACITY)
        self._variances = checks.state_array(state["variances"], (n,))
        self._version = checks.integer("version", state["version"], minimum=-1)
        self.keys, self._features = keys(self.draws), features(self.draws)
