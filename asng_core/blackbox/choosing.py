"""Which step to take next under noise, where a point can be evaluated at several prices; see `across_fidelities`."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Codes, Floats, Ints
from ..distribution.pins import Pins
from .archive import SIZE
from .knowledge import Step
from .learned import Learned
from .levels import Beliefs
from .memo import SpaceExhausted
from .runs import Run
from .screening import FEW, repaired
from .sources import Source, proposed
from .worth import worthiest

_LOOKED_AT = 300  # known points that are compared for the next step: those believed best
_CONFIDENCE = 2.0  # deviations, as in `noise_free`, where worth does not decide


class Choosing:
    """Reads all that is known, and draws random numbers."""

    def __init__(self, known: Learned, rng: np.random.Generator) -> None:
        self._known, self._geometry, self._rng = known, known.geometry, rng
        self._fidelities, self._n_levels = known.fidelities, len(known.fidelities.names)

    def first(self, draws: Floats, pinned: Pins | None) -> Step | None:
        """A run of the first of `(n, n_variables)` draws that is feasible and new; None if there is none."""
        new = self._known.memo.unseen(draws, pinned)
        return Step(new.draws[0], -1, self._fidelities.first) if new.keys else None

    def anything(self, pinned: Pins | None) -> Step:
        """A run of any new point. Raises SpaceExhausted if there is none."""
        draw, _ = self._known.memo.any_unseen(self._rng, pinned, self._known.history.codes)
        return Step(draw, -1, self._fidelities.first)

    def farthest(self, source: Source, pinned: Pins | None) -> Step | None:
        """A run of that draw of a source of which least is known; None if none is new."""
        first = self._fidelities.first
        draws = proposed([source], self._known.table.codes(np.arange(0)), self._geometry, self._rng)
        new = self._known.memo.unseen(draws, pinned)
        if not new.keys:
            return None
        features = self._geometry.features(new.draws)
        variances = self._known.levels.levels[first].believed(features, np.zeros(len(features)))[1]
        return Step(new.draws[int(np.argmax(variances))], -1, first)

    def best(self, sources: tuple[Source, ...], times: int, pinned: Pins | None, limit: float) -> Step | None:
        """The step that is worth most; None if what there is costs more than `limit`, or is under way."""
        steps, rows = self._going_on(pinned)
        steps += self._new(sources, times, pinned)
        if not steps:
            try:
                steps = [self.anything(pinned)]
            except SpaceExhausted:
                if not self._known.runs.open:
                    raise
        z = np.full((len(steps), self._n_levels), np.nan)
        z[: len(rows)] = self._known.levels.z[rows]
        prices = np.array([self._known.price(step) for step in steps])
        cheap = np.flatnonzero(prices <= limit)
        if not len(cheap):
            return None
        steps, z, prices = [steps[i] for i in cheap.tolist()], z[cheap], prices[cheap]
        beliefs = self._known.levels.beliefs(self._geometry.features(np.array([step.draw for step in steps])), z)
        if self._known.speculates:
            return self._bound(steps, beliefs)
        number = worthiest(self._incumbent - beliefs.means, beliefs.steps, np.array([step.to for step in steps]),
                           prices, self._ladder)
        if number < 0:
            number = int(np.argmin(beliefs.means - _CONFIDENCE * beliefs.deviations))
        return steps[number]

    def _bound(self, steps: list[Step], beliefs: Beliefs) -> Step:
        """The step of the run of the lowest bound, as `noise_free` would choose, which is not to be stopped."""
        bounds = beliefs.means - _CONFIDENCE * beliefs.deviations
        if not self._fidelities.continues:
            bounds = np.where([step.to == self._fidelities.last for step in steps], bounds, math.inf)
        return steps[int(np.argmin(bounds))]._replace(bound=True)

    @property
    def _incumbent(self) -> float:
        """z of the best point at the highest fidelity; before there is one, what is believed of the best point."""
        levels, table = self._known.levels, self._known.table
        n = len(levels.means)
        done = table.status[:n, -1] > 0
        good = done if done.any() else ~table.failed[:n] & (table.status[:n] >= 0).any(axis=1)
        return float(levels.means[good].min(initial=0.0 if not good.any() else math.inf))

    @property
    def _ladder(self) -> Floats:
        """`(n_levels, n_levels)` prices of further steps."""
        prices = np.full((self._n_levels, self._n_levels), math.inf)
        for since in range(self._n_levels - 1):
            for to in self._targets(max(since + 1, self._fidelities.first)):
                prices[since, to] = self._known.prices.step(since, to)
        return prices

    def _going_on(self, pinned: Pins | None) -> tuple[list[Step], Ints]:
        """Of known points, the next steps of paused runs, new runs of those that have none; and the points' rows."""
        known, first, last = self._known, self._fidelities.first, self._fidelities.last
        n = len(known.levels.means)  # rows after these are open
        status = known.table.status[:n]
        eligible = ~known.table.failed[:n] & (status[:, last] < 0)
        eligible[[row for number in known.runs.open.values() if (row := known.runs.all[number].row) < n]] = False
        rows = np.flatnonzero(eligible)
        if pinned is not None and len(rows):
            rows = rows[pinned.fit(known.table.codes(rows))]
        rows = rows[np.argsort(known.levels.means[rows], kind="stable")[:_LOOKED_AT]]
        lowest = np.maximum(first, last + 1 - np.argmax(status[rows, ::-1] >= 0, axis=1))  # above what is known
        lowest[(status[rows] < 0).all(axis=1)] = first
        paused: dict[int, tuple[int, Run]] = {}  # row -> the farthest run
        for number, run in known.runs.paused.items():
            if run.row not in paused or paused[run.row][1].reached < run.reached:
                paused[run.row] = number, run
        draws = self._geometry.distribution.draws(known.table.codes(rows))
        steps, chosen = list[Step](), list[int]()
        for row, draw, low in zip(rows.tolist(), draws, lowest.tolist(), strict=True):
            number = -1
            if row in paused:
                number, run = paused[row]
                draw = run.draw
            for to in self._targets(low):
                steps.append(Step(draw, number, to))
                chosen.append(row)
        return steps, np.array(chosen, dtype=np.int64)

    def _targets(self, lowest: int) -> range:
        """Levels that a step may lead to: the next one, or where nothing is gained by passing that, any."""
        return range(lowest, lowest + 1 if self._fidelities.continues else self._n_levels)

    @property
    def parents(self) -> Codes:
        """`(k, n_variables)` codes of the points believed best, from the best on."""
        levels, table = self._known.levels, self._known.table
        n = len(levels.means)
        good = np.flatnonzero(~table.failed[:n] & (table.status[:n] >= 0).any(axis=1))
        return table.codes(good[np.argsort(levels.means[good], kind="stable")[:SIZE]])

    def _new(self, sources: tuple[Source, ...], times: int, pinned: Pins | None) -> list[Step]:
        """Runs of new points."""
        parents = self.parents
        new = self._known.memo.unseen(proposed(sources, parents, self._geometry, self._rng, times=times), pinned)
        draws = new.draws
        if len(new.keys) < FEW and len(new.infeasible) and len(parents):
            more = repaired(self._geometry, self._rng, new.infeasible, parents, pinned)
            draws = np.concatenate([draws, self._known.memo.unseen(more, pinned, frozenset(new.keys)).draws])
        return [Step(draw, -1, to) for draw in draws for to in self._targets(self._fidelities.first)]
