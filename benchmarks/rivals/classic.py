"""Our own baselines: random search, one-plus-one algorithms, local search, regularized evolution."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import numpy as np

from asng_core.arrays import Codes

from . import BestSeen, Loss, Open, Setting

_SPREAD, _AROUND = 0.2, 4  # of a Real's neighbours, as of SMAC's search: deviation over its range, number


class _Classic(BestSeen):
    lacks: ClassVar[frozenset[str]] = frozenset({"two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting, self.rng = setting, np.random.default_rng(seed)
        space = setting.space
        self.sizes, self.continuous, self.low, self.high = space.sizes, space.continuous, space.lows, space.highs
        self.d = len(self.sizes)

    def add(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)

    def changed(self, codes: Codes, variables: Codes) -> Codes:
        """A copy in which each of these variables has another value, uniformly drawn; of a Real one near by."""
        child = np.array(codes)
        reals = variables[self.continuous[variables]]
        variables = variables[~self.continuous[variables]]
        sizes = self.sizes[variables]
        child[variables] = (codes[variables] + 1 + self.rng.integers(sizes - 1)) % sizes
        if len(reals):
            low, high = self.low[reals], self.high[reals]
            child[reals] = np.clip(self.rng.normal(codes[reals], _SPREAD * (high - low)), low, high)
        repaired = self.setting.repaired(child, self.rng)
        while np.array_equal(repaired, codes) and not np.array_equal(child, codes):  # all undone: another way
            repaired = self.setting.repaired(child, self.rng)
        return repaired


class RandomSearch(_Classic):
    """Uniform, with repetition."""

    lacks = frozenset()

    def ask(self) -> Codes:
        return self.setting.random(self.rng)

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)


class OnePlusOne(_Classic):
    """(1+1) EA: every variable changes with probability 1/d, at least one does; a child that is no worse
    becomes the parent. Noise-free, it restarts after `patience` neighbourhoods' worth of failures."""

    patience: ClassVar[float] = 5

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.limit = np.inf if setting.noisy else self.patience * int((self.sizes - 1).sum())
        self.open: Open[int] = Open()
        self.run = 0
        self.restart()

    def restart(self) -> None:
        self.parent, self.parent_loss, self.failures = None, np.inf, 0
        self.run += 1

    parent: Codes | None

    def ask(self) -> Codes:
        child = self.setting.random(self.rng) if self.parent is None else self.mutated(self.parent)
        self.open.put(child, self.run)
        return child

    def mutated(self, parent: Codes) -> Codes:
        while True:
            variables = self.variables()
            child = self.changed(parent, variables)
            if len(variables) and self.setting.valid(child):
                return child

    def variables(self) -> Codes:
        """Those that change."""
        return np.flatnonzero(self.rng.random(self.d) < 1 / self.d)

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        if self.open.pop(codes) != self.run:  # asked before the restart
            return
        self.failures = 0 if loss < self.parent_loss else self.failures + 1
        if loss <= self.parent_loss:
            self.parent, self.parent_loss = codes, loss
        if self.failures > self.limit:
            self.restart()

    def recommend(self) -> Codes:
        return super().recommend() if self.parent is None or not self.setting.noisy else self.parent


class Resampling(OnePlusOne):
    """(1+1) EA>0, the reference of IOHprofiler (Doerr et al., 2020): the same without restarts."""

    patience = np.inf


class RandomizedLocalSearch(Resampling):
    """RLS: one variable changes."""

    def variables(self) -> Codes:
        return self.rng.integers(self.d, size=1)


