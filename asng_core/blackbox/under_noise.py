"""The policy under noise: what is promising is asked again, and the evidence of all results decides.

    symbol    variable              meaning
    theta     distribution          the search distribution, drawn from and moved as in ASNG
    H         history               every evaluation
    GP        screening.surrogate   Gaussian process over the places of the results in H, for the first n_screened
    T         trusted.evidence      Gaussian process over each point's mean place, as noisy as its evaluations are few

To ask:
    1. While H holds fewer than n_initial results: a draw of theta.
    2. While it holds fewer than n_screened: draws of theta, recombined parents and neighbours of parents (the
       points of the best mean under GP) join the pool of candidates, and the one of the lowest bound,
       mean - confidence * deviation under GP, is asked. It may be asked again.
    3. From then on, each with even chances: a draw of theta, or one of ten finalists, which may be the best
       under T.
When told:
    4. The result enters H and GP. population_size results: theta takes a step, late ones counting less.
To recommend: the evaluated, feasible point of the best mean under T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from ..ask_tell.late import Past
from ..ask_tell.policy import Policy, learn
from ..ask_tell.results import Gathered, Told
from ..distribution.geometry import Geometry
from ..distribution.pins import Pins
from ..distribution.rejection import feasible_draws
from ..distribution.search_distribution import SearchDistribution
from .history import History
from .posterior import GaussianProcess
from .screening import Choice, Screening
from .sources import INITIAL, SOURCES, Source, proposed
from .surrogate import Model
from .trusted import Finalists, evidence

_PARENTS = 20  # twice the archive without noise, since no single result can be believed


_MODEL = GaussianProcess()


@dataclass(frozen=True)
class UnderNoise:
    """The mechanisms, and their constants; a study leaves one out by another value.

    sources: of the candidates that the model screens. initial: of the points before the model has a say.
    n_initial, n_screened: results before the model has a say, and up to which it has: then evaluating the best again
        is worth more than new points.
    model: of the results. learns: the distribution moves.
    finalists: points that may be the best are asked again. trusts: the posterior recommends, not the mode.
    confidence: standard deviations below its mean that a candidate is credited with. More than without noise,
        since the posterior's mean is the less believable.
    """

    sources: tuple[Source, ...] = SOURCES
    initial: Source = INITIAL
    n_initial: int = 8
    n_screened: int = 150
    model: Model = _MODEL
    learns: bool = True
    finalists: bool = True
    trusts: bool = True
    confidence: float = 3.0

    def policy(self, distribution: SearchDistribution, rng: np.random.Generator) -> NoisyPolicy:
        return NoisyPolicy(self, distribution, rng)


class NoisyPolicy(Policy):
    """See the top of this file."""

    def __init__(self, mechanisms: UnderNoise, distribution: SearchDistribution, rng: np.random.Generator) -> None:
        self._mechanisms, self._distribution, self._rng = mechanisms, distribution, rng
        self._geometry = geometry = Geometry(distribution)
        self.history = History(distribution.space)
        surrogate = mechanisms.model.surrogate(geometry, noisy=True)
        self._screening = Screening(geometry, rng, self.history, surrogate, sources=mechanisms.sources, once=False,
                                    confidence=mechanisms.confidence)
        self._finalists = Finalists()
        self._trusted: tuple[int, Codes] | None = None  # of so many evaluations

    draws_when_told = True  # weights of several objectives

    def mark(self) -> tuple[Any, ...]:
        self._trusted = None  # which what will change may change
        return self.history.mark(), self._screening.mark(), self._finalists.mark()

    def back(self, mark: tuple[Any, ...]) -> None:
        history, screening, finalists = mark
        self.history.back(history)
        self._screening.back(screening)
        self._finalists.back(finalists)

    @property
    def _screens(self) -> bool:
        """Whether the model has a say still."""
        return len(self.history) < self._mechanisms.n_screened

    def propose(self, n: int, first_id: int, pinned: Pins | None, mirrored: bool) -> tuple[Floats, Floats]:
        screens = self._screens
        if screens and not mirrored:
            return (self._screening.each(n, first_id, lambda: self._screened(pinned)),
                    np.empty((0, len(self._geometry.sizes))))
        if mirrored or pinned is not None or not self._mechanisms.finalists:
            return self._screening.sampled(n, first_id, pinned, mirrored, modelled=screens)
        return self._confirming(n)

    def _screened(self, pinned: Pins | None) -> Choice:
        screening = self._screening
        if len(self.history) < self._mechanisms.n_initial:
            draws = proposed([self._mechanisms.initial], self.history.codes[:0], self._geometry, self._rng)
            return screening.first(draws, pinned) or screening.anything(pinned)
        screening.fit()
        parents = self.history.rows(screening.surrogate.best()[:_PARENTS])
        return screening.best(self.history.codes[parents], pinned)

    def _confirming(self, n: int) -> tuple[Floats, Floats]:
        """Each with even chances: a draw, or a finalist, to be evaluated again; and rejected draws."""
        finalists = self._finalists.draws(self.history, self._distribution, self._screening.relevant_features)
        draws: Floats = finalists[self._rng.integers(len(finalists), size=n)]
        rejected: Floats = np.empty((0, draws.shape[1]))
        new = np.flatnonzero(self._rng.random(n) < 0.5)
        if len(new):
            draws[new], rejected = feasible_draws(self._distribution, self._rng, len(new),
                                                 known=self.history.codes)
        return draws, rejected

    def losses(self, value: object, n: int | None) -> list[Any]:
        return self.history.checked_losses(value, n)

    def told(self, results: list[Told]) -> None:
        for each in results:
            self.history.append(each.id, each.codes, each.loss, each.violation)
            self._screening.observe(each, modelled=self._screens)

    def injected(self, codes: Codes, loss: Any, violation: float) -> None:
        number = self.history.next_injected
        self._screening.enter_injected(number, codes, modelled=self._screens)
        self.history.append(number, codes, loss, violation)
        self._screening.surrogate.observe(number)

    def update(self, gathered: Gathered, generation: int, past: Past) -> None:
        if self._mechanisms.learns:
            learn(self._distribution, gathered, past.weights(gathered.drawn, self._distribution))

    def recommended(self) -> Codes | None:
        """`(n_variables,)` codes of the point that the evidence trusts most; None while there is none."""
        if not self._mechanisms.trusts or not len(self.history):
            return None
        if self._trusted is None or self._trusted[0] != len(self.history):
            codes, means, _ = evidence(self.history, self._distribution, self._screening.relevant_features)
            self._trusted = len(self.history), codes[int(np.argmin(means))]
        return self._trusted[1]

    def asked(self, n_variables: int) -> Codes:
        return self.history.codes

    def state(self) -> dict[str, Any]:
        return {"history": self.history.state(), "finalists": self._finalists.state(), **self._screening.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.history.load(state["history"])
        self._finalists.load(state["finalists"], self._distribution)
        self._screening.load(state)
