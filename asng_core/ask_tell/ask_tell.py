"""Asking and telling: the face that every optimizer of this package shows, around parts that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..distribution.marginals import Marginal, marginals
from ..distribution.pins import Pins, pins
from ..distribution.recommend import likeliest
from ..distribution.rejection import feasible_draws
from ..distribution.summary import table
from . import rules
from .candidate import Batch, Candidate
from .frames import results
from .parts import P
from .results import Best
from .saved import Saved

_N_DRAWN = 1000  # in search of a point that is accepted


class AskTell(Saved[P]):
    """An optimizer of a space by ask and tell. A subclass says how its parts are made, and may show more of them.

    `ask`, `sample`, `tell` and `inject` happen whole or not at all, whatever interrupts them.
    """

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
        batch = self._ask(1 if n is None else n, fixed, mirrored, self._parts.policy.propose)
        return batch[0] if n is None else batch

    def _ask(self, n: int, fixed: Mapping[str, Any] | None, mirrored: bool,
             propose: Callable[[int, int, Pins | None, bool], tuple[Floats, Floats]]) -> Batch:
        parts, n = self._parts, checks.integer("ask(n)", n, minimum=1)
        mirrored = checks.truth("ask(mirrored=...)", mirrored)
        pinned = pins(parts.distribution, fixed) if fixed is not None else None
        with parts.whole(draws=True):
            if pinned is not None:
                parts.take_given(pinned.codes)
            draws, rejected = propose(n, parts.ledger.n_asked, pinned, mirrored)
            parts.ledger.reject(rejected, pinned)
            return parts.policy.presented(parts.ledger.ask(draws, pinned))

    def sample(self, n: int, *, mirrored: bool = False) -> Batch:
        """`n` points whose losses will not be told: they train a supernet's weights, say. mirrored: as for `ask`."""
        n, mirrored = checks.integer("sample(n)", n, minimum=1), checks.truth("sample(mirrored=...)", mirrored)
        parts = self._parts
        with parts.whole(draws=True):
            draws, _ = feasible_draws(parts.distribution, parts.rng, n, mirrored=mirrored,
                                      known=parts.ledger.best_codes)
            return Batch(self.space, parts.distribution.codes(draws), [None] * n)

    # tell

    def tell(self, candidates: Candidate | Batch | Sequence[Candidate], losses: Any, violations: Any = None) -> None:
        """Take the loss of a candidate, or the losses of a batch of any size, lower being better.

        violations: by how much each candidate breaks constraints known only after evaluation, a number
            or several; positive ones are added up, others satisfy.

        Order of merit: feasible results by loss, +inf their last; infeasible ones by violation; failed
        evaluations, whose loss is NaN. Equals tie. Raises TypeError or ValueError, with nothing changed,
        for losses that are no numbers or do not match, and for candidates never asked or told before.
        """
        self._tell(candidates, losses, violations)

    def _tell(self, candidates: Candidate | Batch | Sequence[Candidate], losses: Any, violations: Any,
              costs: Sequence[float] | None = None) -> None:
        batch, parts = Batch.of(candidates), self._parts
        single = isinstance(candidates, Candidate)
        values = parts.policy.losses(losses, None if single else len(batch))
        excess = [0.0] * len(batch)
        if violations is not None:
            excess = [rules.violation(violations)] if single else rules.violations(violations, len(batch)).tolist()
        with parts.whole(draws=parts.policy.draws_when_told):
            self._take(batch, values, excess, costs)

    def _take(self, batch: Batch, losses: list[Any], violations: list[float],
              costs: Sequence[float] | None = None) -> None:
        """Results, checked; within `whole`."""
        parts = self._parts
        results = parts.ledger.tell(batch, losses, violations, costs, parts.policy.counts)
        for each in results:
            if parts.policy.counts(each.id):
                parts.ledger.note_best(each.codes, each.loss, each.violation, each.id)
        parts.policy.told(results)
        gathered = parts.ledger.gather(parts.population_size)
        if gathered is not None:
            parts.policy.update(gathered, parts.ledger.generation, parts.ledger.past)
            parts.ledger.drop_past()

    def inject(self, values: Mapping[str, Any], loss: Any, *, violation: Any = 0.0) -> None:
        """Record the loss of a point that nobody asked for: it counts for `best` and moves no distribution.

        It gets no id and counts as neither asked nor told. Raises ValueError for what is not a feasible
        point of the space.
        """
        result = self._checked(values, loss, violation)  # all checks before anything changes
        parts = self._parts
        with parts.whole(draws=parts.policy.draws_when_told):
            self._inject(*result)

    def _checked(self, values: Mapping[str, Any], loss: Any, violation: Any) -> tuple[Codes, Any, float]:
        """A result to inject. Raises TypeError or ValueError for what is none."""
        codes, excess = self.space.encode(values), rules.violation(violation)
        number = self._parts.policy.losses(loss, None)[0]
        if not self.space.feasible(values):
            raise ValueError(f"inject(values) must satisfy the space's constraints, got {checks.shown(dict(values))}. "
                             "Tell violations= instead of constraints for what only the evaluation knows.")
        return codes, number, excess

    def _inject(self, codes: Codes, loss: Any, violation: float) -> None:
        self._parts.take_given(codes)
        self._parts.ledger.note_best(codes, loss, violation, None)
        self._parts.policy.injected(codes, loss, violation)

    def inject_frame(self, frame: Any) -> None:
        """Record the results in a table: a History, or what its `to_frame()` gave, also by way of CSV or parquet.

        frame: a History, a pandas DataFrame or a list of dicts, a row each, with the variables by their names (see
            `Space.parse`), `loss`, a gap or NaN of which is a failed evaluation, or `loss_0`, `loss_1`, ..., and, if
            there are any, `violation`. Other columns are ignored.

        As many calls of `inject`, all or none of which happen. Raises ValueError, with the row's number, for what is
        not a feasible point or has no loss.
        """
        rows = results(self.space, frame)
        numbers = self._parts.policy.losses([row.loss for row in rows], len(rows)) if rows else []
        parts = self._parts
        with parts.whole(draws=parts.policy.draws_when_told):
            for row, number in zip(rows, numbers, strict=True):
                self._inject(row.codes, number, row.violation)

    # what is known

    @property
    def population_size(self) -> int:
        """Results per update."""
        return self._parts.population_size

    @property
    def n_asked(self) -> int:
        """Candidates asked."""
        return self._parts.ledger.n_asked

    @property
    def n_told(self) -> int:
        """Candidates told, failures included."""
        return self._parts.ledger.n_told

    @property
    def n_failed(self) -> int:
        """Candidates told that failed: their loss is NaN."""
        return self._parts.ledger.n_failed

    @property
    def generation(self) -> int:
        """Updates of the distribution."""
        return self._parts.ledger.generation

    @property
    def pending(self) -> Batch:
        """The candidates asked and not told, in the order asked: what to evaluate first after `load`."""
        return self._parts.policy.presented(self._parts.ledger.pending)

    @property
    def best(self) -> Best | None:
        """The best feasible evaluation told or injected, the first of equals; None before there is one."""
        return self._parts.ledger.best

    def mode(self) -> dict[str, Any]:
        """Each active variable's most likely value."""
        return self.space.values(self._parts.distribution.mode()[None])[0]

    def recommend(self) -> dict[str, Any]:
        """The point to use when the search ends: the mode, which averages over noise as `best` cannot.

        Where the mode breaks a constraint: the likeliest feasible of the likeliest points and of `best`.
        """
        return likeliest(self._parts.distribution, self._parts.ledger.best_codes)

    def likeliest(self, accepts: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The likeliest point for whose values `accepts` is true: such as those within a budget.

        Looked for among the likeliest points, from the mode on down, then among `best` and the same 1,000
        draws every time. Raises RuntimeError if there is none.
        """
        distribution = self._parts.distribution
        draws = distribution.sample(_N_DRAWN, np.random.default_rng(0))  # not `rng`: asking moves no search
        return likeliest(distribution, [*self._parts.ledger.best_codes, *distribution.codes(draws)], accepts)

    def distribution(self) -> dict[str, Marginal]:
        """Per variable its probabilities `(K,)`, or mean and standard deviation if it is ordered."""
        return marginals(self._parts.distribution)

    def summary(self) -> str:
        """A table of what the optimizer believes about each variable; for its last column see `converged`."""
        return table(self._parts.distribution)

    @property
    def margin(self) -> float:
        """Probability with which a converged variable still leaves its mode."""
        return self._parts.distribution.margin

    @property
    def entropy(self) -> float:
        """How undecided the search is, from 1 (uniform) to 0; mean over the variables with several values."""
        return self._parts.distribution.entropy

    @property
    def converged(self) -> bool:
        """Whether the distribution moves little more: every variable active in the mode leaves it with at most twice
        the margin, a continuous Real has a sigma within 10% of its smallest.

        The margin is what keeps every value possible; how sure the mode is follows from it. With up to four variables
        it is 1/4 by default, and "converged" says little: of two values one counts from a probability of 0.63 on, of
        three from 0.54. Pass a smaller `margin=` to ask for more; `summary()` shows P(mode) of each. Exactly, of K
        values: P(mode) >= max(1 - 2 margin, (1 + 1/K - margin) / 2), where the second, halfway from undecided to the
        margin, is for margins so large that an undecided variable would count.
        """
        return self._parts.distribution.converged

    @property
    def step_size(self) -> float:
        """Fisher length of the next step."""
        return self._parts.distribution.length
