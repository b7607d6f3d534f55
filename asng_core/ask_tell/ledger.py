"""The books of asking and telling: which candidates are open, which results wait for an update, what was best."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..distribution.pins import Pins, codes_of
from ..distribution.rejection import quarter
from ..distribution.search_distribution import SearchDistribution
from . import rules
from .candidate import Batch
from .late import MAX_AGE, Past
from .results import Best, Drawn, Gathered, Told, failed


class Ledger:
    """Of one optimizer, around its distribution, which it reads and never moves.

    generation: updates so far. past: the distributions that open and waiting draws are of.
    """

    def __init__(self, distribution: SearchDistribution) -> None:
        self._distribution, self._space = distribution, distribution.space
        self._open: dict[int, Drawn] = {}  # asked and not told, by id
        self._newest: Batch | None = None  # asked by the last call
        self._waiting: list[Told] = []  # told and not used
        self._closed: list[tuple[int, Drawn]] = []  # by the call under way
        self._rejected: list[Drawn] = []  # broke a constraint, not used
        self._best: tuple[Codes, float, int | None] | None = None  # codes, loss, id (None if injected)
        self.past = Past()
        self.n_asked = self.n_told = self.n_failed = self.generation = 0

    def mark(self) -> tuple[Any, ...]:
        """What `back` needs."""
        self._closed = []
        return (self._waiting, len(self._waiting), self._rejected, len(self._rejected), self._best, self.past.mark(),
                self.n_asked, self.n_told, self.n_failed, self.generation)

    def back(self, mark: tuple[Any, ...]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        (self._waiting, n_waiting, self._rejected, n_rejected, self._best, past,
         self.n_asked, self.n_told, self.n_failed, self.generation) = mark
        del self._waiting[n_waiting:], self._rejected[n_rejected:]
        self.past.back(past)
        open_ = {**self._open, **dict(self._closed)}
        self._open = {number: open_[number] for number in sorted(open_) if number < self.n_asked}

    def ask(self, draws: Floats, pinned: Pins | None) -> Batch:
        """Open `(n, n_variables)` draws: the candidates that stand for them."""
        ids = range(self.n_asked, self.n_asked + len(draws))
        generation = self.generation
        for number, draw in zip(ids, draws, strict=True):
            self._open[number] = Drawn(draw, generation, pinned)
        self.past.remember(generation, self._distribution.theta)  # to weigh their results if they come late
        self.n_asked += len(draws)
        self._newest = Batch(self._space, codes_of(self._distribution, draws, pinned), ids)
        return self._newest

    def reject(self, draws: Floats, pinned: Pins | None) -> None:
        """Keep draws that broke a constraint for the next update (see `rejection.quarter`)."""
        if not len(draws):
            return
        self._rejected += [Drawn(draw, self.generation, pinned) for draw in draws]

    def opened(self, batch: Batch) -> dict[int, Drawn]:
        """Ids and draws of candidates that are open. Raises ValueError for any other."""
        ids = rules.open_ids(batch.ids, self._open, self.n_asked)
        drawn = [self._open[number] for number in ids]
        # another optimizer's candidates may have ids that are open here; their codes tell
        if batch is not self._newest and not _same_codes(self._codes(drawn), batch.codes):
            raise ValueError("tell(candidates) takes candidates that this optimizer asked, but these are of another.")
        return dict(zip(ids, drawn, strict=True))

    def tell(self, batch: Batch, losses: list[Any], violations: list[float],
             costs: Sequence[float | None] | None = None, counts: Callable[[int], bool] | None = None) -> list[Told]:
        """Close candidates: their results, those whose ids count wait to be gathered.

        Raises ValueError, with nothing changed, for candidates that are not open.
        """
        opened = self.opened(batch)
        self._closed = list(opened.items())
        results = list(map(Told, opened.values(), opened, batch.codes, losses, violations,
                           costs or [None] * len(opened)))
        for number in opened:
            del self._open[number]
        self.n_told += len(opened)
        self.n_failed += sum(map(failed, losses))
        oldest = self.generation - MAX_AGE  # older ones were told, and count for `best`, but move nothing
        self._waiting += [result for result in results
                          if result.drawn.generation >= oldest and (counts is None or counts(result.id))]
        return results

    def gather(self, population_size: int) -> Gathered | None:
        """Begin a generation with all that waits, once it numbers `population_size`; None before."""
        if len(self._waiting) < population_size:
            return None
        gathered = Gathered(self._waiting, self._rejected[-quarter(len(self._waiting)):])  # the newest rejected
        self._waiting, self._rejected = [], []
        self.generation += 1
        return gathered

    def drop_past(self) -> None:
        """Forget the distributions that no open draw is of."""
        self.past.keep(self._open.values(), self.generation)

    def note_best(self, codes: Codes, loss: Any, violation: float, number: int | None) -> None:
        """Compare a result with the best one; of several objectives none comes first."""
        if isinstance(loss, tuple) or math.isnan(loss) or violation > 0:
            return
        if self._best is None or loss < self._best[1]:  # not <=: the first of equals stays
            self._best = codes, loss, number

    @property
    def best(self) -> Best | None:
        """The best feasible evaluation, the first of equals."""
        if self._best is None:
            return None
        codes, loss, number = self._best
        return Best(self._space.values(codes[None])[0], loss, number)

    @property
    def best_codes(self) -> list[Codes]:
        """`(n_variables,)` codes of the best evaluation, as a list of one, or of none."""
        return [] if self._best is None else [self._best[0]]

    @property
    def pending(self) -> Batch:
        """The open candidates, in the order asked."""
        # a dict keeps the order in which they were asked
        return Batch(self._space, self._codes(list(self._open.values())), list(self._open))

    def asked(self) -> Codes:
        """`(n, n_variables)` codes of all that is open or waiting, and of the best."""
        codes = [self.pending.codes, *(each.codes[None] for each in self._waiting)]
        return np.concatenate([*codes, *(each[None] for each in self.best_codes)])

    def state(self) -> dict[str, Any]:
        """As plain scalars, lists, dicts and arrays: draws are kept, and codes that follow from them are not."""
        best, waiting = self._best, self._waiting
        return {
            "past": self.past.state(len(self._distribution.theta)),
            "open": {"ids": list(self._open), **self._drawn_state(list(self._open.values()))},
            "waiting": {"ids": [each.id for each in waiting], "losses": [each.loss for each in waiting],
                        "violations": [each.violation for each in waiting],
                        **self._drawn_state([each.drawn for each in waiting])},
            "rejected": self._drawn_state(self._rejected),
            "best": None if best is None else {"codes": best[0].copy(), "loss": best[1], "id": best[2]},
            "n_asked": self.n_asked, "n_told": self.n_told, "n_failed": self.n_failed, "generation": self.generation,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave, the distribution's being loaded. Raises ValueError, TypeError or KeyError for
        anything else."""
        self.n_asked, self.n_told, self.n_failed, self.generation = (
            checks.integer(key, state[key], minimum=0) for key in ("n_asked", "n_told", "n_failed", "generation"))
        self.past.load(state["past"], self._distribution)
        ids = [checks.integer("an open id", number, minimum=0) for number in state["open"]["ids"]]
        self._open = dict(zip(ids, self._load_drawn(state["open"], len(ids)), strict=True))
        self._waiting = self._load_waiting(state["waiting"])
        self._rejected = self._load_drawn(state["rejected"], len(state["rejected"]["draws"]))
        used = ids + [each.id for each in self._waiting]
        if ids != sorted(ids) or len(set(used)) < len(used) or max(used, default=-1) >= self.n_asked:
            raise ValueError("ids must be distinct, in order, and of candidates that were asked.")
        if self.n_told + len(ids) != self.n_asked or self.n_failed > self.n_told:
            raise ValueError("the numbers of candidates asked, open, told and failed do not fit each other.")
        best = state["best"]
        if best is not None:
            number = None if best["id"] is None else checks.integer("best id", best["id"], minimum=0)
            if rules.loss(best["loss"]) != best["loss"] or np.ndim(best["codes"]) != 1:
                raise ValueError("the best result must have a loss and the codes of one point.")
            self._best = self._space.checked(best["codes"]), rules.loss(best["loss"]), number

    def _load_waiting(self, state: Mapping[str, Any]) -> list[Told]:
        losses = [tuple(map(rules.loss, loss)) if isinstance(loss, (list, tuple)) else rules.loss(loss)
                  for loss in state["losses"]]
        drawn = self._load_drawn(state, len(losses))
        codes = self._codes(drawn)
        violations = rules.violations(state["violations"], len(losses)).tolist()
        ids = [checks.integer("a waiting id", number, minimum=0) for number in state["ids"]]
        return [Told(*each) for each in zip(drawn, ids, codes, losses, violations, strict=True)]

    @property
    def waiting_losses(self) -> list[Any]:
        """Of the results that wait."""
        return [each.loss for each in self._waiting]

    def _codes(self, drawn: list[Drawn]) -> Codes:
        """`(n, n_variables)`."""
        codes = self._distribution.codes(self._stacked(drawn))
        for row, each in enumerate(drawn):
            if each.pinned is not None:
                codes[row] = each.pinned.exactly(codes[row])
        return codes

    def _stacked(self, drawn: list[Drawn]) -> Floats:
        """`(n, n_variables)`, also of none."""
        return np.array([each.draw for each in drawn], dtype=np.float64).reshape(-1, len(self._space))

    def _drawn_state(self, drawn: list[Drawn]) -> dict[str, Any]:
        pins = [each.pinned for each in drawn]
        return {"draws": self._stacked(drawn), "generations": [each.generation for each in drawn],
                "pinned": [[] if each is None else np.flatnonzero(each.columns).tolist() for each in pins],
                "exact": [[] if each is None else each.codes[each.columns].tolist() for each in pins]}

    def _load_drawn(self, state: Mapping[str, Any], n: int) -> list[Drawn]:
        d = len(self._space)
        draws = self._distribution.checked_draws(state["draws"], n)
        generations = [checks.integer("a generation", each, minimum=0) for each in state["generations"]]
        if max(generations, default=0) > self.generation:
            raise ValueError("a draw is of a generation to come.")
        if self.generation in generations:
            self.past.remember(self.generation, self._distribution.theta)
        if any(each not in self.past and each >= self.generation - MAX_AGE for each in generations):
            raise ValueError("the distribution of a draw is missing.")
        pinned = [[checks.integer("a pinned column", column, minimum=0) for column in each]
                  for each in state["pinned"]]
        if any(column >= d for each in pinned for column in each):
            raise ValueError(f"pinned columns must be below {d}.")
        exact = state.get("exact", [None] * n)  # files of 0.1's first weeks have none
        pins = [self._load_pins(*each) for each in zip(draws, pinned, exact, strict=True)]
        return [Drawn(*each) for each in zip(draws, generations, pins, strict=True)]

    def _load_pins(self, draw: Floats, columns: list[int], exact: Any) -> Pins | None:
        if not columns:
            return None
        codes = self._distribution.codes(draw[None])[0]
        if exact is not None:
            codes[columns] = exact
            codes = self._space.checked(codes)
            if not np.allclose(self._distribution.draws(codes[None])[0][columns], draw[columns], rtol=0, atol=1e-9):
                raise ValueError("a draw is not of what it was pinned to.")
        return Pins(np.isin(np.arange(len(draw)), columns), draw, codes)


def _same_codes(a: Codes, b: Codes) -> bool:
    if a.shape != b.shape:
        return False
    if a.dtype == b.dtype and a.tobytes() == b.tobytes():  # the usual case, in a third of the time
        return True
    equal = a == b
    return bool(equal.all()) or bool((equal | ((a != a) & (b != b))).all())  # NaN where inactive
