"""What is looked for within one limit: the evidence of all prices on its architectures, and what to train next."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from asng_core import ASNG, Candidate, Minimizer, Space, SpaceExhausted
from asng_core.blackbox.under_noise import Estimate

from ..search.budget import Budget
from ..supernet.architecture import Architecture

_DRAWN = 5
COST, SHARED = "multiply-adds", "shared weights"  # fidelities that cost nothing: what is known of every architecture


class Goal:
    """A `Minimizer` over the architectures within a budget's limit, whose fidelities are cost, the loss under shared
    weights, and so many epochs of a training."""

    def __init__(self, budget: Budget, space: Space, epochs: Sequence[int], seed: int) -> None:
        self.budget = budget
        self.space = space if budget.cost is None else limited(space, budget)
        self._seed = seed
        self.minimizer = Minimizer(self.space, seed=seed, fidelities={
            COST: 0, SHARED: 0, **{number: float(number) for number in epochs}})

    def candidates(self, n: int) -> list[dict[str, Any]]:
        """Up to `n` distinct architectures: half of the search's distribution, half from anywhere."""
        # copies, as what the search would draw next is its own
        likely = [each for each in copy.deepcopy(self.budget.optimizer).sample(n) if self.space.feasible(each)]
        found = {tuple(each.codes.tolist()): dict(each) for each in likely[: n // 2]}
        for each in ASNG(self.space, seed=self._seed).sample(_DRAWN * n):  # which miss few, even of a space of n
            if len(found) < n:
                found.setdefault(tuple(each.codes.tolist()), dict(each))
        return list(found.values())

    def ask(self, epochs: float) -> Candidate | None:
        """What to train next for at most so many epochs; None if that is nothing, or all is trained."""
        try:
            return next(iter(self.minimizer.ask(1, max_cost=max(epochs, 0.0))), None)
        except SpaceExhausted:
            return None

    def learn(self, architecture: Architecture, losses: Mapping[Any, float]) -> None:
        """Take what was found out elsewhere, if it is within the limit: fidelity -> loss."""
        if self.space.feasible(architecture):
            for fidelity, loss in losses.items():
                self.minimizer.inject(architecture, loss, fidelity=fidelity)

    def estimate(self) -> Estimate | None:
        """What the architecture to derive is believed to reach; None before anything was trained in full."""
        return self.minimizer.estimate() if self.minimizer.best is not None else None


def limited(space: Space, budget: Budget) -> Space:
    """The part of a space that is within the budget's limit."""
    active_if = space.conditions.values(space.variables) if space.conditions else None
    return Space(space.variables, active_if=active_if,
                 constraints=[*space.constraints.predicates, partial(_within, budget)])


def _within(budget: Budget, architecture: Architecture) -> bool:
    return budget.cost is None or budget.cost(architecture) <= budget.limit
