"""Drawing points that satisfy the constraints, by rejection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arrays import Bools, Floats
from .pins import Pins, codes_of
from .search_distribution import SearchDistribution

# Infeasible draws in a row after which a space counts as too tight. Where one point in 1,000 is feasible that happens
# once in 20,000 times; each costs a call of the constraints.
MAX_REJECTED = 10_000


def quarter(n: int) -> int:
    """How many rejected draws take part in an update of `n` results, at most.

    They rank with the failures. Without them the distribution would learn from feasible draws alone and, where
    the optimum lies at a constraint, run into the infeasible side until nothing else is drawn: so end 5 of 8
    searches of the gemm table with ordered variables. With more of them it hides in the feasible middle.
    """
    return -(-n // 4)


def rejection(draw: Callable[[int], Floats], feasible: Callable[[Floats], Bools], n: int) -> tuple[Floats, Floats]:
    """`n` draws that are feasible, in the order drawn, and a quarter as many, at most, that were not.

    Raises RuntimeError after MAX_REJECTED in a row are not feasible.
    """
    kept: list[Floats] = []
    rejected: list[Floats] = []
    missing, tried, accepted, in_a_row = n, 0, 0, 0
    while missing:
        # as many as are missing; while nothing is feasible more and more, which costs less than many small calls
        draws = draw(max(missing, min(in_a_row, 1000)))
        fine = feasible(draws)
        good = np.flatnonzero(fine)
        rejected.append(draws[~fine])
        tried, accepted = tried + len(draws), accepted + len(good)
        kept.append(draws[good[:missing]])  # what is feasible beyond that is thrown away
        missing -= len(kept[-1])
        in_a_row = 0 if len(good) else in_a_row + len(draws)
        if missing and in_a_row >= MAX_REJECTED:
            raise RuntimeError(f"the constraints leave too little to draw from: {accepted} of {tried} draws satisfied "
                               f"them ({accepted / tried:.2%}), and the last {in_a_row} did not. Relax them, "
                               "or define variables so that fewer combinations are infeasible.")
    return np.concatenate(kept), np.concatenate(rejected)[: quarter(n)]


def feasible_draws(distribution: SearchDistribution, rng: np.random.Generator, n: int, pinned: Pins | None = None, *,
                   mirrored: bool = False) -> tuple[Floats, Floats]:
    """`(n, n_variables)` draws, pinned, that satisfy the constraints, and a quarter as many, at most, that do not."""
    def draw(k: int) -> Floats:
        draws = distribution.sample(k, rng, mirrored=mirrored)
        return draws if pinned is None else pinned.on(draws)

    space = distribution.space
    if not space.constraints:
        draws = draw(n)
        return draws, draws[:0]
    return rejection(draw, lambda draws: np.array([space.feasible(values) for values in space.values(
        codes_of(distribution, draws, pinned))]), n)
