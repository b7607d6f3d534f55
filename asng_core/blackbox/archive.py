"""The best results of the present run: the parents of candidates, and by their stagnation its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..ranking import nondominated, ranks
from .history import History

SIZE = 10  # parents: few, so that descendants are of the best, and enough to recombine
SIZE_OF_FRONT = 40  # with several objectives the parents have a whole front to cover


def patience(n_precisions: float) -> int:
    """Evaluations without improvement after which a run is over.

    A new run throws the distribution and the parents away, so an old one gets ten evaluations for each way in which
    the best point could still be changed, and 30 where there are few.

    n_precisions: the number of these ways, see `Geometry`.
    """
    return 30 + round(10 * n_precisions)


def doubt(stalled: int, n_theta: int) -> float:
    """The share of evaluations that a run which has stalled takes from the model: every other one in the end.

    n_theta: parameters of the distribution, about the number of a point's neighbours; 0 if all is constant.
    """
    return min(0.5, stalled / max(n_theta, 1))


class Archive:
    """`rows` are those of the history, the best first, of equals the newest, so that a run drifts on a plateau.

    stalled: evaluations since the last improvement.
    """

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.stalled = 0

    def insert(self, history: History, new: Sequence[int]) -> None:
        """Take rows that were just told."""
        rows = [*self.rows, *new]  # the arrays below are in this order
        losses, violations = history.losses[rows], history.violations[rows]
        rank = ranks(losses, violations)  # of the archive's rows and, from the n-th on, of the new ones
        n = len(self.rows)
        if losses.ndim == 1:
            improved = not n or rank[n:].min() < rank[:n].min()
        else:  # a feasible point that none dominates or equals
            good = ~np.isnan(losses).any(axis=1) & (violations <= 0)
            good[good] = nondominated(losses[good])
            # the first of equal losses: a new result that equals an old one is no improvement
            first = np.zeros(len(losses), dtype=np.bool_)
            first[np.unique(losses, axis=0, return_index=True)[1]] = True
            improved = bool((good & first)[n:].any())
        self.stalled = 0 if improved else self.stalled + len(new)
        size = SIZE if losses.ndim == 1 else SIZE_OF_FRONT
        best_first = np.lexsort((-np.arange(len(rows)), rank))  # a new one before its equals, whose order turns round
        self.rows = [rows[i] for i in best_first[:size]]

    def mark(self) -> tuple[list[int], int]:
        """What `back` needs."""
        return self.rows, self.stalled

    def back(self, mark: tuple[list[int], int]) -> None:
        """Be as at `mark()`."""
        self.rows, self.stalled = mark

    def state(self) -> dict[str, Any]:
        """As plain scalars and lists."""
        return {"rows": list(self.rows), "stalled": self.stalled}

    def load(self, state: Mapping[str, Any], history: History) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        self.rows = [checks.integer("a row", row, minimum=0) for row in state["rows"]]
        if self.rows and max(self.rows) >= len(history):
            raise ValueError("the archive names an evaluation that the history does not hold.")
        self.stalled = checks.integer("stalled", state["stalled"], minimum=0)