class FastGA(Resampling):
    """(1+1) fast GA (Doerr et al., 2017): k variables change with probability proportional to k^-beta, k <= d/2."""

    beta = 1.5

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        weights = np.arange(1, max(self.d // 2, 1) + 1) ** -self.beta
        self.cumulative = weights.cumsum() / weights.sum()

    def variables(self) -> Codes:
        strength = 1 + int(self.cumulative.searchsorted(self.rng.random(), side="right"))
        return self.rng.choice(self.d, size=strength, replace=False)


class LocalSearch(_Classic):
    """First improvement over all points that differ in one variable, in random order; restarts from a
    random point in a local optimum."""

    lacks = frozenset({"asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.centre_loss = np.inf
        self.neighbours: list[Codes] = []
        self.start = True

    def ask(self) -> Codes:
        if not self.neighbours:
            self.start = True
        return self.setting.random(self.rng) if self.start else self.neighbours.pop()

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        if self.start or loss < self.centre_loss:
            self.start, self.centre_loss = False, np.nan_to_num(loss, nan=np.inf)
            self.neighbours = self.around(codes)

    def around(self, centre: Codes) -> list[Codes]:
        """The valid neighbours, shuffled."""
        found = []
        for real in np.flatnonzero(self.continuous):
            found += [self.changed(centre, np.array([real])) for _ in range(_AROUND)]
        for variable, size in enumerate(self.sizes):
            for code in range(size):
                neighbour = centre.copy()
                neighbour[variable] = code
                neighbour = self.setting.repaired(neighbour, self.rng)
                if (neighbour != centre).any() and self.setting.valid(neighbour):
                    found.append(neighbour)
        self.rng.shuffle(found)
        return found


class Annealing(_Classic):
    """Simulated annealing (Kirkpatrick, Gelatt and Vecchi, 1983) of a schedule made for the budget.

    One variable changes, in the order of random sweeps. The temperature falls geometrically from 0.3 to 0.03 times the
    mean worsening of the first steps, all of which are taken: the best of nine schedules on instances not reported.
    """

    measured, start, end = 0.02, 0.3, 0.03  # share of the budget that measures; temperatures

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.parent, self.parent_loss = setting.random(self.rng), np.inf
        self.order: list[int] = []
        self.worse: list[float] = []
        self.n_told = 0

    def ask(self) -> Codes:
        if self.n_told == 0:
            return self.parent
        while True:
            self.order = self.order or self.rng.permutation(np.flatnonzero(self.sizes > 1)).tolist()
            child = self.changed(self.parent, np.array([self.order.pop()]))
            if self.setting.valid(child):
                return child

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        excess, first = loss - self.parent_loss, self.measured * self.setting.budget
        self.n_told += 1
        if self.n_told <= first:
            self.worse += [excess] if excess > 0 else []
            taken = True
        else:
            gone = (self.n_told - first) / (self.setting.budget - first)
            temperature = np.mean(self.worse or [1.0]) * self.start * (self.end / self.start) ** gone
            taken = excess <= 0 or self.rng.random() < np.exp(-excess / temperature)
        if taken:
            self.parent, self.parent_loss = codes, loss


class RegularizedEvolution(_Classic):
    """Aging evolution (Real et al., 2019): the best of a random tournament gets a child in which one
    variable has changed, and the oldest of the population leaves."""

    population_size, tournament = 50, 10

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.population: deque[tuple[Codes, float]] = deque(maxlen=self.population_size)
        self.n_asked = 0

    def ask(self) -> Codes:
        self.n_asked += 1
        if self.n_asked > self.population_size and self.population:
            for _ in range(100):
                child = self.changed(self.parent(), self.rng.integers(self.d, size=1))
                if self.setting.valid(child):
                    return child
        return self.setting.random(self.rng)

    def parent(self) -> Codes:
        size = min(self.tournament, len(self.population))
        drawn = self.rng.choice(len(self.population), size=size, replace=False)
        return min((self.population[i] for i in drawn), key=lambda member: member[1])[0]

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        self.population.append((codes, np.nan_to_num(loss, nan=np.inf)))  # what has failed is no parent


class SmallPopulation(RegularizedEvolution):
    """Stronger at small budgets."""

    population_size = 20
