"""Runs that climb from fidelity to fidelity: how steps are asked, told, reported, whichever they are."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from ..ask_tell.candidate import Batch
from ..ask_tell.policy import Policy
from ..ask_tell.results import Told
from ..distribution.pins import Pins, codes_of, pinned_on
from ..distribution.rejection import feasible_draws
from ..distribution.search_distribution import SearchDistribution
from .history import History
from .knowledge import KEPT, Knowledge, Step
from .memo import SpaceExhausted
from .under_noise import Estimate


class Climbing(Policy):
    """What has nothing to do with noise; `next` decides."""

    draws_when_told = True  # of reports

    def __init__(self, distribution: SearchDistribution, rng: np.random.Generator, knowledge: Knowledge) -> None:
        self._distribution, self._rng, self.knowledge = distribution, rng, knowledge
        self._geometry = knowledge.geometry

    @property
    def history(self) -> History:
        return self.knowledge.history

    # asking

    @abstractmethod
    def next(self, number: int, pinned: Pins | None, limit: float = math.inf) -> Step | None:
        """The step to take by the candidate of this number; None if there is none for now, or none so cheap."""

    def propose(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool,
                limit: float = math.inf) -> tuple[Floats, Floats]:
        """limit: of what the candidates cost in all; there may be none so cheap."""
        known, rejected = self.knowledge, np.empty((0, len(self._geometry.sizes)))
        drawn = list[Step | None]([None] * n)
        if mirrored:
            draws, rejected = feasible_draws(self._distribution, self._rng, n, pinned, mirrored=True,
                                             known=self.history.codes)
            drawn = [Step(draw, -1, known.fidelities.first) for draw in draws]
        chosen: list[Floats] = []
        for number, given in enumerate(drawn, first_id):
            try:
                step = given or self._promised(pinned, limit) or self.next(number, pinned, limit)
            except SpaceExhausted:
                if not chosen:
                    raise
                break
            if step is None or (price := known.price(step)) > limit:
                break
            limit -= price
            step = step._replace(draw=pinned_on(step.draw[None], pinned)[0])  # a run that goes on was drawn without
            known.begin(number, step, codes_of(self._distribution, step.draw[None], pinned)[0])
            chosen.append(step.draw)
        return np.array(chosen).reshape(-1, rejected.shape[1]), rejected

    def _promised(self, pinned: Pins | None, limit: float) -> Step | None:
        """The next step of a run that is bound to go on."""
        table = self.knowledge.table
        for number, run in self.knowledge.runs.paused.items():
            step = Step(run.draw, number, run.reached + 1)
            if run.bound and run.reached >= 0 and self.knowledge.price(step) <= limit and (
                    pinned is None or pinned.fit(table.codes(np.array([run.row])))[0]):
                return step
        return None

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
                self.heard(each, self.knowledge.runs.of(each.id)[1].target)
        if len(self.knowledge.runs.paused) > KEPT:
            self.knowledge.retire(self.means())

    def heard(self, result: Told, level: int) -> None:
        """A result of an open candidate, which closes."""
        self.knowledge.result(result, level)

    @abstractmethod
    def means(self) -> Floats:
        """`(n_points,)` of the loss at the highest fidelity, as the model has them."""

    def injected(self, codes: Codes, loss: Any, violation: float) -> None:
        self.knowledge.injected(codes, loss, violation, self.knowledge.fidelities.last)

    def report(self, result: Told, level: int) -> bool:
        """The result of an open candidate at a level, after which it closes unless it is to go on: whether that."""
        known = self.knowledge
        number, before = known.runs.of(result.id)
        self.heard(result, level)
        run = known.runs.all[number]
        if not run.held:
            return False
        step = Step(run.draw, number, level + 1) if run.bound else self.reconsidered(result.id, number)
        if step is None:
            return False
        known.begin(result.id, step._replace(to=max(step.to, before.target)), result.codes)
        return True

    @abstractmethod
    def reconsidered(self, number: int, run: int) -> Step | None:
        """The next step, if it is of this run, by the candidate of this number."""

    def asked(self, n_variables: int) -> Codes:
        return self.history.codes

    # what is believed

    @abstractmethod
    def believed_best(self) -> tuple[Codes, float, float, int] | None:
        """See `Knowledge.recommended`."""

    @abstractmethod
    def trust(self) -> list[float]:
        """Of each fidelity, how far it is believed to agree with the highest."""

    def recommended(self) -> Codes | None:
        """`(n_variables,)` codes of the point believed best at the highest fidelity; None while nothing is known."""
        found = self.believed_best()
        return None if found is None else found[0]

    def estimate(self) -> Estimate | None:
        """Of the recommended point; None before there are results at the highest fidelity."""
        found = self.believed_best()
        if found is None or math.isnan(found[1]):
            return None
        codes, mean, deviation, times = found
        return Estimate(self._distribution.space.values(codes[None])[0], mean, deviation, times)
