"""The books of a search at several fidelities: which runs there are, and what is known of which point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..arrays import Bools, Codes, Floats, Ints
from ..distribution.geometry import Geometry
from .history import History
from .memo import keys


class Run(NamedTuple):
    """One training, say: a draw `(n_variables,)` and its row in the table; reached: the level from which it can go on,
    -1 if it would begin. candidate: the id of the open one, and target, the level that it is to reach; -1 if none is.
    held: whether there is something to go on from, as far as is known. bound: whether it is to go on to the end."""

    draw: Floats
    row: int
    reached: int
    target: int
    candidate: int
    held: bool
    bound: bool


class Runs:
    """By their number, which is the id of the candidate that began it."""

    def __init__(self) -> None:
        self.all: dict[int, Run] = {}
        self.open: dict[int, int] = {}  # id of a candidate -> its run

    def of(self, candidate: int) -> tuple[int, Run]:
        """Number and run of an open candidate."""
        number = self.open[candidate]
        return number, self.all[number]

    def put(self, number: int, run: Run) -> None:
        """A run as it is from now on."""
        before = self.all.get(number)
        if before is not None and before.candidate >= 0:
            self.open.pop(before.candidate, None)
        self.all[number] = run
        if run.candidate >= 0:
            self.open[run.candidate] = number

    @property
    def paused(self) -> dict[int, Run]:
        """Those that can be continued, and are not being."""
        return {number: run for number, run in self.all.items() if run.held and run.candidate < 0}

    @property
    def continuable(self) -> list[int]:
        """Numbers of those whose state is worth keeping."""
        return [number for number, run in self.all.items() if run.held and run.reached >= 0]

    def mark(self) -> tuple[dict[int, Run], dict[int, int]]:
        return self.all.copy(), self.open.copy()

    def back(self, mark: tuple[dict[int, Run], dict[int, int]]) -> None:
        all_, open_ = mark
        self.all, self.open = all_.copy(), open_.copy()

    def state(self, n_variables: int) -> dict[str, Any]:
        runs = list(self.all.values())
        return {"numbers": list(self.all), "draws": np.array([run.draw for run in runs]).reshape(-1, n_variables),
                **{name: [getattr(run, name) for run in runs] for name in Run._fields[1:]}}

    def load(self, state: Mapping[str, Any], draws: Floats, last: int, n_rows: int) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        numbers = [checks.integer("a run", each, minimum=0) for each in state["numbers"]]
        columns = [[checks.integer(name, each, minimum=-1) for each in state[name]]
                   for name in ("row", "reached", "target", "candidate")]
        truths = [[checks.truth(name, each) for each in state[name]] for name in ("held", "bound")]
        if len(set(numbers)) < len(numbers):
            raise ValueError("runs must have numbers of their own.")
        self.all, self.open = {}, {}
        for number, draw, row, reached, target, candidate, *more in zip(numbers, draws, *columns, *truths,
                                                                        strict=True):
            if not (0 <= row < n_rows and reached <= last and (target < 0) == (candidate < 0) and target <= last
                    and (target < 0 or target > reached) and candidate not in self.open):
                raise ValueError("a run must be of a known point, and go up.")
            self.put(number, Run(draw, row, reached, target, candidate, *more))


class Table:
    """What is known of each point, a row each, in the order in which they were first asked or injected.

    once: whether a point has one row; else, under noise, every run and every injected result has its own.
    losses, status: `(n, n_levels)`, as `Levels.fit` takes them. Of several results at one level the last counts.
    failed: `(n,)` points of which an evaluation failed.
    """

    def __init__(self, geometry: Geometry, history: History, *, once: bool) -> None:
        self._geometry, self._history, self._once = geometry, history, once
        self._rows: dict[tuple[bytes, int], int] = {}
        self._codes: list[Codes] = []
        self._clear()

    def _clear(self) -> None:
        n_levels = len(self._history.fidelity_names)
        self._read = 0  # rows of the history
        self._features = np.empty((0, len(self._geometry.variables)))
        self._losses = np.empty((0, n_levels))
        self._status = np.empty((0, n_levels), dtype=np.int64)

    def row(self, codes: Codes, number: int) -> int:
        """That of a point `(n_variables,)` and the number of a run, or of an injected result; new if need be."""
        key = keys(codes[None])[0], 0 if self._once else number
        if key not in self._rows:
            self._rows[key] = len(self._codes)
            self._codes.append(codes)
        return self._rows[key]

    def find(self, codes: Codes) -> int | None:
        """The row of a point `(n_variables,)`, if it has one; under noise, where it may have several, None."""
        return self._rows.get((keys(codes[None])[0], 0)) if self._once else None

    def __len__(self) -> int:
        return len(self._codes)

    def codes(self, rows: Ints) -> Codes:
        """`(m, n_variables)` of some rows."""
        none = np.empty((0, len(self._geometry.sizes)), dtype=self._geometry.distribution.space.dtype)
        return np.array([self._codes[row] for row in rows.tolist()], dtype=none.dtype).reshape(-1, none.shape[1])

    @property
    def features(self) -> Floats:
        """`(n, n_features)`."""
        if (known := len(self._features)) < len(self._codes):
            codes = self.codes(np.arange(known, len(self._codes)))
            # an inactive variable is 0 in either sign, by what its distribution is now; + 0.0 makes that one
            new = self._geometry.features(self._geometry.distribution.draws(codes)) + 0.0
            self._features = np.concatenate([self._features, new])
        return self._features

    @property
    def losses(self) -> Floats:
        self._follow()
        return self._losses

    @property
    def status(self) -> Ints:
        self._follow()
        return self._status

    @property
    def failed(self) -> Bools:
        return np.asarray(((self.status == 0) & np.isnan(self._losses)).any(axis=1))

    def _follow(self) -> None:
        """Catch up with the history."""
        history, missing = self._history, len(self._codes) - len(self._losses)
        if missing:
            width = self._losses.shape[1]
            self._losses = np.concatenate([self._losses, np.full((missing, width), np.nan)])
            self._status = np.concatenate([self._status, np.full((missing, width), -1, dtype=np.int64)])
        if self._read == len(history):
            return
        new = slice(self._read, len(history))
        numbers = np.where(history.ids[new] < 0, history.ids[new], history.runs[new])
        for codes, number, level, loss, good in zip(
                history.codes[new], numbers.tolist(), history.fidelities[new].tolist(), history.losses[new].tolist(),
                history.succeeded[new].tolist(), strict=True):
            at = self.row(codes, number), level
            self._losses[at], self._status[at] = loss, int(good)
        self._read = len(history)

    def mark(self) -> int:
        return len(self._codes)

    def back(self, mark: int) -> None:
        """Be as at `mark()`, the history being so already. It may be called again with the same mark."""
        while len(self._rows) > mark:
            self._rows.popitem()
        del self._codes[mark:]
        self._clear()

    def state(self) -> dict[str, Any]:
        return {"codes": self.codes(np.arange(len(self._codes))), "numbers": [number for _, number in self._rows]}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave, the history being loaded. Raises ValueError, TypeError or KeyError for anything
        else."""
        codes, numbers = np.asarray(state["codes"]), [checks.integer("a number", each) for each in state["numbers"]]
        self._rows, self._codes = {}, []
        self._clear()
        if len(codes):
            codes = self._geometry.distribution.space.checked(codes)
        for each, number in zip(codes, numbers, strict=True):
            self.row(each, number)
        _ = self.losses
        if len(self._codes) != len(codes):
            raise ValueError("points must be told apart, and those of the history be among them.")
