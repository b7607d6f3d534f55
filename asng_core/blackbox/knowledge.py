"""All that a search at several fidelities knows and has under way: its history, its runs, its model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..ask_tell.candidate import Stage
from ..ask_tell.results import Told
from ..distribution.geometry import Geometry
from ..distribution.search_distribution import n_variables
from .fidelities import Fidelities, Prices
from .gaussian_process import length_scales
from .history import History
from .kernel import Kernel, rational_quadratic, squared_exponential
from .levels import Levels
from .memo import Memo, keys
from .posterior import Posterior
from .runs import Run, Runs, Table

KEPT = 100  # paused runs; by then the worst of them are far from the best
_NOISES = (0.01, 0.1, 0.3, 1.0)  # of a level, relative to the amplitude: also of what no neighbour tells
_RISKED = 0.35  # of an evaluation at the highest fidelity: nine or so beginnings
_SHARE = 0.1  # of the cost of runs that reach the highest fidelity
_FREE = 3.0  # times that what costs nothing is taken to cost less than what is above it


class Step(NamedTuple):
    """What may be asked: a draw `(n_variables,)`, its run, -1 if it is to begin, the level to reach; bound: whether
    the run is to go on to the highest."""

    draw: Floats
    run: int
    to: int
    bound: bool = False


class Knowledge:
    """once: no point is begun twice. spent: the cost of all that was told. improved_at: what was spent when the best
    came. least: its loss at the highest fidelity, inf before there is one."""

    def __init__(self, geometry: Geometry, fidelities: Fidelities, *, once: bool) -> None:
        self.geometry, self.fidelities, self.once = geometry, fidelities, once
        self.history = History(geometry.distribution.space, fidelities.names)
        self.table = Table(geometry, self.history, once=once)
        self.memo = Memo(geometry.distribution, geometry)
        self.prices, self.runs = Prices(fidelities), Runs()
        ratios = [above / below if below else _FREE
                  for below, above in pairwise(fidelities.costs)]
        self.levels = Levels([_posterior(geometry) for _ in fidelities.names], ratios, noisy=not once)
        self.spent = self.improved_at = 0.0
        self.least = math.inf
        self._fitted = 0  # rows of the history that the model knows of

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
        self.levels.add(to, now.row, self.table.features[now.row])

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
        row = self.table.row(codes, number if run < 0 else run)
        self.history.append(number, codes, loss, violation, level, run)
        self.levels.observe(level, row, self.table.features[row])
        if level == self.fidelities.last and violation <= 0 and loss < self.least:
            self.least, self.improved_at = loss, self.spent

    def retire(self) -> None:
        """Of the paused runs only those that are believed best can go on from here."""
        paused, means = self.runs.paused, self.levels.means
        if len(paused) > KEPT:
            judged = [(float(means[run.row]), number) for number, run in paused.items() if run.row < len(means)]
            for _, number in sorted(judged)[KEPT:]:
                self.runs.put(number, paused[number]._replace(held=False))

    def lose(self, number: int) -> None:
        """The state of a run is gone: what is open of it begins anew."""
        run = self.runs.all[number]
        self.runs.put(number, run._replace(reached=-1, held=run.candidate >= 0))

    def learn(self, rng: np.random.Generator | None = None) -> None:
        """Let the model know of all that has come in; with `rng` it acts on some of what may be, see `Levels`."""
        if self._fitted < len(self.history):
            uniforms = None if rng is None else rng.random(len(self.levels.levels))
            self.levels.fit(self.table.features, self.table.losses, self.table.status, uniforms)
            self._fitted = len(self.history)

    @property
    def speculates(self) -> bool:
        """Whether what was spent on runs that may never reach the highest fidelity is as much as is to be risked.

        That is a part of an evaluation there to begin with, and a share of what the others cost: by the odds that the
        low fidelities are good for anything, squared, since what is to be lost is known and what is to be won is not;
        and no more than _SHARE, since what tells the good from the bad may not tell the best from each other.
        """
        last = self.fidelities.last
        firm = sum(self.prices.whole(run.reached) for run in self.runs.all.values()
                   if run.reached >= 0 and (run.bound or run.reached == last))
        share = min(self.levels.odds() ** 2, _SHARE)
        return self.spent - firm > _RISKED * self.prices.whole(last) + share * firm

    # what it says

    def recommended(self) -> tuple[Codes, float, float, int] | None:
        """`(n_variables,)` codes of the point believed best at the highest fidelity, mean and deviation of its loss
        there, NaN before there are any, and how often it was evaluated there. None if nothing was evaluated.

        What is learned for it is forgotten, so that asking moves no search.
        """
        mark, fitted = self.levels.mark(), self._fitted
        try:
            self._fitted = -1  # not as it was acted on
            self.learn()
            table, levels = self.table, self.levels
            latest = len(levels.levels) - 1 - np.argmax(table.status[:, ::-1] >= 0, axis=1)
            usable = (np.take_along_axis(table.status, latest[:, None], axis=1)[:, 0] > 0) & ~table.failed
            rows = np.flatnonzero(usable)
            if not len(rows):
                return None
            # under noise what is told is not the truth
            beliefs = levels.beliefs(table.features[rows], levels.z[rows] if self.once else np.full(
                (len(rows), len(levels.levels)), np.nan))
            best = int(np.argmin(beliefs.means))
            codes, mean, deviation = table.codes(rows)[best], beliefs.means[best], beliefs.deviations[best]
            found = levels.levels[-1].losses(mean + deviation * np.array([-1.0, 0.0, 1.0]))
            low, middle, high = [math.nan] * 3 if found is None else found.tolist()
            same = np.array(keys(self.history.codes)) == keys(codes[None])[0]
            times = int((same & (self.history.fidelities == self.fidelities.last)).sum())
            return codes, middle, (high - low) / 2, times
        finally:
            self.levels.back(mark)
            self._fitted = fitted

    # state

    def mark(self) -> tuple[Any, ...]:
        """What `back` needs."""
        return (self.history.mark(), self.table.mark(), self.memo.mark(), self.prices.mark(), self.runs.mark(),
                self.levels.mark(), self.spent, self.improved_at, self.least, self._fitted)

    def back(self, mark: tuple[Any, ...]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        (history, table, memo, prices, runs, levels, self.spent, self.improved_at, self.least, self._fitted) = mark
        self.history.back(history)
        self.table.back(table)
        self.memo.back(memo)
        self.prices.back(prices)
        self.runs.back(runs)
        self.levels.back(levels)

    def state(self) -> dict[str, Any]:
        known = np.frombuffer(b"".join(sorted(self.memo.known)), dtype=self.geometry.distribution.space.dtype)
        n = len(self.geometry.sizes)
        return {"history": self.history.state(), "points": self.table.state(), "prices": self.prices.state(),
                "runs": self.runs.state(n), "levels": self.levels.state(), "known": known.reshape(-1, n).copy(),
                "spent": self.spent, "improved_at": self.improved_at, "fitted": self._fitted}

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
        self.levels.load(state["levels"], len(self.table))
        known = np.asarray(state["known"])
        self.memo.known = dict.fromkeys(keys(space.checked(known) if len(known) else known))
        self.spent = checks.real("spent", state["spent"])
        self.improved_at = checks.real("improved_at", state["improved_at"])
        self._fitted = checks.integer("fitted", state["fitted"], minimum=0)
        if self._fitted > len(self.history) or not 0 <= self.improved_at <= self.spent:
            raise ValueError("what was spent and learned does not fit the history.")
        losses = self.history.losses[self.history.succeeded & (self.history.fidelities == last)]
        self.least = float(losses.min(initial=math.inf))


def _posterior(geometry: Geometry) -> Posterior:
    space = geometry.distribution.space
    shape = squared_exponential if space.continuous.any() else rational_quadratic
    kernel = Kernel(geometry.variables, n_variables(space), length_scales(geometry.spacing), _NOISES, shape=shape)
    return Posterior(kernel, len(geometry.variables))
