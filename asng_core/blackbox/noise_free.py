"""The policy without noise: no point is paid for twice, and what is paid for is what the model finds most promising.

    symbol    variable              meaning
    theta     distribution          the search distribution, drawn from and moved as in ASNG
    H         history               every evaluation
    A         archive               the best results of the present run, best first: the parents
    GP        screening.surrogate   Gaussian process over the places of the results in H
    W         walk                  simulated annealing from neighbour to neighbour, beginning at the best point
    s         archive.stalled       evaluations since A last improved
    n_theta   family.n_theta        parameters of theta, about the number of a point's neighbours

To ask:
    1. While H holds fewer than n_initial results: of some draws of theta the one that GP knows least of.
    2. When H is beyond GP's capacity: a step of W, but for a share that 3 and 4 keep: capacity / (10 n_theta), as far
       as GP can know what is around good points; from 1 on there is no W.
    3. With probability min(1/2, s / n_theta): a draw of theta, or a mutant of the best point, unscreened; where the
       space has a Real, such a mutant, a point of A moved by a difference of two others, or the minimum of a quadratic.
    4. Else: draws of theta, recombined parents and neighbours of parents join the pool of candidates, and
       the one of the lowest bound, mean - confidence * deviation under GP, is asked. The fewer results, the more
       candidates, as each costs the less.
    Never a point that is known or infeasible: where few candidates are feasible, others are repaired; where none is
    new, any other point is searched for.
When told:
    5. The result enters H, GP, A and W. population_size results: theta takes a step, all counting fully.
    6. s > patience while W takes no part: a new run. theta, A and the pool start anew; H, GP and what is known remain.
With several objectives, or a Real, there is no W.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..ask_tell.late import Past, free_variables
from ..ask_tell.policy import Policy, learn
from ..ask_tell.results import Gathered, Told
from ..distribution.geometry import Geometry
from ..distribution.pins import Pins
from ..distribution.search_distribution import SearchDistribution
from . import quadratic
from .archive import Archive, doubt, patience
from .history import History
from .pool import Judge
from .posterior import GaussianProcess
from .screening import Choice, Screening
from .sources import INITIAL, SOURCES, UNSCREENED, UNSCREENED_OF_REALS, Source, proposed
from .surrogate import Model, Surrogate
from .walk import Walk, share

_MODEL = GaussianProcess()


@dataclass(frozen=True)
class NoiseFree:
    """The mechanisms, and their constants; a study leaves one out by another value.

    sources: of the candidates that the model screens. initial: of the points before the model has a say.
    unscreened: one of these, by even chances, where the model is not asked; the best point is the parent, unless a
        source is of all the archive. unscreened_of_reals: these where the space has a Real. quadratic: one more of
        them, the minimum of a quadratic in the Reals.
    n_initial: results before the model has a say.
    once: no point is asked twice. model: of the results. restarts: a run that has
        stalled gives way to a new one. walks: what the model cannot hold is left to a walk.
        learns: the distribution moves.
    confidence: standard deviations below its mean that a candidate is credited with; 2, as is usual for lower
        confidence bounds (Srinivas et al., ICML 2010, have a bound that grows slowly with the evaluations).
    work: the sources propose `work` / n times, n being the results, at least once and at most 8 times.
    """

    sources: tuple[Source, ...] = SOURCES
    initial: Source = INITIAL
    unscreened: tuple[Source, ...] = UNSCREENED
    unscreened_of_reals: tuple[Source, ...] = UNSCREENED_OF_REALS
    quadratic: bool = True
    n_initial: int = 5
    once: bool = True
    model: Model = _MODEL
    restarts: bool = True
    walks: bool = True
    learns: bool = True
    confidence: float = 2.0
    work: int = 400

    def policy(self, distribution: SearchDistribution, rng: np.random.Generator) -> NoiseFreePolicy:
        return NoiseFreePolicy(self, distribution, rng)


class NoiseFreePolicy(Policy):
    """See the top of this file."""

    def __init__(self, mechanisms: NoiseFree, distribution: SearchDistribution, rng: np.random.Generator) -> None:
        self._mechanisms, self._distribution, self._rng = mechanisms, distribution, rng
        self._geometry = geometry = Geometry(distribution)
        self.history = History(distribution.space)
        surrogate = mechanisms.model.surrogate(geometry, noisy=False)
        self._screening = Screening(geometry, rng, self.history, surrogate, sources=mechanisms.sources,
                                    once=mechanisms.once, confidence=mechanisms.confidence, work=mechanisms.work)
        continuous = bool(distribution.space.continuous.any())
        self._sources = mechanisms.unscreened_of_reals if continuous else mechanisms.unscreened
        self._quadratic = continuous and mechanisms.quadratic
        self._archive = Archive()
        self._patience = patience(geometry.n_precisions) if mechanisms.restarts else np.inf
        self._walk = Walk(geometry, rng, self.history)
        self._share = share(surrogate.capacity, distribution.family.n_theta)
        # where neighbours can be counted, they can be gone through by turns
        self._leaves = mechanisms.walks and not continuous and self._share < 1
        self._run_start = 0  # generation in which the present run began

    draws_when_told = True  # weights of several objectives

    @property
    def surrogate(self) -> Surrogate:
        """The model of the results."""
        return self._screening.surrogate

    def mark(self) -> tuple[Any, ...]:
        return (self.history.mark(), self._screening.mark(), self._archive, self._archive.mark(), self._walk.mark(),
                self._run_start)

    def back(self, mark: tuple[Any, ...]) -> None:
        history, screening, self._archive, archive, walk, self._run_start = mark
        self.history.back(history)
        self._screening.back(screening)
        self._archive.back(archive)
        self._walk.back(walk)

    def propose(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool,
                judge: Judge | None = None) -> tuple[Floats, Floats]:
        """judge: knows more of what is screened than the model does."""
        if mirrored:
            return self._screening.sampled(n, first_id, pinned, mirrored)
        return (self._screening.each(n, first_id, lambda: self._chosen(pinned, judge)),
                np.empty((0, len(self._geometry.sizes))))

    def _chosen(self, pinned: Pins | None, judge: Judge | None) -> Choice:
        screening = self._screening
        if len(self.history) < self._mechanisms.n_initial:
            return screening.best(self.history.codes[:0], pinned, [self._mechanisms.initial], judge)
        chosen = self._unscreened(pinned)
        if chosen is not None:
            return chosen
        screening.fit()
        return screening.best(self.history.codes[self._archive.rows], pinned, judge=judge)

    @property
    def _walks(self) -> bool:
        """Whether the walk takes part: the model cannot hold all results, and there is a best one."""
        return (self._leaves and len(self.history) > self._screening.surrogate.capacity
                and self.history.losses.ndim == 1 and bool(self._archive.rows))

    def _unscreened(self, pinned: Pins | None) -> Choice | None:
        """A point that the model is not asked about; None if it is the model's turn, or nothing new is found."""
        screening, rng, stalled = self._screening, self._rng, self._archive.stalled
        if self._walks and pinned is None and rng.random() >= self._share:
            return self._walk.propose(screening.first, self._archive.rows[0])
        if stalled and rng.random() < doubt(stalled, self._distribution.family.n_theta):
            return screening.first(self._drawn(), pinned)
        return None

    def _drawn(self) -> Floats:
        """`(n, n_variables)` draws of one source."""
        number = int(self._rng.random() * (len(self._sources) + self._quadratic))
        if number == len(self._sources):
            return quadratic.proposals(self.history, self._archive.rows[0], self._geometry, self._rng)
        source = self._sources[number]
        rows = self._archive.rows if source.of_all else self._archive.rows[:1]
        return proposed([source], self.history.codes[rows], self._geometry, self._rng)

    def losses(self, value: object, n: int | None) -> list[Any]:
        return self.history.checked_losses(value, n)

    def told(self, results: list[Told]) -> None:
        for each in results:
            self.history.append(each.id, each.codes, each.loss, each.violation)
            self._screening.observe(each)
        first = len(self.history) - len(results)
        # late ones of an earlier run would draw the present one back there
        new = [row for row, each in enumerate(results, first) if each.drawn.generation >= self._run_start]
        if new:
            self._archive.insert(self.history, new)
            best = self._archive.rows[0]
            if self.history.losses.ndim == 1:
                for row in new:
                    self._walk.told(row, best, improved=row == best and not self._archive.stalled)

    def injected(self, codes: Codes, loss: Any, violation: float) -> None:
        number = self.history.next_injected
        self._screening.enter_injected(number, codes)
        self.history.append(number, codes, loss, violation)
        self._screening.surrogate.observe(number)
        self._archive.insert(self.history, [len(self.history) - 1])

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        gathered = gathered.since(self._run_start)
        if gathered.told and self._mechanisms.learns:  # screened, so that no density is known: all count fully
            free = free_variables(gathered.drawn, self._distribution)
            learn(self._distribution, gathered, None if free is None else free.astype(np.float64))
        if self._archive.stalled > self._patience and not self._walks:
            self._distribution.restart()
            self._archive = Archive()
            self._screening.restart()
            self._run_start = generation

    def asked(self, n_variables: int) -> Codes:
        return self.history.codes

    def state(self) -> dict[str, Any]:
        return {"history": self.history.state(), "archive": self._archive.state(), **self._screening.state(),
                "walk": self._walk.state(), "run_start": self._run_start}

    def load(self, state: Mapping[str, Any]) -> None:
        self.history.load(state["history"])
        self._archive.load(state["archive"], self.history)
        self._screening.load(state)
        if "walk" in state:  # files of 0.1's first weeks have none: it begins
            self._walk.load(state["walk"])
        self._run_start = checks.integer("run_start", state["run_start"], minimum=0)
        if self._run_start > checks.integer("generation", state["generation"]):
            raise ValueError("the run begins in a generation to come.")
