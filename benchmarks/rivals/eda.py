"""Estimation-of-distribution algorithms on Boolean variables: independent probabilities of a one."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from asng_core.arrays import Codes, Floats

from . import BestSeen, Loss, Setting


class _Univariate(BestSeen, ABC):
    """Draws `population_size` points, updates the `(d,)` probabilities when all are told.

    The probabilities keep within [1/d, 1 - 1/d]. Under noise the rounded probabilities are recommended.
    """

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "asynchronous", "two-objectives"})
    population_size: int

    def __init__(self, setting: Setting, seed: int) -> None:
        self.rng, self.noisy = np.random.default_rng(seed), setting.noisy
        self.d = len(setting.space.sizes)
        self.probabilities: Floats = np.full(self.d, 0.5)
        self.points = np.empty((0, self.d), dtype=np.int64)
        self.losses: list[float] = []

    def ask(self) -> Codes:
        if not self.losses:
            self.points = (self.rng.random((self.population_size, self.d)) < self.probabilities).astype(np.int64)
        point: Codes = self.points[len(self.losses)]
        return point

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
    """UMDA as IOHprofiler's reference (Doerr et al., 2020): the frequencies in the better half of 50."""

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


class WAASNG(_Univariate):
    """WA-ASNG (Yamada, Uchida and Shirakawa, 2026): ASNG whose ranking weights follow the gradient of the signal
    ||s||^2 - gamma that the accumulated natural gradients since the last adaptation would have had with them.

    Constants and defaults are those of the authors' implementation, https://github.com/shiralab/WA-ASNG.
    """

    alpha, epochs, decay = 1.5, 30, 0.9

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.population_size = 4 + int(3 * math.log(self.d))
        best = math.ceil(self.population_size / 4)
        self.weights = np.zeros(self.population_size)
        self.weights[:best], self.weights[-best:] = 1, -1
        self.learning_rate, self.total = self.population_size**1.5 / 200, 2 * best
        self.interval = max(1, int(self.d**1.3) // self.population_size)
        self.inverse_step_size, self.gamma, self.s = 1.0, 0.0, np.zeros(self.d)  # Delta; s, gamma: the accumulations
        self.start = self.s  # s as it would be with the new weights, at the last adaptation
        self.moves: list[Floats] = []  # since then, each (population_size, d)

    def update(self, ranked: Codes) -> None:
        p, step_size = self.probabilities, 1 / self.inverse_step_size
        beta = min(1, step_size / math.sqrt(self.d))
        deviation = np.sqrt(p * (1 - p))
        moves = (ranked - p) / deviation  # natural gradients times the root of the Fisher matrix
        gradient = self.weights @ moves
        length = float(np.linalg.norm(gradient))
        if length < 1e-12:
            return
        self.probabilities = p + step_size / length * deviation * gradient
        self.s = (1 - beta) * self.s + math.sqrt(beta * (2 - beta)) * gradient / length
        self.gamma = (1 - beta)**2 * self.gamma + beta * (2 - beta)
        self.inverse_step_size *= math.exp(beta * (self.gamma - self.s @ self.s / self.alpha))
        self.inverse_step_size = max(self.inverse_step_size, 1 / math.sqrt(self.d))
        self.moves.append(moves)
        if len(self.moves) == self.interval:
            self.adapt(np.array(self.moves), beta)
            self.moves = []

    def adapt(self, moves: Floats, beta: float) -> None:
        """Gradient ascent of the weights on `(interval, population_size, d)` moves."""
        for epoch in range(self.epochs):
            _, gradient = signal(self.weights, moves, self.start, beta)
            self.weights = np.sort(self.weights + self.learning_rate * self.decay**epoch * gradient)[::-1]
            self.weights *= self.total / np.abs(self.weights).sum()
        self.start, _ = signal(self.weights, moves, self.start, beta)


def signal(weights: Floats, moves: Floats, start: Floats, beta: float) -> tuple[Floats, Floats]:
    """The accumulation s that these weights would have given, and the gradient of ||s||^2 by the weights."""
    steps = weights @ moves  # (interval, d)
    lengths = np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-12)
    directions = steps / lengths
    kept = (1 - beta) ** np.arange(len(moves), -1, -1)
    shares = math.sqrt(beta * (2 - beta)) * kept[1:]
    s = kept[0] * start + shares @ directions
    pull = (s - directions * (directions @ s)[:, None]) / lengths
    return s, 2 * np.einsum("t,tld,td->l", shares, moves, pull, optimize=True)
