"""cmaes: CatCMA with Margin (Hamano et al., 2025)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from cmaes import CatCMAwM

from asng_core.arrays import Codes

from . import BestSeen, Loss, Open, Setting


class CatCMA(BestSeen):
    """Its defaults: ordered variables in z_space, unordered and binary ones in c_space, as its documentation
    asks; restarted when it says that it should stop. It recommends its mode under noise."""

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "asynchronous", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.rng, self.noisy = np.random.default_rng(seed), setting.noisy
        sizes = setting.space.sizes
        self.ordered = np.array([v.ordered and v.size > 2 for v in setting.space.variables.values()])
        levels = [list(range(size)) for size in sizes[self.ordered]]
        self.spaces: dict[str, Any] = {"z_space": levels or None, "c_space": sizes[~self.ordered].tolist() or None}
        self.open: Open[CatCMAwM.Solution] = Open()
        self.restart()

    def restart(self) -> None:
        self.optimizer = CatCMAwM(**self.spaces, seed=int(self.rng.integers(2**31)))
        self.told: list[tuple[CatCMAwM.Solution, float]] = []

    def ask(self) -> Codes:
        solution = self.optimizer.ask()
        codes = self.codes(solution)
        self.open.put(codes, solution)
        return codes

    def codes(self, solution: CatCMAwM.Solution) -> Codes:
        codes = np.empty(len(self.ordered), dtype=np.int64)
        if solution.z is not None:
            codes[self.ordered] = solution.z
        if solution.c is not None:
            codes[~self.ordered] = [row.argmax() for row in solution.c]
        return codes

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        self.told.append((self.open.pop(codes), loss))
        if len(self.told) < self.optimizer.population_size:
            return
        try:
            with np.errstate(divide="raise", invalid="raise"):
                self.optimizer.tell(self.told)
        except FloatingPointError:  # once converged, its margin correction can divide by zero
            self.restart()
        self.told = []
        if self.ordered.any() and self.optimizer.should_stop():
            self.restart()

    def add(self, codes: Codes, loss: Loss) -> None:
        """It has no way to take it."""
        self.see(codes, loss)

    def recommend(self) -> Codes:
        if not self.noisy:
            return super().recommend()
        draws = np.array([self.codes(self.optimizer.ask()) for _ in range(100)])
        return np.array([np.bincount(column).argmax() for column in draws.T])
