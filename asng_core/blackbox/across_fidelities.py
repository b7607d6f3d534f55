"""The policies where a point can be evaluated at several prices: which point, at which fidelity, which run goes on.

    symbol    variable            meaning
    theta     distribution        the search distribution, drawn from and moved as in ASNG
    H         knowledge.history   every evaluation, at whatever fidelity
    A         alone               the policy of `noise_free`, which knows of the highest fidelity alone
    P         agreement           what all fidelities say of the highest, see `agreement`; under noise `levels`
    worth                         the largest ratio of expected improvement at the highest fidelity to cost, see `worth`

To ask without noise:
    1. A run that is bound to reach the highest fidelity goes on.
    2. What A would ask; but where A asks its model, the candidate of the lowest bound under P, and a point of which
       cheap evidence is known, if that has a lower one. Where neither is any, P is the model of A.
    3. Such a candidate begins with the cheapest fidelity that it is not known at, and 2. is asked again, as long as no
       more was spent on runs that may never reach the highest than trust allows; else it is bound to reach it. What A
       draws without its model is always bound to.
Under noise, of steps that `choosing` lists:
    1. While fewer than n_initial points are known: of some draws of theta the one that P knows least of.
    2. The one of the highest worth, while no more was spent on runs that may never reach the highest fidelity than is
       to be risked (see `Learned.speculates`), or a new point unscreened; else a run that goes on to the end, of the
       lowest bound under P.
When told:
    The result enters H and P, one of the highest fidelity A. A run that failed is over, and so is one at the highest
    fidelity. Of the paused ones those that are believed best can be continued. population_size results of the highest
    fidelity: theta takes a step.
Reported: as told, and the run goes on if its next step is the one that would be asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from ..ask_tell.late import Past, free_variables
from ..ask_tell.policy import learn
from ..ask_tell.results import Gathered, Told
from ..distribution.geometry import Geometry
from ..distribution.pins import Pins
from ..distribution.search_distribution import SearchDistribution
from .alone import Alone
from .archive import doubt
from .cheap_first import CheapFirst
from .choosing import Choosing
from .climbing import Climbing
from .fidelities import Fidelities
from .knowledge import Knowledge, Step
from .learned import Learned
from .memo import SpaceExhausted
from .noise_free import NoiseFree
from .screening import MOST
from .sources import INITIAL, SOURCES, UNSCREENED, UNSCREENED_OF_REALS, Source, proposed

_ALONE = NoiseFree()


@dataclass(frozen=True)
class AcrossFidelities:
    """The mechanisms, and their constants.

    alone: without noise, what is asked without fidelities. The others are under noise, as in `NoiseFree`.
    n_initial: points before the model has a say, at least and at most; else so many as cost a third of an evaluation at
        the highest fidelity.
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
               noisy: bool) -> Climbing:
        return (WithNoise if noisy else WithoutNoise)(self, distribution, rng, fidelities)


class WithoutNoise(Climbing):
    """See the top of this file."""

    def __init__(self, mechanisms: AcrossFidelities, distribution: SearchDistribution, rng: np.random.Generator,
                 fidelities: Fidelities) -> None:
        super().__init__(distribution, rng, Knowledge(Geometry(distribution), fidelities, once=True))
        self._alone = Alone(mechanisms.alone, distribution, rng)
        self._cheap_first = CheapFirst(self.knowledge, self._alone, distribution, rng, mechanisms.alone.confidence)

    def next(self, number: int, pinned: Pins | None, limit: float = math.inf) -> Step | None:
        return self._cheap_first.step(number, pinned, limit)

    def reconsidered(self, number: int, run: int) -> Step | None:
        mark, generator = self._alone.mark(), self._rng.bit_generator.state
        try:
            step = self.next(number, None)
        except SpaceExhausted:
            step = None
        if step is not None and step.run == run:
            return step
        self._alone.back(mark)
        self._rng.bit_generator.state = generator
        return None

    def heard(self, result: Told, level: int) -> None:
        number, _ = self.knowledge.runs.of(result.id)
        super().heard(result, level)
        if level == self.knowledge.fidelities.last or math.isnan(result.loss):
            self._alone.told(result, number)

    def injected(self, codes: Codes, loss: Any, violation: float) -> None:
        super().injected(codes, loss, violation)
        self._alone.injected(codes, loss, violation)

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        self._alone.update(gathered, generation, past)

    def means(self) -> Floats:
        return self._cheap_first.agreement().means

    def believed_best(self) -> tuple[Codes, float, float, int] | None:
        return self.knowledge.recommended(self._cheap_first.agreement())

    def trust(self) -> list[float]:
        return self._cheap_first.agreement().correlations

    def mark(self) -> tuple[Any, ...]:
        return self.knowledge.mark(), self._alone.mark()

    def back(self, mark: tuple[Any, ...]) -> None:
        knowledge, alone = mark
        self.knowledge.back(knowledge)
        self._alone.back(alone)

    def state(self) -> dict[str, Any]:
        return {**self.knowledge.state(), "alone": self._alone.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.knowledge.load(state)
        self._alone.load(state["alone"], state["n_asked"], state["generation"], self.knowledge.runs.all)


class WithNoise(Climbing):
    """See the top of this file."""

    knowledge: Learned

    def __init__(self, mechanisms: AcrossFidelities, distribution: SearchDistribution, rng: np.random.Generator,
                 fidelities: Fidelities) -> None:
        super().__init__(distribution, rng, Learned(Geometry(distribution), fidelities))
        self._mechanisms, self._choosing = mechanisms, Choosing(self.knowledge, rng)
        continuous = bool(distribution.space.continuous.any())
        self._unscreened = mechanisms.unscreened_of_reals if continuous else mechanisms.unscreened
        whole, first = (fidelities.costs[i] for i in (fidelities.last, fidelities.first))
        self._n_initial = min(max(round(whole / (3 * first)), mechanisms.n_initial[0]), mechanisms.n_initial[1])

    def next(self, number: int, pinned: Pins | None, limit: float = math.inf) -> Step | None:
        known, mechanisms = self.knowledge, self._mechanisms
        known.learn(self._rng)
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

    def reconsidered(self, number: int, run: int) -> Step | None:
        step = self.next(number, None)
        return step if step is not None and step.run == run else None

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        known = self.knowledge
        if not gathered.told or not self._mechanisms.learns:
            return
        known.learn()
        runs = self.history.runs[self.history.rows(np.array([each.id for each in gathered.told]))]
        believed = [each if math.isnan(each.loss) else each._replace(
            loss=float(known.levels.means[known.runs.all[run].row]))
            for each, run in zip(gathered.told, runs.tolist(), strict=True)]
        some = Gathered(believed, gathered.rejected)
        free = free_variables(some.drawn, self._distribution)
        learn(self._distribution, some, None if free is None else free.astype(np.float64))

    def means(self) -> Floats:
        return self.knowledge.levels.means

    def believed_best(self) -> tuple[Codes, float, float, int] | None:
        return self.knowledge.believed_best()

    def trust(self) -> list[float]:
        return self.knowledge.levels.correlations()

    def mark(self) -> Any:
        return self.knowledge.mark()

    def back(self, mark: Any) -> None:
        self.knowledge.back(mark)

    def state(self) -> dict[str, Any]:
        return self.knowledge.state()

    def load(self, state: Mapping[str, Any]) -> None:
        self.knowledge.load(state)
