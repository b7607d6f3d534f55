"""What a run knows, in the user's sign: the optimizer, what failed and why, what is to be evaluated again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..ask_tell.candidate import Batch, Candidate
from ..ask_tell.frames import results
from ..ask_tell.results import Best
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from .continued import Reached
from .evaluation import Evaluation
from .handing import Handing
from .result import Result, averaged, negated
from .states import States


class Books:
    """Of one run. With `sign` -1 the optimizer is told the losses negated.

    initial: points, or parts of some, that are asked first. again: candidates asked in a run that this one goes on
    with, and not evaluated. errors, seconds, attributes: why evaluations failed, how long they took, and what else they
    said, by id. exhausted: what the optimizer said when it had no more points. call: what
    repeats the run.
    noted: called with every event before the next; see `journal`.
    torn: whether the optimizer was stopped half way through something, so that its state is not to be kept.
    handing: of states from which runs go on, where there are fidelities.
    """

    def __init__(self, optimizer: Minimizer, sign: float, initial: Sequence[Mapping[str, Any]] = ()) -> None:
        self.optimizer, self.sign, self._initial = optimizer, sign, initial
        self.again: list[Candidate] = []
        self.errors: dict[int, str] = {}
        self.seconds: dict[int, float] = {}
        self.attributes: dict[int, dict[str, Any]] = {}
        self.exhausted: SpaceExhausted | None = None
        self.noted: Callable[[dict[str, Any]], object] = lambda event: None
        self.torn, self.call = False, ""
        self.handing = Handing(optimizer, lambda event: self.noted(event))
        self._taken = self._taken_failed = 0  # evaluations that no candidate here stands for

    @property
    def name(self) -> str:
        return "minimize" if self.sign > 0 else "maximize"

    @property
    def n_evaluations(self) -> int:
        return self.optimizer.n_told + self._taken

    @property
    def cost(self) -> float:
        """Of all evaluations, with fidelities."""
        return self.optimizer.spent

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Of one evaluation's losses; None while none has succeeded."""
        return self.optimizer.history.shape

    @property
    def best(self) -> Best | None:
        """The best evaluation; None before there is one, and with several objectives."""
        best = None if self.shape else self.optimizer.best
        return None if best is None else best._replace(loss=self.sign * best.loss)

    def know(self, frame: Any) -> None:
        """Take results that were paid for elsewhere, before anything is asked."""
        for row in results(self.optimizer.space, frame, f"{self.name}(known=...)"):
            values = self.optimizer.space.values(row.codes[None])[0]
            fidelity = row.fidelity if self.optimizer.fidelities else None
            self.optimizer.inject(values, self._signed(row.loss), violation=row.violation, fidelity=fidelity)

    def ask(self, n: int, budget: float | None = None) -> list[Candidate]:
        """Up to `n` candidates to evaluate, first those of `again`. budget: of all costs, those of what is open too."""
        again, self.again = self.again[:n], self.again[n:]
        new: list[Candidate] = []
        if len(again) < n and self.exhausted is None:
            limit = None
            if budget is not None:  # sums of costs may miss it by rounding
                limit = budget * (1 + 1e-9) - self.cost - sum(each.cost or 0.0 for each in self.optimizer.pending)
            new = self.asked(n - len(again), limit)
        return again + new

    def asked(self, n: int, limit: float | None = None) -> list[Candidate]:
        """Up to `n` new candidates, which cost no more than `limit`."""
        self.torn, new, left = True, list[Candidate](), limit
        try:
            for point in self._initial[self.optimizer.n_asked:][:n]:
                found = self._asked_at(point, left)
                left = None if left is None else left - sum(each.cost or 0.0 for each in found)
                new += found
            if len(new) < n:
                new += self.optimizer.ask(n - len(new), max_cost=left)
        except SpaceExhausted as exhausted:
            self.exhausted = exhausted
        self.noted({"ask": n, "got": len(new), **({} if limit is None else {"max_cost": limit})})
        self.torn = False
        return new

    def _asked_at(self, point: Mapping[str, Any], limit: float | None) -> Batch:
        """A candidate with these values; any other one where all such are known."""
        try:
            return self.optimizer.ask(1, fixed=point, max_cost=limit)
        except SpaceExhausted:
            return self.optimizer.ask(1, max_cost=limit)

    def tell(self, candidates: list[Candidate], given: list[Evaluation], why: dict[int, str],
             seconds: float | None, reached: Sequence[Reached] = ()) -> None:
        """Take what each candidate's evaluation gave: a float or a tuple, None if it failed. `why`: by id. reached:
        from where their runs can go on, with fidelities."""
        self.torn = True
        event = {"tell": [each.id for each in candidates], "codes": [each.codes.tolist() for each in candidates],
                 "losses": [each.loss for each in given], "why": why, "seconds": seconds,
                 "violations": [each.violation for each in given],
                 "attributes": [dict(each.attributes) for each in given]}
        if self.optimizer.fidelities:
            event["fidelities"] = self.handing.taken(candidates, reached)
        self.noted(event)
        self._note([each.id or 0 for each in candidates], given, why, seconds)
        self.optimizer.tell(candidates, [self._signed(each.loss) for each in given], [each.violation for each in given])
        self.handing.tidy()
        self.torn = False

    def _note(self, ids: list[int], given: list[Evaluation], why: dict[int, str], seconds: float | None) -> None:
        self.errors.update(why)
        self.seconds.update({} if seconds is None else dict.fromkeys(ids, seconds))
        self.attributes.update((number, dict(each.attributes)) for number, each in zip(ids, given, strict=True)
                               if each.attributes)

    def begin(self, states: States) -> None:
        """With fidelities, before anything is evaluated: the states that there are."""
        self.handing.begin(states)
        self.again = list(self.optimizer.pending)  # some of which may begin anew

    def take(self, codes: list[list[float]], given: list[Evaluation], why: list[str | None],
             seconds: list[float | None], levels: list[int | None]) -> None:
        """Evaluations of points that the optimizer has not asked. Raises ValueError for what is no point."""
        space = self.optimizer.space
        rows = np.array(codes, dtype=np.float64).reshape(-1, len(space))
        with np.errstate(invalid="ignore"):
            points = rows.astype(space.dtype)
        if not np.array_equal(points, rows, equal_nan=True):
            raise ValueError("codes of a space without a continuum must be integers.")
        points = space.checked(points)
        for row, each, text, took, level in zip(space.values(points), given, why, seconds, levels, strict=True):
            number = self.optimizer.history.next_injected
            self._taken += 1
            self._taken_failed += each.loss is None
            self.optimizer.inject(row, self._signed(each.loss), violation=each.violation,
                                  fidelity=None if level is None else self.optimizer.fidelities[level])
            self._note([number], [each], {} if text is None else {number: text}, took)

    def _signed(self, loss: Any) -> Any:
        """A loss in the optimizer's sign, or in the user's again; NaN for None, a failure."""
        if isinstance(loss, tuple):
            return tuple(self.sign * each for each in loss)
        return np.nan if loss is None else self.sign * loss

    def state(self) -> dict[str, Any]:
        """The optimizer's, with what is ours under "minimize"."""
        by_id = {name: [[number, each] for number, each in getattr(self, name).items()]
                 for name in ("errors", "seconds", "attributes")}
        extras = {"maximize": self.sign < 0, "taken": [self._taken, self._taken_failed], **by_id}
        return {**self.optimizer.state_dict(), "minimize": extras}

    def load(self, state: dict[str, Any], failed: tuple[int, ...]) -> None:
        """Go on from a state, and nothing else. Raises ValueError if it is not one."""
        self.optimizer.load_state_dict(state)
        extras = state.get("minimize", {})
        self.exhausted = None
        self.errors, self.seconds, self.attributes = (dict(extras.get(name, []))
                                                      for name in ("errors", "seconds", "attributes"))
        self._taken, self._taken_failed = extras.get("taken", [0, 0])
        if told := [candidate for candidate in self.optimizer.pending if candidate.id in failed]:
            self.optimizer.tell(told, [np.nan] * len(told))
        self.again = list(self.optimizer.pending)

    def result(self, reason: str) -> Result:
        """After which nothing may be told."""
        optimizer = self.optimizer
        history = optimizer.history
        if self.sign < 0:
            history = negated(optimizer.space, history)
        best = self.best
        if best is not None and optimizer.noisy and not optimizer.fidelities:
            best = averaged(optimizer, history)
        front = [each._replace(loss=self._signed(each.loss)) for each in optimizer.front]
        return Result(best, front, history, optimizer.n_told + self._taken, optimizer.n_failed + self._taken_failed,
                      reason, self.sign < 0, dict(self.errors), self.call, dict(self.seconds),
                      dict(self.attributes), self.cost if optimizer.fidelities else None)
