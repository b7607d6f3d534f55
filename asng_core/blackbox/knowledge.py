"""All that a search at several fidelities has found out and has under way: its history, its runs, what they cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from .. import checks
from ..arrays import Bools, Codes, Floats, Ints
from ..ask_tell.candidate import Stage
from ..ask_tell.results import Told
from ..distribution.geometry import Geometry
from .fidelities import Fidelities, Prices
from .history import History
from .memo import Memo, keys
from .runs import Run, Runs, Table

KEPT = 100  # paused runs; by then the worst of them are far from the best


class Step(NamedTuple):
    """What may be asked: a draw `(n_variables,)`, its run, -1 if it is to begin, the level to reach; bound: whether
    the run is to go on to the highest."""

    draw: Floats
    run: int
    to: int
    bound: bool = False


class Model(Protocol):
    """Of all fidelities."""

    def of_known(self, rows: Ints) -> tuple[Floats, Floats]:
        """`(m,)` means and deviations at the highest fidelity of the points of these rows."""

    def losses(self, z: Floats) -> Floats | None:
        """What such means are in losses; None before there are any."""


class Knowledge:
    """once: no point is begun twice. spent: the cost of all that was told. improved_at: what was spent when the best
    came. least: its loss at the highest fidelity, inf before there is one."""

    def __init__(self, geometry: Geometry, fidelities: Fidelities, *, once: bool) -> None:
        self.geometry, self.fidelities, self.once = geometry, fidelities, once
        self.history = History(geometry.distribution.space, fidelities.names)
        self.table = Table(geometry, self.history, once=once)
        self.memo = Memo(geometry.distribution, geometry)
        self.prices, self.runs = Prices(fidelities), Runs()
        self.spent = self.improved_at = 0.0
        self.least = math.inf

    # what is asked

    def begin(self, number: int, step: Step, codes: Codes) -> None:
        """A step is going to be evaluated, by the candidate of this number."""
        run, to = step.run, step.to
        if run < 0:
            self._know(codes)
            run, now = number, Run(step.draw, self.table.row(codes, number), -1, to, number, True, step.bound)
        else:
            before = self.runs.all[run]
            now = before._replace(target=to, candidate=number, bound=before.bound or step.bound)
        self.runs.put(run, now)

    def price(self, step: Step) -> float:
        """Expected cost of a step."""
        return self.prices.step(self.runs.all[step.run].reached if step.run >= 0 else -1, step.to)

    def stage(self, candidate: int) -> Stage:
        """Of an open candidate."""
        number, run = self.runs.of(candidate)
        names = self.fidelities.names
        return Stage(names[run.target], number, None if run.reached < 0 else names[run.reached],
                     self.prices.step(run.reached, run.target))

    def _know(self, codes: Codes) -> None:
        if self.once:
            self.memo.known[keys(codes[None])[0]] = None

    # what comes in

    def result(self, result: Told, level: int) -> None:
        """Of an open candidate, which closes."""
        number, run = self.runs.of(result.id)
        self.spent += self.prices.step(run.reached, level) if result.cost is None else result.cost
        if result.cost is not None:
            self.prices.take(run.reached, level, result.cost)
        over = level == self.fidelities.last or math.isnan(result.loss) or not self.fidelities.continues
        self.runs.put(number, run._replace(reached=level, target=-1, candidate=-1, held=not over))
        self._take(result.id, result.codes, result.loss, result.violation, level, number)

    def injected(self, codes: Codes, loss: float, violation: float, level: int) -> None:
        """A result that nobody asked for."""
        self._know(codes)
        self._take(self.history.next_injected, codes, loss, violation, level, -1)

    def _take(self, number: int, codes: Codes, loss: float, violation: float, level: int, run: int) -> None:
        self.table.row(codes, number if run < 0 else run)
        self.history.append(number, codes, loss, violation, level, run)
        if level == self.fidelities.last and violation <= 0 and loss < self.least:
            self.least, self.improved_at = loss, self.spent

    def retire(self, means: Floats) -> None:
        """Of the paused runs only those that are believed best can go on from here: `(n_points,)` means."""
        paused = self.runs.paused
        judged = [(float(means[run.row]), number) for number, run in paused.items() if run.row < len(means)]
        for _, number in sorted(judged)[KEPT:]:
            self.runs.put(number, paused[number]._replace(held=False))

    def lose(self, number: int) -> None:
        """The state of a run is gone: what is open of it begins anew."""
        run = self.runs.all[number]
        self.runs.put(number, run._replace(reached=-1) if run.candidate >= 0 else run._replace(held=False))

    # what is known

    @property
    def firm(self) -> float:
        """What was spent on runs that have reached the highest fidelity, or are bound to."""
        last = self.fidelities.last
        return sum(self.prices.whole(run.reached) for run in self.runs.all.values()
                   if run.reached >= 0 and (run.bound or run.reached == last))

    @property
    def partial(self) -> Bools:
        """`(n_points,)`: of which something is known, but not at the highest fidelity, and no evaluation failed."""
        status = self.table.status
        return np.asarray((status >= 0).any(axis=1) & (status[:, -1] < 0) & ~self.table.failed)

    @property
    def under_way(self) -> Bools:
        """`(n_points,)`: which are being evaluated, or have a run that is bound to go on."""
        found = np.zeros(len(self.table), dtype=np.bool_)
        found[[self.runs.all[run].row for run in self.runs.open.values()]] = True
        found[[run.row for run in self.runs.paused.values() if run.bound]] = True
        return found

    def recommended(self, model: Model) -> tuple[Codes, float, float, int] | None:
        """`(n_variables,)` codes of the point believed best at the highest fidelity, mean and deviation of its loss
        there, NaN before there are any, and how often it was evaluated there. None if nothing was evaluated.

        Without noise, of the points that have succeeded there, if any has.
        """
        table, last = self.table, self.fidelities.last
        latest = last - np.argmax(table.status[:, ::-1] >= 0, axis=1)
        usable = np.take_along_axis(table.status, latest[:, None], axis=1)[:, 0] > 0
        usable &= ~table.failed | (latest == last if self.once else False)  # a failure below does not undo the highest
        if self.once and (usable & (latest == last)).any():
            usable &= latest == last
        rows = np.flatnonzero(usable)
        if not len(rows):
            return None
        means, deviations = model.of_known(rows)
        best = int(np.argmin(means))
        codes, mean, deviation = table.codes(rows)[best], means[best], deviations[best]
        found = model.losses(mean + deviation * np.array([-1.0, 0.0, 1.0]))
        low, middle, high = [math.nan] * 3 if found is None else found.tolist()
        same = np.array(keys(self.history.codes)) == keys(codes[None])[0]
        times = int((same & (self.history.fidelities == last)).sum())
        return codes, middle, (high - low) / 2, times

    # state

    def mark(self) -> tuple[Any, ...]:
        """What `back` needs."""
        return (self.history.mark(), self.table.mark(), self.memo.mark(), self.prices.mark(), self.runs.mark(),
                self.spent, self.improved_at, self.least)

    def back(self, mark: tuple[Any, ...]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        history, table, memo, prices, runs, self.spent, self.improved_at, self.least = mark
        self.history.back(history)
        self.table.back(table)
        self.memo.back(memo)
        self.prices.back(prices)
        self.runs.back(runs)

    def state(self) -> dict[str, Any]:
        known = np.frombuffer(b"".join(sorted(self.memo.known)), dtype=self.geometry.distribution.space.dtype)
        n = len(self.geometry.sizes)
        return {"history": self.history.state(), "points": self.table.state(), "prices": self.prices.state(),
                "runs": self.runs.state(n), "known": known.reshape(-1, n).copy(),
                "spent": self.spent, "improved_at": self.improved_at}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave, with what was asked and is open. Raises ValueError, TypeError or KeyError for
        anything else."""
        space, last = self.geometry.distribution.space, self.fidelities.last
        self.history.load(state["history"])
        self.table.load(state["points"])
        self.prices.load(state["prices"])
        draws = self.geometry.distribution.checked_draws(state["runs"]["draws"], len(state["runs"]["numbers"]))
        self.runs.load(state["runs"], draws, last, len(self.table))
        if sorted(self.runs.open) != list(state["open"]["ids"]):
            raise ValueError("every open candidate must be of a run.")
        if not set(self.history.runs.tolist()) <= {-1, *self.runs.all} or (
                self.history.ids >= state["n_asked"]).any() or max(self.runs.all, default=-1) >= state["n_asked"]:
            raise ValueError("what the history holds was not asked.")
        known = np.asarray(state["known"])
        self.memo.known = dict.fromkeys(keys(space.checked(known) if len(known) else known))
        self.spent = checks.real("spent", state["spent"])
        self.improved_at = checks.real("improved_at", state["improved_at"])
        if not 0 <= self.improved_at <= self.spent:
            raise ValueError("what was spent does not fit.")
        losses = self.history.losses[self.history.succeeded & (self.history.fidelities == last)]
        self.least = float(losses.min(initial=math.inf))
