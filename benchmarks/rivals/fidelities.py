"""Optimizers that evaluate at several fidelities, behind one Protocol, and those of one fidelity among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from asng_core import Space
from asng_core.arrays import Codes

from . import Method, Setting


@dataclass(frozen=True)
class Ladder:
    """What such a method may know of the problem beforehand.

    fidelities: increasing; each is what a training up to there costs from its beginning.
    continues: a training goes on from a lower fidelity and pays the difference.
    budget: in full trainings.
    """

    space: Space
    fidelities: tuple[int, ...]
    continues: bool
    budget: float

    def nearest(self, fidelity: float) -> int:
        """The position of a library's own figure."""
        return int(np.abs(np.array(self.fidelities) - fidelity).argmin())


class Climber(Protocol):
    """One optimizer by ask and tell, one point and fidelity at a time; fidelities by their positions."""

    def __init__(self, ladder: Ladder, seed: int) -> None: ...

    def ask(self) -> tuple[Codes, int]: ...

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None: ...

    def recommend(self) -> Codes:
        """The point to train in full and use, were the search to end now."""


class HighestSeen:
    """Recommends the best point of the highest fidelity that any has reached."""

    best_codes: Codes
    best: tuple[int, float] = (0, np.inf)  # minus the fidelity, loss

    def see(self, codes: Codes, fidelity: int, loss: float) -> None:
        if (-fidelity, loss) < self.best:
            self.best_codes, self.best = codes, (-fidelity, loss)

    def recommend(self) -> Codes:
        return self.best_codes


class HighestAlone:
    """A method of one fidelity: every training is a full one."""

    def __init__(self, method: type[Method], ladder: Ladder, seed: int) -> None:
        self.method = method(Setting(ladder.space, int(ladder.budget)), seed)
        self.highest = len(ladder.fidelities) - 1

    def ask(self) -> tuple[Codes, int]:
        return self.method.ask(), self.highest

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None:
        self.method.tell(codes, loss)

    def recommend(self) -> Codes:
        return self.method.recommend()
