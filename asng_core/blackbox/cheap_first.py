"""What to ask without noise: what would be asked without fidelities, corrected by cheap evidence, which is found out
first where it pays."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Floats
from ..distribution.pins import Pins, codes_of
from ..distribution.search_distribution import SearchDistribution
from .agreement import Agreement
from .alone import Alone
from .knowledge import Knowledge, Step
from .memo import SpaceExhausted

_TRIES = 5  # points that are being evaluated already
_LOOKED_AT = 300  # points known at low fidelities: those believed best
_PAIRS = 6  # results at the highest fidelity before cheap ones are paid for: before, what they say is a guess
# what may be spent on runs that are not bound to reach the highest, in evaluations there and as a share of what the
# others cost, times a power of the trust in the fidelity below it: a correlation of 0.5 hardly pays
_FREE, _SHARE, _POWER = 2.0, 1.0, 3


class _Judge:
    """Bounds of candidates by all fidelities. lowest: of those judged last, inf before."""

    def __init__(self, known: Knowledge, agreement: Agreement, distribution: SearchDistribution, pinned: Pins | None,
                 confidence: float) -> None:
        self._known, self.agreement, self._confidence = known, agreement, confidence
        self._distribution, self._pinned = distribution, pinned
        self.lowest = math.inf

    def __call__(self, draws: Floats, bounds: Floats) -> Floats:
        table, z = self._known.table, np.full((len(draws), len(self.agreement.levels)), np.nan)
        codes = codes_of(self._distribution, draws, self._pinned)
        rows = np.array([-1 if row is None else row for row in map(table.find, codes)])
        z[rows >= 0] = self.agreement.z[rows[rows >= 0]]
        found = self.bounds(self._known.geometry.features(draws), z)
        found[rows >= 0] += np.where(self._known.under_way[rows[rows >= 0]], math.inf, 0.0)  # they will soon say more
        self.lowest = float(found.min())
        return found

    def bounds(self, features: Floats, z: Floats) -> Floats:
        """`(m,)`; see `Agreement.beliefs`."""
        means, deviations = self.agreement.beliefs(features, z)
        return np.asarray(means - self._confidence * deviations)


class CheapFirst:
    """confidence: standard deviations below its mean that a point is credited with."""

    def __init__(self, known: Knowledge, alone: Alone, distribution: SearchDistribution, rng: np.random.Generator,
                 confidence: float) -> None:
        self._known, self._alone, self._distribution, self._rng = known, alone, distribution, rng
        self._confidence = confidence

    def step(self, number: int, pinned: Pins | None, limit: float) -> Step | None:
        """What the candidate of this number is to be; None if all there is waits for results, or costs more.

        Raises SpaceExhausted if there is nothing left.
        """
        known, alone, agreement = self._known, self._alone, self.agreement()
        mark, generator = alone.mark(), self._rng.bit_generator.state
        pays, judge = self._pays(agreement), None
        if pays or known.partial.any():
            judge = _Judge(known, agreement, self._distribution, pinned, self._confidence)
        step = self._drawn(number, pinned, judge)
        judged = judge is not None and math.isfinite(judge.lowest)
        rival = self._rival(judge, pinned) if judge is not None and judged else None
        chosen = step if rival is None else rival
        if chosen is None:
            return None
        if judged and pays and chosen.to < known.fidelities.last:
            chosen = chosen._replace(bound=False)  # when that is known it is asked about again
        affordable = known.price(chosen) <= limit
        if affordable and chosen.bound and rival is None:
            alone.asked(number if chosen.run < 0 else chosen.run, number)
        else:
            alone.back(mark)
            self._rng.bit_generator.state = generator
        return chosen if affordable else None

    def agreement(self) -> Agreement:
        """Of all that is known."""
        table = self._known.table
        return Agreement(self._alone.kernel, table.features, table.losses, table.status)

    def _pays(self, agreement: Agreement) -> bool:
        """Whether a cheap result may be paid for."""
        known, last = self._known, self._known.fidelities.last
        top, trust = agreement.levels[-1], 0.0
        if top is not None and known.fidelities.continues and (known.table.status[:, last] >= 0).sum() >= _PAIRS:
            trust = max(top.correlation, 0.0) ** _POWER
        return known.spent - known.firm < trust * (_FREE * known.prices.whole(last) + _SHARE * known.firm)

    def _drawn(self, number: int, pinned: Pins | None, judge: _Judge | None) -> Step | None:
        """What would be asked without fidelities, on its way to the highest; None if it is being evaluated."""
        for _ in range(_TRIES):
            mark = self._alone.mark()
            try:
                draw = self._alone.draw(number, pinned, judge)
            except SpaceExhausted:
                if not self._known.runs.open:
                    raise
                return None
            row = self._known.table.find(codes_of(self._distribution, draw[None], pinned)[0])
            if row is None or not self._known.under_way[row]:
                return self._towards(draw, row)
            self._alone.back(mark)
        return None

    def _rival(self, judge: _Judge, pinned: Pins | None) -> Step | None:
        """A point of lower bound than what was judged, that cheap evidence is known of; None if there is none."""
        table = self._known.table
        rows = np.flatnonzero(self._known.partial & ~self._known.under_way)
        if pinned is not None:
            rows = rows[pinned.fit(table.codes(rows))]
        if not len(rows):
            return None
        rows = rows[np.argsort(judge.agreement.means[rows], kind="stable")[:_LOOKED_AT]]
        bounds = judge.bounds(table.features[rows], judge.agreement.z[rows])
        best = int(np.argmin(bounds))
        if bounds[best] >= judge.lowest:
            return None
        return self._towards(self._distribution.draws(table.codes(rows[best : best + 1]))[0], int(rows[best]))

    def _towards(self, draw: Floats, row: int | None) -> Step:
        """The next step of a point's run to the highest fidelity."""
        known, fidelities = self._known, self._known.fidelities
        if not fidelities.continues:
            return Step(draw, -1, fidelities.last, True)
        paused = [(run.reached, number) for number, run in known.runs.paused.items() if run.row == row]
        if paused:
            reached, number = max(paused)
            return Step(known.runs.all[number].draw, number, reached + 1, True)
        lowest = -1 if row is None else int(np.flatnonzero(known.table.status[row] >= 0).max(initial=-1))
        return Step(draw, -1, max(lowest + 1, fidelities.first), True)
