"""The policy where a point can be evaluated at several prices: which point, at which fidelity, and which run goes on.

    symbol    variable            meaning
    theta     distribution        the search distribution, drawn from and moved as in ASNG
    H         knowledge.history   every evaluation, at whatever fidelity
    P         knowledge.levels    one posterior over points and fidelities, see `levels`
    worth                         the largest ratio of expected improvement at the highest fidelity to cost, see `worth`

To ask:
    1. While fewer than n_initial points are known: of some draws of theta the one that P knows least of.
    2. Steps to choose from (`choosing`): each paused run to the next fidelity; each known point without one, from
       scratch; and new points, as in `noise_free` proposed by theta, recombination and neighbourhood of those believed
       best.
    3. The step of the highest worth, while no more was spent on runs that may never reach the highest fidelity than is
       to be risked (see `Knowledge.speculates`); with the probability with which `noise_free` does not ask its model,
       as the search stalls, a new point unscreened. Else a run that goes on to the end: of what `noise_free` would ask
       if there were no other fidelity (`alone`), or of the lowest bound under P.
When told:
    4. The result enters H and P. A run that failed is over, and so is one at the highest fidelity. Of the paused ones
       some that are believed best can be continued; of the others the state may be dropped.
    5. population_size results: theta takes a step by what P believes of the runs that began with them.
Reported: as told, and the run goes on if its next step is the one that would be asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from ..ask_tell.candidate import Batch
from ..ask_tell.late import Past, free_variables
from ..ask_tell.policy import Policy, learn
from ..ask_tell.results import Gathered, Told
from ..distribution.geometry import Geometry
from ..distribution.pins import Pins, codes_of
from ..distribution.rejection import feasible_draws
from ..distribution.search_distribution import SearchDistribution
from .alone import Alone
from .archive import doubt
from .choosing import Choosing
from .fidelities import Fidelities
from .history import History
from .knowledge import Knowledge, Step
from .memo import SpaceExhausted
from .noise_free import NoiseFree
from .screening import MOST
from .sources import INITIAL, SOURCES, UNSCREENED, UNSCREENED_OF_REALS, Source, proposed
from .under_noise import Estimate

_ALONE = NoiseFree()


@dataclass(frozen=True)
class AcrossFidelities:
    """The mechanisms, and their constants; as in `NoiseFree`.

    n_initial: points before the model has a say, at least and at most; else so many as cost a third of an evaluation at
        the highest fidelity. alone: what is asked without fidelities.
    """

    sources: tuple[Source, ...] = SOURCES
    initial: Source = INITIAL
    unscreened: tuple[Source, ...] = UNSCREENED
    unscreened_of_reals: tuple[Source, ...] = UNSCREENED_OF_REALS
    n_initial: tuple[int, int] = (3, 9)
    alone: NoiseFree = _ALONE
    learns: bool = True
    work: int = 400

    def policy(self, distribution: SearchDistribution, rng: np.random.Generator, fidelities: Fidelities, *,
               noisy: bool) -> AcrossFidelitiesPolicy:
        return AcrossFidelitiesPolicy(self, distribution, rng, fidelities, noisy=noisy)


class AcrossFidelitiesPolicy(Policy):
    """See the top of this file."""

    draws_when_told = True  # of reports

    def __init__(self, mechanisms: AcrossFidelities, distribution: SearchDistribution, rng: np.random.Generator,
                 fidelities: Fidelities, *, noisy: bool) -> None:
        self._mechanisms, self._distribution, self._rng = mechanisms, distribution, rng
        self._geometry = Geometry(distribution)
        self.knowledge = Knowledge(self._geometry, fidelities, once=not noisy)
        self._choosing = Choosing(self.knowledge, rng)
        self._alone = None if noisy else Alone(mechanisms.alone, distribution, rng, self.knowledge)
        continuous = bool(distribution.space.continuous.any())
        self._unscreened = mechanisms.unscreened_of_reals if continuous else mechanisms.unscreened

        whole, first = (fidelities.costs[i] for i in (fidelities.last, fidelities.first))
        self._n_initial = min(max(round(whole / (3 * first)), mechanisms.n_initial[0]), mechanisms.n_initial[1])

    @property
    def history(self) -> History:
        return self.knowledge.history

    def mark(self) -> tuple[Any, ...]:
        return self.knowledge.mark(), None if self._alone is None else self._alone.mark()

    def back(self, mark: tuple[Any, ...]) -> None:
        knowledge, alone = mark
        self.knowledge.back(knowledge)
        if self._alone is not None:
            self._alone.back(alone)

    # asking

    def propose(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool,
                limit: float = math.inf) -> tuple[Floats, Floats]:
        """limit: of what the candidates cost in all; there may be none so cheap."""
        rejected, drawn = np.empty((0, len(self._geometry.sizes))), list[Step | None]([None] * n)
        if mirrored:
            draws, rejected = feasible_draws(self._distribution, self._rng, n, pinned, mirrored=True,
                                             known=self.history.codes)
            drawn = [Step(draw, -1, self.knowledge.fidelities.first) for draw in draws]
        chosen: list[Floats] = []
        for number, given in enumerate(drawn, first_id):
            try:
                step = given or self._next(number, pinned, limit)
            except SpaceExhausted:
                if not chosen:
                    raise
                break
            if step is None or (price := self._choosing.price(step)) > limit:
                break
            limit -= price
            codes = codes_of(self._distribution, step.draw[None], pinned)[0]
            self.knowledge.begin(number, step, codes)
            chosen.append(step.draw)
        return np.array(chosen).reshape(-1, rejected.shape[1]), rejected

    def _next(self, number: int, pinned: Pins | None, limit: float = math.inf) -> Step | None:
        """The step to take by the candidate of this number; None if there is none for now, or none so cheap."""
        known, mechanisms = self.knowledge, self._mechanisms
        known.learn(self._rng)
        if pinned is None and (step := self._choosing.promised(limit)) is not None:
            return step
        if self._alone is not None and len(known.table) >= self._n_initial and known.speculates and (
                sum(run.bound for run in known.runs.all.values()) % 2 == 0):  # by turns
            mark = self._alone.mark()
            step = self._alone.step(number, pinned)
            if step is not None and self._choosing.price(step) <= limit:
                return step
            self._alone.back(mark)
        if len(known.table) < self._n_initial and (step := self._choosing.farthest(mechanisms.initial, pinned)):
            return step
        return self._unscreened_one(pinned) or self._choosing.best(
            mechanisms.sources, min(max(mechanisms.work // len(known.table), 1), MOST), pinned, limit)

    def _unscreened_one(self, pinned: Pins | None) -> Step | None:
        """A new point that the model is not asked about; None if it is the model's turn, or nothing new is found."""
        known = self.knowledge
        # in evaluations at the highest fidelity
        stalled = int((known.spent - known.improved_at) / known.prices.whole(known.fidelities.last))
        if math.isinf(known.least) or not stalled or self._rng.random() >= doubt(
                stalled, self._distribution.family.n_theta):
            return None
        source = self._unscreened[int(self._rng.random() * len(self._unscreened))]
        parents = self._choosing.parents[: None if source.of_all else 1]
        return self._choosing.first(proposed([source], parents, self._geometry, self._rng), pinned)

    def presented(self, batch: Batch) -> Batch:
        return batch.staged([self.knowledge.stage(number) for number in batch.ids if number is not None])

    # telling

    def losses(self, value: object, n: int | None) -> list[Any]:
        found = self.history.checked_losses(value, n)
        if any(isinstance(each, tuple) for each in found):
            raise ValueError("a loss must be one number with fidelities, which are of one objective alone.")
        return found

    def counts(self, number: int) -> bool:
        known = self.knowledge
        reached = (known.runs.of(number)[1].target if number in known.runs.open
                   else int(self.history.fidelities[self.history.rows(np.array([number]))[0]]))  # it was reported
        return reached == known.fidelities.last

    def told(self, results: list[Told]) -> None:
        for each in results:
            if each.id in self.knowledge.runs.open:  # else it was reported
                self._heard(each, self.knowledge.runs.of(each.id)[1].target)
        self.knowledge.retire()

    def _heard(self, result: Told, level: int) -> None:
        number, _ = self.knowledge.runs.of(result.id)
        self.knowledge.result(result, level)
        if self._alone is not None:
            self._alone.told(result, number, level)

    def injected(self, codes: Codes, loss: Any, violation: float) -> None:
        self.knowledge.injected(codes, loss, violation, self.knowledge.fidelities.last)
        if self._alone is not None:
            self._alone.injected(codes, loss, violation)

    def report(self, result: Told, level: int) -> bool:
        """The result of an open candidate at a level, after which it closes unless it is to go on: whether that."""
        known = self.knowledge
        number, before = known.runs.of(result.id)
        self._heard(result, level)
        if not known.runs.all[number].held:
            return False
        step = self._next(result.id, None)
        if step is None or step.run != number:
            return False
        known.begin(result.id, step._replace(to=max(step.to, before.target)), result.codes)
        return True

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        known = self.knowledge
        began = [each for each in gathered.told if each.id in known.runs.all]
        if not began or not self._mechanisms.learns:
            return
        known.learn()
        rows = [known.runs.all[each.id].row for each in began]
        believed = [each if math.isnan(each.loss) else each._replace(loss=float(known.levels.means[row]))
                    for each, row in zip(began, rows, strict=True)]
        some = Gathered(believed, gathered.rejected)
        free = free_variables(some.drawn, self._distribution)
        learn(self._distribution, some, None if free is None else free.astype(np.float64))

    def recommended(self) -> Codes | None:
        """`(n_variables,)` codes of the point believed best at the highest fidelity; None while nothing is known."""
        found = self.knowledge.recommended()
        return None if found is None else found[0]

    def estimate(self) -> Estimate | None:
        """Of the recommended point; None before there are results at the highest fidelity."""
        found = self.knowledge.recommended()
        if found is None or math.isnan(found[1]):
            return None
        codes, mean, deviation, times = found
        return Estimate(self._distribution.space.values(codes[None])[0], mean, deviation, times)

    def asked(self, n_variables: int) -> Codes:
        return self.history.codes

    def state(self) -> dict[str, Any]:
        return {**self.knowledge.state(), "alone": None if self._alone is None else self._alone.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.knowledge.load(state)
        if self._alone is not None:
            self._alone.load(state["alone"], state["n_asked"], state["generation"])
