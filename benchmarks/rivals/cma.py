"""pycma: CMA-ES with its handling of integers (Marty et al., GECCO 2024), increasing populations."""

from __future__ import annotations

from typing import Any, ClassVar

import cma
import numpy as np

from asng_core.arrays import Codes, Floats

from . import Generational, Setting


class CMA(Generational[Floats]):
    """Every variable in its units, an integer half a step beyond its ends so that each value is as wide; standard
    deviations a quarter of the ranges at first. It begins in the middle, and again at a random point with twice the
    population when it stops (Auger and Hansen, CEC 2005)."""

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "noisy", "asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__()
        self.rng, space = np.random.default_rng(seed), setting.space
        self.continuous, self.dtype, self.lows, self.highs = space.continuous, space.dtype, space.lows, space.highs
        half = np.where(self.continuous, 0.0, 0.5 - 1e-6)
        self.low, self.high = space.lows - half, space.highs + half
        self.restart((self.low + self.high) / 2, None)

    def restart(self, mean: Floats, population_size: int | None) -> None:
        options: dict[str, Any] = {
            "bounds": [self.low.tolist(), self.high.tolist()], "CMA_stds": (self.high - self.low) / 4, "verbose": -9,
            "integer_variables": np.flatnonzero(~self.continuous).tolist(), "seed": int(self.rng.integers(1, 2**31))}
        if population_size is not None:
            options["popsize"] = population_size
        self.optimizer = cma.CMAEvolutionStrategy(mean, 1.0, options)
        self.population_size = self.optimizer.popsize
        self.waiting: list[Floats] = []

    def ask(self) -> Codes:
        self.waiting = self.waiting or list(self.optimizer.ask())
        x = self.waiting.pop(0)
        inside = np.clip(np.where(self.continuous, x, np.rint(x)), self.lows, self.highs)
        codes: Codes = inside.astype(self.dtype)
        self.open.put(codes, x)
        return codes

    def learn(self, told: list[tuple[Floats, float]]) -> None:
        self.optimizer.tell(*zip(*told, strict=True))
        if self.optimizer.stop():
            self.restart(self.rng.uniform(self.low, self.high), 2 * self.population_size)
