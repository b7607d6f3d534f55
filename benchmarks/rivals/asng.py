"""Ours: plain ASNG, and the Minimizer built on it."""

from __future__ import annotations

from typing import ClassVar

from asng_core import ASNG, Candidate

from . import Codes, Loss, Open, Setting


class Plain:
    """The paper's method, the mode recommended."""

    lacks: ClassVar[frozenset[str]] = frozenset({"constrained", "two-objectives"})

    def __init__(self, setting: Setting, seed: int) -> None:
        self.optimizer = ASNG(setting.space, seed=seed)
        self.open: Open[Candidate] = Open()

    def ask(self) -> Codes:
        candidate = self.optimizer.ask()
        self.open.put(candidate.codes, candidate)
        return candidate.codes

    def tell(self, codes: Codes, loss: Loss) -> None:
        self.optimizer.tell(self.open.pop(codes), loss)

    def add(self, codes: Codes, loss: Loss) -> None:
        """It has no way to take it."""

    def recommend(self) -> Codes:
        return self.optimizer.space.encode(self.optimizer.recommend())
