"""Asking and telling: the bookkeeping that every optimizer of this package shares.

A subclass says how points are proposed (`_propose`), what is done with results that have gathered
(`_update`), and what its state holds beyond what is kept here (see `saved`).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..distribution.marginals import Marginal, initial_theta, marginals
from ..distribution.pins import Pins, pins
from ..distribution.recommend import likeliest
from ..distribution.rejection import quarter, rejection
from ..distribution.search_distribution import SearchDistribution
from ..distribution.summary import table
from ..space.space import Space
from . import rules
from .candidate import Batch, Candidate
from .late import MAX_AGE, Past
from .results import Best, Drawn, Told, failed
from .saved import Saved

_NO_DRAWS = np.empty((0, 0))
_N_DRAWN = 1000  # in search of a point that is accepted


class AskTell(Saved):
    """An optimizer of a space by ask and tell, around one search distribution."""

    def __init__(self, space: Space, distribution: SearchDistribution, seed: object, population_size: int,
                 init: object = None) -> None:
        name = type(self).__name__
        self.space, self._distribution = space, distribution
        self.population_size = checks.integer(f"{name}(population_size=...)", population_size, minimum=2)
        self._rng = np.random.default_rng(checks.seed(f"{name}(seed=...)", seed))
        if init is not None:
            distribution.restart(initial_theta(distribution, init))
        self._open, self._waiting, self._rejected, self._past, self._best = {}, [], [], Past(), None
        self.n_asked = self.n_told = self.n_failed = self.generation = 0

    # what a subclass decides

    def _propose(self, n: int, pinned: Pins | None, mirrored: bool) -> Floats:
        """`(n, n_variables)` feasible draws."""
        def draw(k: int) -> Floats:
            return self._distribution.sample(k, self._rng, mirrored=mirrored)

        draws, rejected = self._feasible(draw, n, pinned)
        self._note_rejected(rejected, pinned)
        return draws

    @abstractmethod
    def _update(self, results: list[Told]) -> None:
        """Move the distribution by at least `population_size` results; `generation` has been counted up."""

    def _checked_losses(self, losses: Any, n: int, single: bool) -> list[Any]:
        """The losses of `n` candidates, or of a `single` one."""
        return [rules.loss(losses)] if single else rules.losses(losses, n).tolist()

    def _receive(self, results: list[Told]) -> None:
        """Look at every result as it is told."""

    def _receive_injected(self, codes: Codes, loss: float, violation: float) -> None:
        """Look at a result that was injected."""

    # ask

    @overload
    def ask(self, n: None = None, *, fixed: Mapping[str, Any] | None = None, mirrored: bool = False) -> Candidate: ...
    @overload
    def ask(self, n: int, *, fixed: Mapping[str, Any] | None = None, mirrored: bool = False) -> Batch: ...
    def ask(self, n: int | None = None, *, fixed: Mapping[str, Any] | None = None,
            mirrored: bool = False) -> Candidate | Batch:
        """One candidate, or a batch of `n`, drawn from the distribution and open until told.

        fixed: values that some variables take in this call; their results do not move these variables.
        mirrored: draw ordered variables in antithetic pairs; a constraint may take one of a pair away.
        """
        count = 1 if n is None else checks.integer("ask(n)", n, minimum=1)
        pinned = pins(self._distribution, fixed) if fixed is not None else None
        draws = self._propose(count, pinned, checks.truth("ask(mirrored=...)", mirrored))
        ids = range(self.n_asked, self.n_asked + len(draws))
        columns = None if pinned is None else pinned.columns
        generation = self.generation
        self._open.update((number, Drawn(draw, generation, columns)) for number, draw in zip(ids, draws, strict=True))
        self._past.remember(generation, self._distribution.theta)
        self.n_asked += len(draws)
        batch = Batch(self.space, self._distribution.codes(draws), ids)
        return batch[0] if n is None else batch

    def sample(self, n: int, *, mirrored: bool = False) -> Batch:
        """`n` points whose losses will not be told, such as those that train a supernet's weights.

        mirrored: as for `ask`.
        """
        n, mirrored = checks.integer("sample(n)", n, minimum=1), checks.truth("sample(mirrored=...)", mirrored)
        draws, _ = self._feasible(lambda k: self._distribution.sample(k, self._rng, mirrored=mirrored), n)
        return Batch(self.space, self._distribution.codes(draws), [None] * n)

    def _feasible(self, draw: Callable[[int], Floats], n: int, pinned: Pins | None = None) -> tuple[Floats, Floats]:
        """`n` draws of `draw`, pinned, that satisfy the constraints, and a quarter as many, at most, that do not."""
        taken = draw if pinned is None else lambda k: pinned.on(draw(k))
        if not self.space.constraints:
            return taken(n), _NO_DRAWS
        before = self._rng.bit_generator.state
        try:
            return rejection(taken, lambda draws: np.array([self.space.feasible(values) for values in self.space.values(
                self._distribution.codes(draws))]), n)
        except Exception:  # of a constraint too, which is the user's code
            self._rng.bit_generator.state = before
            raise

    def _note_rejected(self, draws: Floats, pinned: Pins | None) -> None:
        """Keep draws that broke a constraint for the next update (see `constraints.quarter`)."""
        columns = None if pinned is None else pinned.columns
        self._rejected += [Drawn(draw, self.generation, columns) for draw in draws]

    # tell

    def tell(self, candidates: Candidate | Batch | Sequence[Candidate], losses: Any, violations: Any = None) -> None:
        """Take the loss of a candidate, or the losses of a batch of any size, lower being better.

        violations: by how much each candidate breaks constraints known only after evaluation, a number
            or several; positive ones are added up, others satisfy.

        Order of merit: feasible results by loss, +inf their last; infeasible ones by violation; failed
        evaluations, whose loss is NaN. Equals tie. Raises TypeError or ValueError, with nothing changed,
        for losses that are no numbers or do not match, and for candidates never asked or told before.
        """
        batch = Batch.of(candidates)
        single = isinstance(candidates, Candidate)
        values = self._checked_losses(losses, len(batch), single)
        excess = [0.0] * len(batch)
        if violations is not None:
            excess = [rules.violation(violations)] if single else rules.violations(violations, len(batch)).tolist()
        ids = rules.open_ids(batch.ids, self._open, self.n_asked)
        drawn = [self._open[number] for number in ids]
        if not _same_codes(self._distribution.codes(np.array([each.draw for each in drawn])), batch.codes):
            raise ValueError("tell(candidates) takes candidates that this optimizer asked, but these are of another.")
        results = list(map(Told, drawn, ids, batch.codes, values, excess))
        for number, result in zip(ids, results, strict=True):
            del self._open[number]
            self._note_best(result.codes, result.loss, result.violation, number)
        self.n_told += len(ids)
        self.n_failed += sum(map(failed, values))
        self._receive(results)
        oldest = self.generation - MAX_AGE
        self._waiting += [result for result in results if result.drawn.generation >= oldest]
        if len(self._waiting) >= self.population_size:
            waiting, rejected = self._waiting, self._rejected[-quarter(len(self._waiting)):]
            self._waiting, self._rejected = [], []
            self.generation += 1
            self._update(waiting + [Told(drawn, -1, drawn.draw, math.nan, 0.0) for drawn in rejected])
            self._past.keep(self._open.values(), self.generation)

    def inject(self, values: Mapping[str, Any], loss: Any, *, violation: Any = 0.0) -> None:
        """Record the loss of a point that nobody asked for: it counts for `best` and moves no distribution.

        It gets no id and counts as neither asked nor told. Raises ValueError for what is not a feasible
        point of the space.
        """
        codes, excess = self.space.encode(values), rules.violation(violation)
        number = self._checked_losses(loss, 1, True)[0]
        if not self.space.feasible(values):
            raise ValueError(f"inject(values) must satisfy the space's constraints, got {checks.shown(dict(values))}. "
                             "Tell violations= instead of constraints for what only the evaluation knows.")
        self._note_best(codes, number, excess, None)
        self._receive_injected(codes, number, excess)

    def _note_best(self, codes: Codes, loss: float, violation: float, number: int | None) -> None:
        if not math.isnan(loss) and violation <= 0 and (self._best is None or loss < self._best[1]):
            self._best = codes, loss, number

    def _weights(self, results: list[Told]) -> Floats | None:
        """`(n, n_variables)`: how much each result counts for each variable; None if all count fully for all."""
        return self._past.weights([each.drawn for each in results], self._distribution)

    # what is known

    @property
    def pending(self) -> Batch:
        """The candidates asked and not told, in the order asked: what to evaluate first after `load`."""
        draws = np.array([each.draw for each in self._open.values()]).reshape(-1, len(self.space))
        return Batch(self.space, self._distribution.codes(draws), list(self._open))

    @property
    def best(self) -> Best | None:
        """The best feasible evaluation told or injected, the first of equals; None before there is one."""
        if self._best is None:
            return None
        codes, loss, number = self._best
        return Best(self.space.values(codes[None])[0], loss, number)

    def mode(self) -> dict[str, Any]:
        """Each active variable's most likely value."""
        return self.space.values(self._distribution.mode()[None])[0]

    def recommend(self) -> dict[str, Any]:
        """The point to use when the search ends: the mode, which averages over noise as `best` cannot.

        Where the mode breaks a constraint: the likeliest feasible of the likeliest points and of `best`.
        """
        best = [] if self._best is None else [self._best[0]]
        return likeliest(self._distribution, best)

    def likeliest(self, accepts: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The likeliest point for whose values `accepts` is true: such as those within a budget.

        Looked for among the likeliest points, from the mode on down, then among `best` and the same 1,000
        draws every time. Raises RuntimeError if there is none.
        """
        draws = self._distribution.sample(_N_DRAWN, np.random.default_rng(0))
        best = [] if self._best is None else [self._best[0]]
        return likeliest(self._distribution, [*best, *self._distribution.codes(draws)], accepts)

    def distribution(self) -> dict[str, Marginal]:
        """Per variable its probabilities `(K,)`, or mean and standard deviation if it is ordered."""
        return marginals(self._distribution)

    def summary(self) -> str:
        """A table of what the optimizer believes about each variable."""
        return table(self._distribution)

    @property
    def margin(self) -> float:
        """Probability with which a converged variable still leaves its mode."""
        return self._distribution.margin

    @property
    def entropy(self) -> float:
        """How undecided the search is, from 1 (uniform) to 0; mean over the variables with several values."""
        return self._distribution.entropy

    @property
    def converged(self) -> bool:
        """Whether every variable active in the mode leaves its value there with at most about twice the margin.

        A continuous Real is asked for a sigma within 10% of its smallest.
        """
        return self._distribution.converged

    @property
    def step_size(self) -> float:
        """Fisher length of the next step."""
        return self._distribution.length


def _same_codes(a: Codes, b: Codes) -> bool:
    return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())  # NaN where inactive
