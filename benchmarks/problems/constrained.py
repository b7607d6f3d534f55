"""Constraints that draws hardly ever satisfy, or that only an evaluation tells of; and runs under them.

    at most 10 of 50, exactly 5 of 40, exactly 30 of 300    booleans, so many of which are true
    three knapsacks of 60                                   booleans; each holds a quarter of the items' weight
    twelve integers                                         0 to 20 each, in sum at most 20: 3 points in 10^8

What is maximized is a sum of profits of variables and, of either sign, of pairs of them; what a profit costs is the
constraint. A seed draws an instance. Rivals are given `repair`, which makes any point feasible; ours the rule alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from asng_core import Boolean, Integer, Space, Variable
from asng_core.arrays import Codes, Floats

from ..rivals import ENTRIES, Setting
from . import runs
from .tables import table as table_of

GRID = (30, 50, 100, 200, 300)  # evaluations
PAIRS = 3  # of each variable


@dataclass(frozen=True)
class Bounded:
    """costs (m, n) times codes are at most, or exactly, the capacities (m,); profits (n,), pairs (n, n)."""

    space: Space
    costs: Floats
    capacities: Floats
    exactly: bool
    profits: Floats
    pairs: Floats

    def loss(self, codes: Codes) -> float:
        gained = np.sqrt(codes / (self.space.sizes - 1))  # the first unit brings the most
        return -float(self.profits @ gained + gained @ self.pairs @ gained)

    def satisfied(self, values: Mapping[str, Any]) -> bool:
        """The rule, of the user's values."""
        spent = self.costs @ np.fromiter(values.values(), dtype=np.float64, count=len(values))
        return bool((spent == self.capacities if self.exactly else spent <= self.capacities).all())

    def repair(self, codes: Codes, rng: np.random.Generator) -> Codes:
        """Units taken away at random where too much is spent; added, where all must be."""
        codes = np.array(codes)
        while (over := self.costs @ codes > self.capacities).any():
            codes[rng.choice(np.flatnonzero((codes > 0) & (self.costs[over] > 0).any(axis=0)))] -= 1
        while self.exactly and (self.costs @ codes < self.capacities).any():
            codes[rng.choice(np.flatnonzero(codes < self.space.sizes - 1))] += 1
        return codes

    def setting(self, budget: int) -> Setting:
        return Setting(self.space, budget, constraint=self.satisfied, repair=self.repair)


def _drawn(variables: list[Variable], costs: Floats, capacities: Floats, rng: np.random.Generator, *,
           exactly: bool = False) -> Bounded:
    n = len(variables)
    pairs = np.where(rng.random((n, n)) < PAIRS / n, rng.standard_normal((n, n)), 0.0)
    return Bounded(Space({f"x{i}": variable for i, variable in enumerate(variables)}), costs, capacities, exactly,
                   rng.uniform(0.5, 1.5, n), pairs)


def _chosen(n: int, k: int, rng: np.random.Generator, *, exactly: bool) -> Bounded:
    return _drawn([Boolean() for _ in range(n)], np.ones((1, n)), np.array([float(k)]), rng, exactly=exactly)


def _knapsacks(n: int, m: int, rng: np.random.Generator) -> Bounded:
    weights = rng.integers(1, 101, (m, n)).astype(np.float64)
    return _drawn([Boolean() for _ in range(n)], weights, np.floor(weights.sum(axis=1) / 4), rng)


_MADE: dict[str, Callable[[np.random.Generator], Bounded]] = {
    "at most 10 of 50": lambda rng: _chosen(50, 10, rng, exactly=False),
    "exactly 5 of 40": lambda rng: _chosen(40, 5, rng, exactly=True),
    "exactly 30 of 300": lambda rng: _chosen(300, 30, rng, exactly=True),
    "three knapsacks of 60": lambda rng: _knapsacks(60, 3, rng),
    "twelve integers": lambda rng: _drawn([Integer(0, 20) for _ in range(12)], np.ones((1, 12)), np.array([20.0]), rng),
}
HARD = tuple(_MADE)


def instance(problem: str, seed: int) -> Bounded:
    """That of a seed; with its own random numbers, since methods draw theirs from the seed alone."""
    return _MADE[problem](np.random.default_rng([seed, 4]))


@cache
def reference(problem: str, seed: int) -> float:
    """The median loss of 100 random points, repaired."""
    made, rng = instance(problem, seed), np.random.default_rng([seed, 5])
    return float(np.median([made.loss(made.setting(0).random(rng)) for _ in range(100)]))


def hard(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """The "best" loss after those evaluations of `GRID` that are at most the budget; each repeat paid for."""
    start, made, best, kept = time.perf_counter(), instance(table, seed), np.inf, []
    optimizer = ENTRIES[method].load()(made.setting(budget), seed)
    for n in range(1, budget + 1):
        codes = optimizer.ask()
        if not made.satisfied(made.space.decode(codes)):
            raise RuntimeError(f"{method} asked an infeasible point of {table}.")
        loss = made.loss(codes)
        optimizer.tell(codes, loss)
        best = min(best, loss)
        if n in GRID:
            kept.append(best)
    return {"best": kept, "seconds": round(time.perf_counter() - start, 2)}


def failing(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """A table of GPU kernels whose rules nobody is told: an invalid one is paid for, and told as NaN.

    "score" at the evaluations of `runs.GRID`, 0 before there is any; "failed", how many evaluations.
    """
    start, data, best, kept, failed = time.perf_counter(), table_of(table), np.inf, [], 0
    optimizer = ENTRIES[method].load()(Setting(data.space, budget), seed)
    for n in range(1, budget + 1):
        codes = optimizer.ask()
        loss = float(data.losses[int(data.index(codes)), 0])
        optimizer.tell(codes, loss)
        failed, best = failed + int(np.isnan(loss)), np.fmin(best, loss)
        if n in runs.GRID:
            kept.append(round(data.score(best), 4) if np.isfinite(best) else 0.0)
    return {"score": kept, "failed": failed, "seconds": round(time.perf_counter() - start, 2)}


def run(kind: str, **task: Any) -> dict[str, Any]:
    return (hard if kind == "hard" else failing)(**task)
