"""What `minimize` and `maximize` return."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import checks
from ..ask_tell.results import Best
from ..blackbox.history import History
from ..blackbox.minimizer import Minimizer
from ..html import described, table, text_of
from ..space.space import Space


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What a run found, with losses in the sign in which the objective returned them.

    >>> from asng_core import Integer, Space, minimize
    >>> result = minimize(lambda v: v["n"], Space({"n": Integer(0, 3)}), budget=9, seed=0)
    >>> result.values, result.loss, result.n_evaluations, result.stop_reason
    ({'n': 0}, 0.0, 4, 'space exhausted: every feasible point was evaluated')

    `values` and `loss`: the recommended point, in the user's values, and its loss. Without noise the best
    evaluation; under noise the evaluated point that a model of all evaluations trusts most, and the mean of
    its losses. Both raise RuntimeError with several objectives, and where no evaluation has succeeded.

    front: the evaluations that no other one dominates, `(values, loss, id)`; with one objective the best ones;
        under noise single evaluations, lucky ones among them.
    history: every evaluation: `codes`, `losses`, `violations`, `ids` as arrays, `values`, and `to_frame()`.
    n_evaluations: those paid for, over all runs with this checkpoint; n_failed: those of them that failed.
    stop_reason: why the run ended, in words.
    errors: why evaluations failed, by their id: of an exception that was caught its type, message and traceback.
    cost: what was paid, with fidelities; `values`, `loss` and `front` are then of the highest.
    call: the call that repeats the run, its seed included, as code.
    seconds: how long evaluations took, by their id: from when a worker got them to their end.
    attributes: what the objective said of them beside, by their id; see `Evaluation`.

    What ends a run by an exception, be it of the objective or of a callback, has the result so far as its attribute
    `result`; where that name is taken there, an `asng_core.loop.unfinished.Unfinished` that has it is raised from it.
    """

    best: Best | None = field(repr=False)
    front: list[Best]
    history: History
    n_evaluations: int
    n_failed: int
    stop_reason: str
    maximized: bool = False
    errors: dict[int, str] = field(default_factory=dict)
    call: str = ""
    seconds: dict[int, float] = field(default_factory=dict)
    attributes: dict[int, dict[str, Any]] = field(default_factory=dict)
    cost: float | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The recommended point, in the user's values."""
        return self._recommended("values").values

    @property
    def loss(self) -> float:
        """The recommended point's loss; under noise the mean of its losses."""
        return float(self._recommended("loss").loss)

    def _recommended(self, what: str) -> Best:
        if self.best is None:
            if self.n_objectives > 1:
                raise RuntimeError(f"Result.{what} is not defined for {self.n_objectives} objectives, none of which "
                                   "comes first. Choose from Result.front.")
            if self._unfinished:
                raise RuntimeError(f"Result.{what} is not defined, as no run has reached the highest fidelity for a "
                                   f"cost of {self.cost:g} ({self.stop_reason}).")
            raise RuntimeError(f"Result.{what} is not defined, as none of {self.n_evaluations} evaluations succeeded "
                               f"({self.n_failed} failed; {self.stop_reason}).")
        return self.best

    @property
    def _unfinished(self) -> bool:
        """With fidelities: whether evaluations succeeded, but none at the highest."""
        return self.best is None and self.cost is not None and self.n_evaluations > self.n_failed

    @property
    def n_objectives(self) -> int:
        """How many losses an evaluation has."""
        losses = self.history.losses
        return losses.shape[1] if losses.ndim > 1 else 1

    def plot(self, ax: Any = None) -> Any:
        """Draw every loss and the best so far, or with two objectives the front; the matplotlib Axes drawn on."""
        from .plot import draw  # matplotlib is loaded when it is needed

        highest = self.history.fidelities == max(len(self.history.fidelity_names) - 1, 0)
        return draw(self.history.losses[highest], self.best, self.front, self.maximized, ax)

    def report(self, path: str | os.PathLike[str], *, rivals: Mapping[str, Any] | None = None,
               title: str = "A search") -> None:
        """Write one HTML file to look at: what was found, which variables mattered, and what repeats the run.

        rivals: name -> what to compare with: the Result of another run, or the losses of one, in their order.

        Needs the extra `report`. A Result that was pickled has no space to report on: RuntimeError.
        """
        from ..report import run

        run.write(checks.path("Result.report(path)", path), self._searched(), _rivals(rivals),
                  title)

    def _searched(self) -> Any:
        from ..report.run import Searched

        if self.history.space is None:
            raise RuntimeError("Result.report() needs the space, which a pickle does not hold. Write the report where "
                               "the run was.")
        facts = [("failed", str(self.n_failed))] * bool(self.n_failed)
        return Searched(self.history.space, self.history, self.best, self.front, self.maximized,
                        [*facts, ("ended", self.stop_reason)], self.call, self.errors)

    def _repr_html_(self) -> str:
        found = {} if self.best is None else {"loss": text_of(self.loss), **self.best.values}
        rows = [("best", described(found))] * bool(found) + [
            ("points on the front", str(len(self.front)))] * (self.n_objectives > 1)
        return table(("result", ""), [*rows, ("evaluations", str(self.n_evaluations)), ("failed", str(self.n_failed)),
                                      ("ended", self.stop_reason), ("call", self.call)])

    def __repr__(self) -> str:
        failed = f", {self.n_failed} failed" * bool(self.n_failed)
        found = "no run has reached the highest fidelity" if self._unfinished else "no evaluation succeeded"
        if self.n_objectives > 1:
            found = f"front of {len(self.front)} points"
        if self.best is not None:
            found = f"loss {self.best.loss:.6g} at {checks.shown(self.best.values)}"
        return f"Result({found}; {self.n_evaluations} evaluations{failed}; {self.stop_reason})"


def _rivals(rivals: Mapping[str, Any] | None) -> dict[str, Any]:
    """Name -> `(n,)` losses."""
    found = {}
    for name, given in checks.mapping("Result.report(rivals=...)", rivals or {}).items():
        losses = np.asarray(given.history.losses if isinstance(given, Result) else given, dtype=np.float64)
        if losses.ndim != 1:
            raise ValueError(f"Result.report(rivals=...) must hold (n,) losses, or Results with one objective, got "
                             f"shape {losses.shape} for {name!r}.")
        found[str(name)] = losses
    return found


def negated(space: Space, history: History) -> History:
    """The same evaluations, with losses of the other sign."""
    state = history.state()  # copies: the optimizer's own history stays as it is
    other = History(space, history.fidelity_names)
    other.load(state | {"losses": -state["losses"]})
    return other


def averaged(optimizer: Minimizer, history: History) -> Best:
    """The recommended point, with the mean of its losses."""
    values = optimizer.recommend()
    codes, point = history.codes, optimizer.space.encode(values)
    # of all its evaluations: NaN, which differs from itself, stands for inactive continuous variables
    losses = history.losses[((codes == point) | (np.isnan(codes) & np.isnan(point))).all(axis=1)]
    losses = losses[~np.isnan(losses)]  # a point may fail now and then
    return Best(values, float(losses.mean()) if len(losses) else np.nan, None)
