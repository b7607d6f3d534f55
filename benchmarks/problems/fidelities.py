"""One run of one method on learning curves: what it recommends, against what it has spent."""

from __future__ import annotations

import time
from typing import Any

from ..rivals import ENTRIES
from ..rivals import FIDELITIES as CLIMBERS
from ..rivals.fidelities import Climber, HighestAlone, Ladder
from . import curves as problems
from .curves import FIDELITIES, Curves

# full trainings; a training more or less between the checkpoints, so that equal scores can be compared by their costs
GRID = (1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 23, 26, 30, 35, 40, 45, 50, 60, 70, 80, 90,
        100, 115, 130)
FREE = 20  # known answers in a row that cost nothing, as in `runs`


class Account:
    """What trainings cost: nothing for a loss that is known, the difference for one that goes on."""

    def __init__(self, curves: Curves) -> None:
        self.curves, self.known, self.free = curves, dict[int, set[int]](), 0

    def price(self, row: int, fidelity: int) -> int:
        """Of training that row up to that fidelity, which is then known. After `FREE` in a row the whole price."""
        known = self.known.setdefault(row, set())
        self.free = self.free + 1 if fidelity in known else 0
        if fidelity in known and self.free <= FREE:
            return 0
        below = [FIDELITIES[position] for position in known if position < fidelity] if self.curves.continues else []
        cost = FIDELITIES[fidelity] - max(below, default=0)
        known.add(fidelity)
        return cost


def run(method: str, table: str, seed: int, budget: int) -> dict[str, Any]:
    """Scores of the recommended point at those of `GRID` that are within the budget, both in full trainings."""
    start, curves = time.perf_counter(), problems.curves(table)
    climber = made(method, Ladder(curves.space, FIDELITIES, curves.continues, budget), seed)
    account, spent, scores = Account(curves), 0, list[float]()
    left = [point * FIDELITIES[-1] for point in GRID if point <= budget]
    while left:
        codes, fidelity = climber.ask()
        row = curves.row(codes)
        spent += account.price(row, fidelity)
        while left and left[0] < spent:  # this training has not ended then
            scores.append(round(curves.score(curves.row(climber.recommend())), 4))
            left.pop(0)
        climber.tell(codes, fidelity, float(curves.losses[row, fidelity]))
    return {"score": scores, "seconds": round(time.perf_counter() - start, 2)}


def made(method: str, ladder: Ladder, seed: int) -> Climber:
    """The method; one of a single fidelity trains in full."""
    kind: Any = ENTRIES[method].load()
    return kind(ladder, seed) if method in CLIMBERS else HighestAlone(kind, ladder, seed)
