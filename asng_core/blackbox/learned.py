"""Knowledge under noise, with a model of its own that is told of all that comes in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Codes, Floats, Ints
from ..distribution.geometry import Geometry
from ..distribution.search_distribution import n_variables
from .fidelities import Fidelities
from .gaussian_process import length_scales
from .kernel import Kernel, rational_quadratic, squared_exponential
from .knowledge import Knowledge, Step
from .levels import Levels
from .posterior import Posterior

_NOISES = (0.01, 0.1, 0.3, 1.0)  # of a level, relative to the amplitude: also of what no neighbour tells
_RISKED = 0.35  # of an evaluation at the highest fidelity: nine or so beginnings
_SHARE = 0.1  # of the cost of runs that reach the highest fidelity
_FREE = 3.0  # times that what costs nothing is taken to cost less than what is above it


class Learned(Knowledge):
    """levels: the model."""

    def __init__(self, geometry: Geometry, fidelities: Fidelities) -> None:
        super().__init__(geometry, fidelities, once=False)
        ratios = [above / below if below else _FREE for below, above in pairwise(fidelities.costs)]
        self.levels = Levels([_posterior(geometry) for _ in fidelities.names], ratios)
        self._fitted = 0  # rows of the history that the model knows of

    def begin(self, number: int, step: Step, codes: Codes) -> None:
        super().begin(number, step, codes)
        row = self.runs.of(number)[1].row
        self.levels.add(step.to, row, self.table.features[row])

    def _take(self, number: int, codes: Codes, loss: float, violation: float, level: int, run: int) -> None:
        super()._take(number, codes, loss, violation, level, run)
        row = self.table.row(codes, number if run < 0 else run)
        self.levels.observe(level, row, self.table.features[row])

    def learn(self, rng: np.random.Generator | None = None) -> None:
        """Let the model know of all that has come in; with `rng` it acts on some of what may be, see `Levels`."""
        if self._fitted < len(self.history):
            uniforms = None if rng is None else rng.random(len(self.levels.levels))
            self.levels.fit(self.table.features, self.table.losses, self.table.status, uniforms)
            self._fitted = len(self.history)

    @property
    def speculates(self) -> bool:
        """Whether what was spent on runs that may never reach the highest fidelity is as much as is to be risked.

        That is a part of an evaluation there to begin with, and a share of what the others cost: by the odds that the
        low fidelities are good for anything, squared, since what is to be lost is known and what is to be won is not;
        and no more than _SHARE, since what tells the good from the bad may not tell the best from each other.
        """
        share = min(self.levels.odds() ** 2, _SHARE)
        return self.spent - self.firm > _RISKED * self.prices.whole(self.fidelities.last) + share * self.firm

    # as a model; what is told is not the truth

    def of_known(self, rows: Ints) -> tuple[Floats, Floats]:
        unknown = np.full((len(rows), len(self.levels.levels)), np.nan)
        beliefs = self.levels.beliefs(self.table.features[rows], unknown)
        return beliefs.means, beliefs.deviations

    def losses(self, z: Floats) -> Floats | None:
        return self.levels.levels[-1].losses(z)

    def believed_best(self) -> tuple[Codes, float, float, int] | None:
        """See `recommended`. What is learned for it is forgotten, so that asking moves no search."""
        mark, fitted = self.levels.mark(), self._fitted
        try:
            self._fitted = -1  # not as it was acted on
            self.learn()
            return self.recommended(self)
        finally:
            self.levels.back(mark)
            self._fitted = fitted

    # state

    def mark(self) -> tuple[Any, ...]:
        return super().mark(), self.levels.mark(), self._fitted

    def back(self, mark: tuple[Any, ...]) -> None:
        known, levels, self._fitted = mark
        super().back(known)
        self.levels.back(levels)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "levels": self.levels.state(), "fitted": self._fitted}

    def load(self, state: Mapping[str, Any]) -> None:
        super().load(state)
        self.levels.load(state["levels"], len(self.table))
        self._fitted = checks.integer("fitted", state["fitted"], minimum=0)
        if self._fitted > len(self.history):
            raise ValueError("the model has learned of more than the history holds.")


def _posterior(geometry: Geometry) -> Posterior:
    space = geometry.distribution.space
    shape = squared_exponential if space.continuous.any() else rational_quadratic
    kernel = Kernel(geometry.variables, n_variables(space), length_scales(geometry.spacing), _NOISES, shape=shape)
    return Posterior(kernel, len(geometry.variables))
