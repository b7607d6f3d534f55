"""At what prices a point can be evaluated: an ordered set of fidelities, the last of which is what counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Floats

_WHERE = "Minimizer(fidelities=...)"
_LEAST = 1e-9  # of what was told, in what was given: of a price of 0, as of cached evaluations, nothing can be a share
_REPAIR = "Give what an evaluation costs at each, cheapest first, as [1, 3, 9] or {'short': 3, 'full': 9}."


@dataclass(frozen=True)
class Fidelities:
    """names: as the user gave them, cheapest first. costs: of an evaluation from scratch, 0 where it is never asked.

    continues: whether a run goes on from one to the next, for the difference. Positions count from 0; -1: nothing yet.
    """

    names: tuple[Any, ...]
    costs: tuple[float, ...]
    continues: bool

    @property
    def last(self) -> int:
        return len(self.names) - 1

    @property
    def first(self) -> int:
        """Position of the cheapest that can be asked."""
        return next(i for i, cost in enumerate(self.costs) if cost > 0)

    def position(self, where: str, name: object) -> int:
        """Of a name. Raises ValueError for any other."""
        for i, each in enumerate(self.names):
            if type(name) is not bool and isinstance(name, str) == isinstance(each, str) and name == each:
                return i
        raise ValueError(f"{where} must be one of the fidelities {list(self.names)}, got {checks.shown(name)}.")

    def nominal(self, since: int, to: int) -> float:
        """What the step from one position to another costs by what was given."""
        return self.costs[to] - (self.costs[since] if self.continues and since >= 0 else 0.0)

    def state(self) -> dict[str, Any]:
        return {"names": list(self.names), "costs": list(self.costs), "continues": self.continues}


class Prices:
    """What steps are expected to cost: as given, scaled by what was told that steps to that fidelity did cost.

    told, expected: `(n_fidelities,)` sums over the steps whose cost was told, of that and of what was given.
    """

    def __init__(self, fidelities: Fidelities) -> None:
        self._fidelities = fidelities
        self._told, self._expected = np.zeros((2, len(fidelities.names)))

    def step(self, since: int, to: int) -> float:
        """Expected cost of the step from one position to another."""
        told, expected = self._told, self._expected
        nominal = self._fidelities.nominal(since, to)
        if not expected.any():
            return nominal
        ratio = told[to] / expected[to] if expected[to] > 0 else told.sum() / expected.sum()  # as the others
        return float(nominal * max(ratio, _LEAST))

    def whole(self, to: int) -> float:
        """Expected cost from scratch."""
        if not self._fidelities.continues:
            return self.step(-1, to)
        first = self._fidelities.first
        return self.step(-1, first) + sum(self.step(i - 1, i) for i in range(first + 1, to + 1)) if to >= first else 0.0

    def take(self, since: int, to: int, cost: float) -> None:
        """A step did cost this."""
        told, expected = self._told.copy(), self._expected.copy()
        told[to] += cost
        expected[to] += self._fidelities.nominal(since, to)
        self._told, self._expected = told, expected

    def mark(self) -> tuple[Floats, Floats]:
        return self._told, self._expected

    def back(self, mark: tuple[Floats, Floats]) -> None:
        self._told, self._expected = mark

    def state(self) -> dict[str, Any]:
        return {"told": self._told.copy(), "expected": self._expected.copy()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        told, expected = (checks.state_array(state[name], self._told.shape) for name in ("told", "expected"))
        if (told < 0).any() or (expected < 0).any() or (told[expected == 0] > 0).any():
            raise ValueError("costs must not be negative.")
        self._told, self._expected = told, expected


def loaded(state: Any) -> Fidelities:
    """What `Fidelities.state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
    names, costs = list(state["names"]), [checks.real("a cost", each) for each in state["costs"]]
    return fidelities(dict(zip(names, costs, strict=True)), state["continues"])


def fidelities(value: object, continues: object) -> Fidelities:
    """Of a list of costs, or of a mapping from names to costs."""
    goes_on = checks.truth("Minimizer(continues=...)", continues)
    if isinstance(value, Mapping):
        names, given = tuple(value), tuple(value.values())
    else:
        listed = checks.listed(value)
        if listed is None:
            raise TypeError(f"{_WHERE} must be a list of costs or a dict from names to costs, got "
                            f"{checks.shown(value)}. {_REPAIR}")
        names = given = tuple(each.item() if isinstance(each, np.generic) else each for each in listed)
    for name in names:
        if isinstance(name, bool) or not isinstance(name, (int, float, str)):
            raise TypeError(f"{_WHERE} must have names that are text or numbers, got {checks.shown(name)}. {_REPAIR}")
    costs = tuple(checks.real(_WHERE, each) for each in given)
    if len(costs) < 2:
        raise ValueError(f"{_WHERE} must be at least 2, got {checks.shown(value)}. Leave it out for a single one.")
    least = 0.0 if isinstance(value, Mapping) else math.ulp(0.0)
    if costs[0] < least or any(b <= a and not a == b == 0 for a, b in pairwise(costs)):
        raise ValueError(f"{_WHERE} must rise, from above 0 (in a dict 0 stands for evidence that is injected and "
                         f"never asked), got {checks.shown(value)}. {_REPAIR}")
    if costs[-1] <= 0:
        raise ValueError(f"{_WHERE} must end with a fidelity that has a cost, got {checks.shown(value)}. {_REPAIR}")
    return Fidelities(names, costs, goes_on)
