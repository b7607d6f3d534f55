"""Ours: the paper's method ASNG, the same with a fixed step size, SNG, and the Minimizer built on it."""

from __future__ import annotations

from typing import Any, ClassVar

import asng_core
from asng_core import Space
from asng_core.arrays import Codes

from . import Loss, Open, Setting
from .fidelities import Ladder


class ASNG:
    """The paper's method, the mode recommended.

    With one worker a population is asked and told at once, which changes nothing and takes a third of the time.
    """

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.space = setting.space
        self.optimizer: Any = asng_core.ASNG(self.space, seed=seed)
        self.at_once = self.optimizer.population_size if setting.n_workers == 1 else 1
        self.open: Open[Any] = Open()
        self.asked: list[Any] = []
        self.told: list[tuple[Any, Loss]] = []

    def ask(self) -> Codes:
        self.asked = self.asked or list(self.optimizer.ask(self.at_once))
        candidate = self.asked.pop(0)
        codes: Codes = candidate.codes
        self.open.put(codes, candidate)
        return codes

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.told.append((self.open.pop(codes), loss))
        if len(self.told) == self.at_once:
            self.optimizer.tell(*zip(*self.told, strict=True))
            self.told = []

    def add(self, codes: Codes, loss: Loss) -> None:
        """It has no way to take it."""

    def recommend(self) -> Codes:
        return self.space.encode(self.optimizer.recommend())


class SNG(ASNG):
    """The same with a step size that stays at 1, of the paper's 1, n_theta^-1/2 and 1/n_theta the best on the
    pseudo-Boolean problems."""

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.optimizer = asng_core.ASNG(self.space, seed=seed, adapt=False)


class Minimizer(ASNG):
    """The black-box mechanisms included; constraints belong to the space."""

    lacks = frozenset()

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.space = Space(setting.space.variables, constraints=[setting.constraint] if setting.constraint else [])
        self.optimizer, self.at_once = asng_core.Minimizer(self.space, seed=seed, noisy=setting.noisy), 1

    def add(self, codes: Codes, loss: Loss) -> None:
        self.optimizer.inject(self.space.decode(codes), loss)


class Fidelities:
    """Minimizer with its fidelities, the point recommended that it believes best at the highest."""

    def __init__(self, ladder: Ladder, seed: int) -> None:
        self.space, self.fidelities = ladder.space, ladder.fidelities
        self.optimizer = asng_core.Minimizer(ladder.space, fidelities=ladder.fidelities, continues=ladder.continues,
                                             seed=seed)
        self.candidate: Any = None

    def ask(self) -> tuple[Codes, int]:
        self.candidate = self.optimizer.ask()
        return self.candidate.codes, self.fidelities.index(self.candidate.fidelity)

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None:
        self.optimizer.tell(self.candidate, loss)

    def recommend(self) -> Codes:
        return self.space.encode(self.optimizer.recommend())
