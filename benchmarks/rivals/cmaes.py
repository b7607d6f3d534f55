"""cmaes: CatCMA with Margin (Hamano et al., 2025), and CMA-ES with Margin (Hamano et al., GECCO 2022)."""

from __future__ import annotations

from typing import Any, ClassVar

import cmaes as library
import numpy as np
from cmaes import CatCMAwM

from asng_core.arrays import Codes, Floats

from . import Generational, Setting


class CatCMA(Generational[CatCMAwM.Solution]):
    """Its defaults: continuous variables in x_space, other ordered ones in z_space, unordered and binary ones in
    c_space, as its documentation asks; restarted when it says that it should stop. It recommends its mode under noise.
    """

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__()
        self.rng, self.noisy = np.random.default_rng(seed), setting.noisy
        space, sizes = setting.space, setting.space.sizes
        self.dtype, self.continuous = space.dtype, space.continuous
        self.ordered = np.array([v.ordered and v.size > 2 for v in space.variables.values()])
        self.unordered = ~self.ordered & ~self.continuous
        ranges = np.stack([space.lows, space.highs], axis=1)[self.continuous]
        levels = [list(range(size)) for size in sizes[self.ordered]]
        self.spaces: dict[str, Any] = {"x_space": ranges.tolist() or None, "z_space": levels or None,
                                       "c_space": sizes[self.unordered].tolist() or None}
        self.restart()

    def restart(self) -> None:
        self.optimizer = CatCMAwM(**self.spaces, seed=int(self.rng.integers(2**31)))
        self.population_size = self.optimizer.population_size

    def ask(self) -> Codes:
        solution = self.optimizer.ask()
        codes = self.codes(solution)
        self.open.put(codes, solution)
        return codes

    def codes(self, solution: CatCMAwM.Solution) -> Codes:
        codes: Codes = np.empty(len(self.ordered), dtype=self.dtype)
        if solution.x is not None:
            codes[self.continuous] = solution.x
        if solution.z is not None:
            codes[self.ordered] = solution.z
        if solution.c is not None:
            codes[self.unordered] = [row.argmax() for row in solution.c]
        return codes

    def learn(self, told: list[tuple[CatCMAwM.Solution, float]]) -> None:
        try:
            with np.errstate(divide="raise", invalid="raise"):
                self.optimizer.tell(told)
        except FloatingPointError:  # once converged, its margin correction can divide by zero
            self.restart()
        if (self.ordered | self.continuous).any() and self.optimizer.should_stop():
            self.restart()

    def recommend(self) -> Codes:
        if not self.noisy:
            return super().recommend()
        draws = np.array([self.codes(self.optimizer.ask()) for _ in range(100)])
        return np.array([np.bincount(column).argmax() for column in draws.T])


class CMAwM(Generational[Any]):
    """Every variable on 0..1, so that one step size suits all; it begins in the middle with sigma 1/4, and again, at a
    random point with twice the population (Auger and Hansen, CEC 2005), when it says that it should stop."""

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "noisy", "asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__()
        self.rng, space = np.random.default_rng(seed), setting.space
        self.continuous, self.dtype = space.continuous, space.dtype
        self.low, self.range = space.lows, space.highs - space.lows
        self.steps = np.where(self.continuous, 0.0, 1 / self.range)
        self.restart(np.full(len(space), 0.5), None)

    def restart(self, mean: Floats, population_size: int | None) -> None:
        d = len(mean)
        self.optimizer = library.CMAwM(mean, 0.25, np.tile([0.0, 1.0], (d, 1)), self.steps,
                                       population_size=population_size, seed=int(self.rng.integers(2**31)))
        self.population_size = self.optimizer.population_size

    def ask(self) -> Codes:
        x, token = self.optimizer.ask()
        values = self.low + self.range * x
        codes: Codes = np.where(self.continuous, values, np.rint(values)).astype(self.dtype)
        self.open.put(codes, token)
        return codes

    def learn(self, told: list[tuple[Any, float]]) -> None:
        self.optimizer.tell(told)
        if self.optimizer.should_stop():
            self.restart(self.rng.random(len(self.low)), 2 * self.population_size)
