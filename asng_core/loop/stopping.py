"""When a run of `minimize` ends: one rule a class, asked before every evaluation."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

from .. import checks
from ..ask_tell.results import Best
from ..blackbox.fidelities import fidelities as checked
from . import fidelity_rules, rules


class Standing(NamedTuple):
    """How far a run is. best: in the user's sign; None before there is one, and with several objectives."""

    n_evaluations: int
    best: Best | None
    seconds: float
    cost: float = 0.0


class StoppingRule(ABC):
    """A reason to stop. `single` rules need an objective that is one number."""

    single: ClassVar[bool] = False

    @abstractmethod
    def reason(self, standing: Standing) -> str | None:
        """Why to stop, in words; None if there is no reason."""

    def due(self, seconds: float) -> float:
        """In how many seconds it wants to be asked again, though no evaluation may have come."""
        return math.inf


class Target(StoppingRule):
    """At the first loss as good as `value`; `sign` is -1 if more is better."""

    single = True

    def __init__(self, where: str, value: object, sign: float) -> None:
        self._value, self._sign = checks.real(where, value), sign

    def reason(self, standing: Standing) -> str | None:
        best = standing.best
        reached = best is not None and self._sign * (best.loss - self._value) <= 0  # both in the user's sign
        return f"target of {self._value:g} reached" if reached else None


class Budget(StoppingRule):
    """After `evaluations`, all of a resumed run included. cost: what they may cost in all, None: anything."""

    cost: float | None = None

    def __init__(self, where: str, value: object) -> None:
        self.evaluations = rules.budget(where, value)
        self._made = 0

    @property
    def total(self) -> float:
        """Evaluations, or what they may cost."""
        return self.evaluations if self.cost is None else self.cost

    def begin(self, n_evaluations: int) -> None:
        """Take note of how many were made in runs that this one goes on with."""
        self._made = n_evaluations

    def reason(self, standing: Standing) -> str | None:
        n = self.evaluations
        if standing.n_evaluations < n:
            return None
        words = f"budget of {n} evaluation{'s' * (n > 1)} used"
        return f"{words} up before: {self._made} were made" if self._made > n else words


class CostBudget(Budget):
    """When what was evaluated has cost this much, all of a resumed run included."""

    cost: float
    evaluations = 2**62  # as many as one likes

    def __init__(self, where: str, value: object, least: float) -> None:
        self.cost = fidelity_rules.cost(where, value, least)

    def reason(self, standing: Standing) -> str | None:
        return f"budget of {self.cost:g} used" if standing.cost >= self.cost else None


def limited(name: str, value: object, fidelities: object, continues: object, vectorized: object) -> Budget:
    """The budget of a run: of evaluations, or with fidelities of what they cost."""
    if fidelities is None:
        return Budget(f"{name}(budget=...)", value)
    fidelity_rules.alone(f"{name}(fidelities=...)", vectorized=vectorized)
    several = checked(fidelities, continues)
    return CostBudget(f"{name}(budget=...)", value, several.costs[several.first])


class Timeout(StoppingRule):
    """After so many seconds of this run."""

    def __init__(self, where: str, value: object) -> None:
        self._seconds = checks.real(where, value, above=0)

    def reason(self, standing: Standing) -> str | None:
        return f"timeout of {self._seconds:g} seconds reached" if standing.seconds >= self._seconds else None

    def due(self, seconds: float) -> float:
        return self._seconds - seconds


def given(rule: type[Any], where: str, value: object, *more: Any) -> list[StoppingRule]:
    """The rule of an argument; none if it was left out."""
    return [] if value is None else [rule(where, value, *more)]
