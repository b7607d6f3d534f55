"""Drawing points that satisfy the constraints, by rejection as long as that finds some."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Codes, Floats
from .geometry import Geometry
from .pins import Pins, feasible, pinned_on
from .repair import anchored, searched, towards, walk
from .search_distribution import SearchDistribution

MAX_REJECTED = 1000  # in a row, after which draws are repaired: each costs a call of the constraints


class TooTight(RuntimeError):
    """No feasible point was found."""


def quarter(n: int) -> int:
    """How many rejected draws take part in an update of `n` results, at most.

    They rank with the failures. Without them the distribution would learn from feasible draws alone and, where
    the optimum lies at a constraint, run into the infeasible side until nothing else is drawn: so end 5 of 8
    searches of the gemm table with ordered variables. With more of them it hides in the feasible middle.
    """
    return -(-n // 4)


def feasible_draws(distribution: SearchDistribution, rng: np.random.Generator, n: int, pinned: Pins | None = None, *,
                   mirrored: bool = False, known: Codes | Sequence[Codes] = ()) -> tuple[Floats, Floats]:
    """`(n, n_variables)` draws, pinned, that satisfy the constraints, and a quarter as many, at most, that do not.

    Where too few are feasible, draws are moved towards a feasible point until they are.

    known: `(k, n_variables)` codes of feasible points, if any.

    Raises TooTight where no feasible point is found.
    """
    def draw(k: int) -> Floats:
        return pinned_on(distribution.sample(k, rng, mirrored=mirrored), pinned)

    if not distribution.space.constraints:
        draws = draw(n)
        return draws, draws[:0]
    kept: list[Floats] = []
    rejected: list[Floats] = []
    missing, tried, accepted, in_a_row = n, 0, 0, 0
    while missing and in_a_row < MAX_REJECTED:
        # as many as are missing; while nothing is feasible more and more, which costs less than many small calls
        draws = draw(max(missing, min(in_a_row, MAX_REJECTED)))
        fine = feasible(distribution, draws, pinned)
        good = np.flatnonzero(fine)
        rejected.append(draws[~fine])
        tried, accepted = tried + len(draws), accepted + len(good)
        kept.append(draws[good[:missing]])  # what is feasible beyond that is thrown away
        missing -= len(kept[-1])
        in_a_row = 0 if len(good) else in_a_row + len(draws)
    infeasible = np.concatenate(rejected)
    if missing:
        geometry = Geometry(distribution)
        anchors = _anchors(geometry, rng, pinned, kept, known)
        if anchors is None:
            raise TooTight(f"the constraints leave too little to draw from: {accepted} of {tried} draws satisfied "
                           f"them ({accepted / tried:.2%}), the last {in_a_row} did not, and no search found a "
                           "point that does. Relax them, inject() a feasible point, or define variables so that "
                           "fewer combinations are infeasible.")
        chosen = anchors[rng.integers(len(anchors), size=missing)]
        repaired = towards(geometry, infeasible[-missing:], chosen, rng, pinned)
        if len(distribution.space.constraints.predicates) > 1:  # one alone does not say how far it is from satisfied
            for row in np.flatnonzero((repaired == chosen).all(axis=1)).tolist():
                if len(ended := walk(geometry, infeasible[row - missing][None], rng, pinned)):
                    repaired[row] = ended[0]
        kept.append(repaired)
    return np.concatenate(kept), infeasible[: quarter(n)]


def _anchors(geometry: Geometry, rng: np.random.Generator, pinned: Pins | None, kept: list[Floats],
             known: Codes | Sequence[Codes]) -> Floats | None:
    """`(k, n_variables)` feasible draws: those just drawn, those known, or else those that a search finds."""
    if any(map(len, kept)):
        return np.concatenate(kept)
    if len(near := anchored(geometry, pinned, known)):
        return near
    return next((draws for draws in searched(geometry, rng, pinned) if len(draws)), None)
