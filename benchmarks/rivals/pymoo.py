"""pymoo: its mixed-variable genetic algorithm, which with rank and crowding is NSGA-II."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pymoo.algorithms.moo.nsga2 import RankAndCrowdingSurvival
from pymoo.core.individual import Individual
from pymoo.core.mixed import MixedVariableGA
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.variable import Binary, Choice, Integer

from asng_core.arrays import Codes

from . import BestSeen, Loss, Setting


class Genetic(BestSeen):
    """The population of its documentation's two-objective example, better here than its 10 for one objective
    and than the default of 50."""

    lacks: ClassVar[frozenset[str]] = frozenset({"asynchronous"})
    population_size = 20

    def __init__(self, setting: Setting, seed: int) -> None:
        self.names = setting.space.names
        variables = {name: _variable(v.size, v.ordered) for name, v in setting.space.variables.items()}
        self.constrained = setting.constraint is not None
        problem = Problem(vars=variables, n_obj=setting.n_objectives, n_ieq_constr=int(self.constrained))
        survival = {"survival": RankAndCrowdingSurvival()} if setting.n_objectives > 1 else {}
        self.algorithm = MixedVariableGA(pop_size=self.population_size, **survival)
        self.algorithm.setup(problem, termination=("n_gen", 10**9), seed=seed)
        self.asked: list[Individual] = []
        self.told: list[Individual] = []

    def ask(self) -> Codes:
        if not self.asked:
            self.asked = list(self.algorithm.ask())
        x: dict[str, Any] = self.asked[0].X
        return np.array([x[name] for name in self.names], dtype=np.int64)

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        individual = self.asked.pop(0)
        invalid = bool(np.isnan(loss).any())
        individual.F = np.where(np.isnan(loss), np.inf, loss).reshape(-1)
        individual.G, individual.H = np.array([float(invalid)] if self.constrained else []), np.array([])
        individual.evaluated.update(("F", "G", "H"))
        self.told.append(individual)
        if not self.asked:
            self.algorithm.tell(infills=Population.create(*self.told))
            self.told = []

    def add(self, codes: Codes, loss: Loss) -> None:
        """It has no way to take it."""
        self.see(codes, loss)


def _variable(size: int, ordered: bool) -> Any:
    if size == 2:
        return Binary()
    return Integer(bounds=(0, size - 1)) if ordered else Choice(options=range(size))
