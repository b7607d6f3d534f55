"""A walk from neighbour to neighbour, for when the model cannot hold all results: simulated annealing without a budget.

    symbol  variable      meaning
    x       row           where the walk stands: a row of the history
    T       temperature   a worse neighbour is taken with probability exp(-excess / T); 0: never
    T0      start         of the round: HOT times the median excess over the best of the newest n results
    n       n_neighbours  about the number of a point's neighbours: the parameters of the distribution

First it descends, until 2 n steps in a row bring nothing: each variable has had its turn since. Then come rounds, each
from the best point: T falls geometrically from T0 to COLD times it, over FIRST n steps, and twice as many in each round
after. So at any time half of the steps or so belong to one slow cooling, as if the budget had been known.

Variables take turns, in random order: each has been tried before any is again, which on separable functions saves the
logarithm. What is known or infeasible is passed through: one more variable changes, so that a walk leaves what is
explored, and finds exchanges where a constraint forbids single changes.

Source: Kirkpatrick, Gelatt and Vecchi, Optimization by simulated annealing, Science 220, 1983.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats
from ..distribution.geometry import Geometry
from .history import History
from .memo import keys

HOT, COLD = 0.25, 0.01
FIRST = 2  # neighbourhoods
PAIRS = 0.3  # of the steps of a round, which change two variables: exchanges, which pay only together
_THROUGH = 5  # changes on one way, after which another one begins
_TRIES = 100  # changes in all; then little is new near by

Choice = tuple[Floats, bytes]


def share(capacity: float, n_neighbours: int) -> float:
    """What is left of the evaluations to the model, and to what goes with it: all where it can hold the neighbours of
    ten points, the fewer the less of them it can hold.

    Half at most was worse: on eight tables of 12 to 20 neighbours by 0.04 after 700 evaluations (61 pairs of runs, 95%:
    0.00 to 0.17), none of which is among those left out while tuning.
    """
    return min(1.0, capacity / (10 * max(n_neighbours, 1)))


class Walk:
    """Its random numbers are the policy's, its points rows of the history."""

    def __init__(self, geometry: Geometry, rng: np.random.Generator, history: History) -> None:
        self._geometry, self._rng, self._history = geometry, rng, history
        self._n = max(geometry.distribution.family.n_theta, 1)
        self._row: int | None = None
        self._open: frozenset[bytes] = frozenset()  # keys of what was asked and is not told
        self._turns, self._turn = np.empty(0, dtype=np.int64), 0  # variables, in the order of their turns; the next
        self._start, self._length, self._step, self._idle = 0.0, FIRST * self._n, 0, 0

    def propose(self, first: Callable[[Floats, None], Choice | None], best: int) -> Choice | None:
        """A new neighbour, None if none is found.

        first: of `(1, n_variables)` draws the first that may be asked, with these pins. best: row of the best result.
        """
        self._row = best if self._row is None else self._row
        draw = centre = self._geometry.distribution.draws(self._history.codes[[self._row]])[0]
        for tried in range(_TRIES):
            draw = self._geometry.changed(draw if tried % _THROUGH else centre, self._next(), self._rng)
            if tried == 0 and self._start and self._rng.random() < PAIRS:
                draw = self._geometry.changed(draw, self._next(), self._rng)
            if (found := first(draw[None], None)) is not None:
                self._open |= {found[1]}
                return found
        return None

    def _next(self) -> int:
        """The variable whose turn it is."""
        if self._turn == len(self._turns):
            self._turns, self._turn = self._rng.permutation(self._geometry.varying), 0
        self._turn += 1
        return int(self._turns[self._turn - 1])

    def told(self, row: int, best: int, *, improved: bool) -> None:
        """A result is in the history, at `row`.

        best: row of the best result. improved: whether it is this one, and better than the one before.
        """
        if self._row is None:
            return
        key = keys(self._history.codes[[row]])[0]
        own = key in self._open
        if not own and not improved:
            return
        self._open -= {key}
        self._idle = 0 if self._merit(row) < self._merit(self._row) else self._idle + 1
        if improved or self._takes(self._row, row):
            self._row = row
        self._step += own
        if self._step >= self._length if self._start else self._idle >= 2 * self._n:
            self._reheat(best)

    def _takes(self, row: int, other: int) -> bool:
        """Whether the walk goes on from one row to another."""
        here, there = self._merit(row), self._merit(other)
        if there <= here:
            return True
        if not self._start or here[0] or there[0]:  # a temperature is of losses, not of violations or failures
            return False
        temperature = self._start * COLD ** (self._step / self._length)
        if not temperature:  # of losses so small that there is nothing below them
            return False
        return self._rng.random() < math.exp((here[1] - there[1]) / temperature)

    def _merit(self, row: int) -> tuple[int, float]:
        """Less is better: see `ranking`."""
        loss, violation = float(self._history.losses[row]), float(self._history.violations[row])
        if math.isnan(loss):
            return 2, 0.0
        return (1, violation) if violation > 0 else (0, loss)

    def _reheat(self, best: int) -> None:
        """Begin a round."""
        self._length *= 2 if self._start else 1
        with np.errstate(over="ignore", invalid="ignore"):  # of infinities, and of the largest floats
            excess = self._history.losses[-self._n :] - self._history.losses[best]
        excess = excess[np.isfinite(excess) & (excess > 0) & self._history.succeeded[-self._n :]]
        self._start = HOT * float(np.median(excess)) if len(excess) else 0.0
        self._row, self._step, self._idle = best, 0, 0

    def mark(self) -> dict[str, Any]:
        """What `back` needs: everything that changes is replaced."""
        return vars(self).copy()

    def back(self, mark: Mapping[str, Any]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        vars(self).update(mark)

    def state(self) -> dict[str, Any]:
        """As plain scalars and arrays; open points as codes, sorted, since a set has no fixed order."""
        codes = np.frombuffer(b"".join(sorted(self._open)), dtype=self._history.codes.dtype)
        return {"row": self._row, "open": codes.reshape(-1, len(self._geometry.sizes)).copy(),
                "turns": self._turns.copy(), "turn": self._turn, "start": self._start, "length": self._length,
                "step": self._step, "idle": self._idle}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave, the history being loaded. Raises ValueError, TypeError or KeyError for anything
        else."""
        self._length, self._step, self._idle, self._turn = (
            checks.integer(name, state[name], minimum=0) for name in ("length", "step", "idle", "turn"))
        self._row = None if state["row"] is None else checks.integer("the walk's row", state["row"], minimum=0)
        self._start = checks.real("the walk's temperature", state["start"], above=-1e-300)
        self._turns = np.array(state["turns"])
        varying = self._geometry.varying if len(self._turns) else self._turns
        if (not np.array_equal(np.sort(self._turns), varying) or self._turn > len(self._turns) or not self._length
                or (self._row is not None and self._row >= len(self._history))):
            raise ValueError("the walk is not of this history, or of other variables.")
        open_ = np.asarray(state["open"])
        self._open = frozenset(keys(self._geometry.distribution.space.checked(open_)) if len(open_) else [])
