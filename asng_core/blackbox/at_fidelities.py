"""Asking and telling at fidelities: what `Minimizer` shows beside, and what that is without any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, overload

from .. import checks
from ..arrays import Floats
from ..ask_tell import rules
from ..ask_tell.ask_tell import AskTell
from ..ask_tell.candidate import Batch, Candidate
from ..ask_tell.frames import results
from ..ask_tell.results import Told
from ..distribution.pins import Pins
from .climbing import Climbing
from .noise_free import NoiseFreePolicy
from .under_noise import NoisyPolicy

AnyPolicy = NoiseFreePolicy | NoisyPolicy | Climbing


class AtFidelities(AskTell[AnyPolicy]):
    """Candidates have a `fidelity`, a `run`, the fidelity `reached` by it, and a `cost`; see `Candidate`."""

    @overload
    def ask(self, n: None = None, *, fixed: Mapping[str, Any] | None = None, mirrored: bool = False,
            max_cost: float | None = None) -> Candidate: ...
    @overload
    def ask(self, n: int, *, fixed: Mapping[str, Any] | None = None, mirrored: bool = False,
            max_cost: float | None = None) -> Batch: ...
    def ask(self, n: int | None = None, *, fixed: Mapping[str, Any] | None = None, mirrored: bool = False,
            max_cost: float | None = None) -> Candidate | Batch:
        """One candidate, or a batch of up to `n`, open until told.

        fixed: values that some variables take in this call; their results do not move these variables.
        mirrored: draw ordered variables in antithetic pairs; a constraint may take one of a pair away.
        max_cost: with fidelities, what the candidates may cost in all; the batch may then be empty. So it may where all
            that is left to ask waits for what is being evaluated. Raises RuntimeError where one is asked for and there
            is none.
        """
        if max_cost is None and self._across is None:
            return super().ask(n, fixed=fixed, mirrored=mirrored)
        policy = self._needed("ask(max_cost=...)")
        limit = math.inf if max_cost is None else checks.real("ask(max_cost=...)", max_cost)

        def propose(k: int, first_id: int, pinned: Pins | None, mirrored: bool) -> tuple[Floats, Floats]:
            draws, rejected = policy.propose(k, first_id, pinned, mirrored, limit)
            if n is None and not len(draws):  # while the call can still be undone
                raise RuntimeError("there is nothing to ask for now: all that is left waits for results that are out, "
                                   "or costs more than max_cost. Tell first, or ask(1), which may be empty.")
            return draws, rejected

        batch = self._ask(1 if n is None else n, fixed, mirrored, propose)
        return batch[0] if n is None else batch

    def tell(self, candidates: Candidate | Batch | Sequence[Candidate], losses: Any, violations: Any = None,
             costs: Any = None) -> None:
        """Take the loss of a candidate, or the losses of a batch of any size, lower being better.

        violations: by how much each candidate breaks constraints known only after evaluation, a number
            or several; positive ones are added up, others satisfy.
        costs: with fidelities, what each step did cost, in one unit throughout; by these the costs of others are
            learned, and by default it cost what was expected.

        Order of merit: feasible results by loss, +inf their last; infeasible ones by violation; failed
        evaluations, whose loss is NaN. Equals tie. Raises TypeError or ValueError, with nothing changed,
        for losses that are no numbers or do not match, and for candidates never asked or told before.
        """
        if costs is None:
            return super().tell(candidates, losses, violations)
        self._needed("tell(costs=...)")
        single = isinstance(candidates, Candidate)
        listed = (costs,) if single else checks.listed(costs)
        if listed is None or len(listed) != (n := 1 if single else len(Batch.of(candidates))):
            raise ValueError(f"tell(costs=...) must be one number per candidate, got {checks.shown(costs)}.")
        self._tell(candidates, losses, violations, [_cost("tell(costs=...)", each) for each in listed[:n]])
        return None

    def report(self, candidate: Candidate, fidelity: Any, loss: Any, *, violation: Any = 0.0, cost: Any = None) -> bool:
        """Take the loss that a running candidate has reached at a fidelity; whether it shall go on to the next.

        If not, the candidate is closed as by `tell`, and its run paused: it may be continued by a later `ask`, unless
        its state is gone (`lose`). Fidelities rise from `candidate.reached`, and may go beyond `candidate.fidelity`;
        whatever is told in the end is of the next one.

        cost: since the report before, or since it began. Raises TypeError or ValueError, with nothing changed, for what
        is no result of an open candidate, and RuntimeError where runs are not continued.
        """
        policy = self._needed("report()")
        known = policy.knowledge
        if not known.fidelities.continues:
            raise RuntimeError("report() needs continues=True: without, an evaluation passes no other fidelity. Tell.")
        batch, level = Batch.of(candidate), known.fidelities.position("report(fidelity)", fidelity)
        if len(batch) > 1:
            raise TypeError(f"report(candidate) takes one Candidate, got {checks.shown(candidate)}.")
        opened, number = self._parts.ledger.opened(batch), policy.losses(loss, None)[0]
        excess = rules.violation(violation)
        charge = None if cost is None else _cost("report(cost=...)", cost)
        (id_, drawn), = opened.items()
        if level <= known.runs.of(id_)[1].reached or level < known.fidelities.first:
            raise ValueError(f"report(fidelity) must be above the one that the run has reached, got {fidelity!r}.")
        parts = self._parts
        with parts.whole(draws=True):
            goes_on = policy.report(Told(drawn, id_, batch.codes[0], number, excess, charge), level)
            if not goes_on:
                self._take(batch, [number], [excess])
        return goes_on

    def inject(self, values: Mapping[str, Any], loss: Any, *, violation: Any = 0.0, fidelity: Any = None) -> None:
        """Record the loss of a point that nobody asked for: it counts for `best` and moves no distribution.

        fidelity: at which it was evaluated, by default the highest. Of several losses of a point at one fidelity the
            newest counts, under noise their mean. It costs nothing.

        It gets no id and counts as neither asked nor told. Raises ValueError for what is not a feasible
        point of the space.
        """
        if fidelity is None:
            return super().inject(values, loss, violation=violation)
        policy = self._needed("inject(fidelity=...)")
        level = policy.knowledge.fidelities.position("inject(fidelity=...)", fidelity)
        result = self._checked(values, loss, violation)
        with self._parts.whole(draws=False):
            self._inject_at(level, *result)
        return None

    def inject_frame(self, frame: Any) -> None:
        """Record the results in a table: a History, or what its `to_frame()` gave, also by way of CSV or parquet.

        frame: a History, a pandas DataFrame or a list of dicts, a row each, with the variables by their names (see
            `Space.parse`), `loss`, a gap or NaN of which is a failed evaluation, or `loss_0`, `loss_1`, ..., and, if
            there are any, `violation`, and with fidelities `fidelity`, a gap of which is the highest. Other columns are
            ignored.

        As many calls of `inject`, all or none of which happen. Raises ValueError, with the row's number, for what is
        not a feasible point or has no loss.
        """
        if self._across is None:
            return super().inject_frame(frame)
        policy, rows = self._across, results(self.space, frame)
        known = policy.knowledge.fidelities
        levels = [known.last if row.fidelity is None else known.position(f"inject_frame(frame): row {i}: fidelity",
                                                                         row.fidelity) for i, row in enumerate(rows)]
        numbers = policy.losses([row.loss for row in rows], len(rows)) if rows else []
        with self._parts.whole(draws=False):
            for level, row, number in zip(levels, rows, numbers, strict=True):
                self._inject_at(level, row.codes, number, row.violation)
        return None

    def _inject_at(self, level: int, codes: Any, loss: float, violation: float) -> None:
        policy = self._needed("inject(fidelity=...)")
        if level == policy.knowledge.fidelities.last:
            self._inject(codes, loss, violation)
        else:
            self._parts.take_given(codes)
            policy.knowledge.injected(codes, loss, violation, level)

    def lose(self, run: int) -> None:
        """The state of a run is gone. What is open of it begins anew, and is charged in full; else it is over."""
        known = self._needed("lose()").knowledge
        number = checks.integer("lose(run)", run)
        if number not in known.runs.all:
            raise ValueError(f"lose(run) must be the number of a run, got {number}.")
        with self._parts.whole(draws=False):
            known.lose(number)

    @property
    def fidelities(self) -> tuple[Any, ...]:
        """As they were given, cheapest first; none without."""
        return () if self._across is None else self._across.knowledge.fidelities.names

    @property
    def spent(self) -> float:
        """The cost of all that was told and reported."""
        return self._needed("spent").knowledge.spent

    @property
    def costs(self) -> dict[Any, float]:
        """What an evaluation from scratch is expected to cost at each fidelity: as given, or as learned."""
        known = self._needed("costs").knowledge
        return {name: known.prices.whole(i) for i, name in enumerate(known.fidelities.names)}

    @property
    def continuable(self) -> frozenset[int]:
        """Numbers of the runs whose state is worth keeping; that of any other may be dropped."""
        return frozenset(self._needed("continuable").knowledge.runs.continuable)

    def trust(self) -> dict[Any, float]:
        """How far each fidelity is believed to agree with the highest, as of the last ask: a correlation, -1 to 1."""
        policy = self._needed("trust()")
        return dict(zip(policy.knowledge.fidelities.names, policy.trust(), strict=True))

    @property
    def _across(self) -> Climbing | None:
        policy = self._parts.policy
        return policy if isinstance(policy, Climbing) else None

    def _needed(self, what: str) -> Climbing:
        """The policy. Raises RuntimeError without fidelities."""
        if (policy := self._across) is None:
            raise RuntimeError(f"{what} needs Minimizer(fidelities=...).")
        return policy


def _cost(where: str, value: object) -> float:
    cost = checks.real(where, value)
    if cost < 0:
        raise ValueError(f"{where} must not be negative, got {cost}.")
    return cost
