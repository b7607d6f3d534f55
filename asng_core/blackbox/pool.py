"""Candidates for the next evaluation: many are proposed, the model says which one is worth paying for.

The pool outlives an evaluation. Each time new proposals come in, all are scored by the lower
confidence bound (Srinivas et al., ICML 2010), the best one is taken, and the next best SIZE stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from .surrogate import Beliefs

Judge = Callable[[Floats, Floats], Floats]  # of `(m, n_variables)` draws and their bounds: other bounds

SIZE = 60  # a proposal of 40 and half again: what was promising for a few evaluations may be asked yet


class Pool:
    """`draws` `(m, n_variables)` and `keys` of the candidates, and what a surrogate believes of them."""

    def __init__(self, n_variables: int, beliefs: Beliefs) -> None:
        self.draws = np.empty((0, n_variables))
        self.keys: list[bytes] = []
        self._beliefs = beliefs

    def __len__(self) -> int:
        return len(self.keys)

    def extend(self, draws: Floats, keys: list[bytes], features: Floats) -> None:
        """More candidates, none of which is in the pool."""
        self.draws, self.keys = np.concatenate([self.draws, draws]), self.keys + keys
        self._beliefs.extend(features)

    def take(self, confidence: float, again: bool, judge: Judge | None = None) -> tuple[Floats, bytes]:
        """Draw and key of the candidate of the lowest confidence bound, by what a judge makes of it, if there is one.

        It stays in the pool if it may be asked `again`.
        """
        bounds = self._beliefs.bounds(confidence)
        order = np.argsort(bounds if judge is None else judge(self.draws, bounds), kind="stable")
        draw, key = self.draws[order[0]], self.keys[order[0]]
        self._keep(order[:SIZE] if again else order[1 : SIZE + 1])
        return draw, key

    def _keep(self, rows: Ints) -> None:
        self.draws, self.keys = self.draws[rows], [self.keys[row] for row in rows.tolist()]
        self._beliefs.keep(rows)

    def discard(self, key: bytes) -> None:
        """Take one candidate out, if it is in."""
        if key in self.keys:
            self._keep(np.delete(np.arange(len(self)), self.keys.index(key)))

    def mark(self) -> tuple[Floats, list[bytes], Any]:
        """What `back` needs."""
        return self.draws, self.keys, self._beliefs.mark()

    def back(self, mark: tuple[Floats, list[bytes], Any]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        self.draws, self.keys, beliefs = mark
        self._beliefs.back(beliefs)

    def state(self) -> dict[str, Any]:
        return {"draws": self.draws.copy(), "beliefs": self._beliefs.state()}

    def load(self, state: Mapping[str, Any], checked: Callable[[object, int], Floats],
             keys: Callable[[Floats], list[bytes]], features: Callable[[Floats], Floats]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        self.draws = checked(state["draws"], len(state["draws"]))
        self.keys = keys(self.draws)
        self._beliefs.load(state["beliefs"], features(self.draws))
