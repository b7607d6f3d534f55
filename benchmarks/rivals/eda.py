"""Estimation-of-distribution algorithms on Boolean variables: independent probabilities of a one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from . import BestSeen, Codes, Loss, Setting


class _Univariate(BestSeen, ABC):
    """Draws `population_size` points, updates the `(d,)` probabilities when all are told.

    The probabilities keep within [1/d, 1 - 1/d]. Under noise the rounded probabilities are recommended.
    """

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "asynchronous", "two-objectives"})
    population_size: int

    def __init__(self, setting: Setting, seed: int) -> None:
        self.rng, self.noisy = np.random.default_rng(seed), setting.noisy
        self.d = len(setting.space.sizes)
        self.probabilities = np.full(self.d, 0.5)
        self.points = np.empty((0, self.d), dtype=np.int64)
        self.losses: list[float] = []

    def ask(self) -> Codes:
        if not self.losses:
            self.points = (self.rng.random((self.population_size, self.d)) < self.probabilities).astype(np.int64)
        return self.points[len(self.losses)]

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.see(codes, loss)
        self.losses.append(loss)
        if len(self.losses) == self.population_size:
            self.update(self.points[np.argsort(self.losses, kind="stable")])
            np.clip(self.probabilities, 1 / self.d, 1 - 1 / self.d, out=self.probabilities)
            self.losses = []

    @abstractmethod
    def update(self, ranked: Codes) -> None:
        """Move the probabilities by `(population_size, d)` points, best first."""

    def add(self, codes: Codes, loss: Loss) -> None:
        """It has no way to take it."""
        self.see(codes, loss)

    def recommend(self) -> Codes:
        return (self.probabilities > 0.5).astype(np.int64) if self.noisy else super().recommend()


class CompactGA(_Univariate):
    """cGA (Harik et al., 1999): 1/K from the worse towards the better of two points. K = sqrt(d) ln(d) / 2: the order
    is optimal for OneMax (Sudholt and Witt, 2019), the factor the best of 1/2, 1 and 2 here."""

    population_size = 2

    def update(self, ranked: Codes) -> None:
        self.probabilities += (ranked[0] - ranked[1]) / max(2, math.sqrt(self.d) * math.log(self.d) / 2)


class UMDA(_Univariate):
    """UMDA with the setting of IOHprofiler's reference (Doerr et al., 2020): the frequencies in the better half of 50."""

    population_size = 50

    def update(self, ranked: Codes) -> None:
        self.probabilities = ranked[:self.population_size // 2].mean(axis=0)


class PBIL(_Univariate):
    """PBIL with the rates of Baluja (1994): towards the best, away from the worst where they differ, and the
    probabilities mutate. A population of 20 is better at this budget than his 100."""

    population_size = 20
    learning_rate, negative_rate, mutation_probability, mutation_shift = 0.1, 0.075, 0.02, 0.05

    def update(self, ranked: Codes) -> None:
        best, worst = ranked[0], ranked[-1]
        for rate, target in ((self.learning_rate, best), (self.negative_rate * (best != worst), best),
                             (self.mutation_shift * (self.rng.random(self.d) < self.mutation_probability),
                              self.rng.integers(2, size=self.d))):
            self.probabilities += rate * (target - self.probabilities)


