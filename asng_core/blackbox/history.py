"""Every evaluation, in the order told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bools, Codes, Floats, Ints
from ..ask_tell import rules
from ..space.space import Space


class History:
    """Rows of evaluations, as arrays that are read-only.

    `codes` `(n, n_variables)`, `losses` `(n,)` or `(n, n_objectives)`, `violations` `(n,)`, `ids` `(n,)`,
    negative for an injected one. With fidelities, `names` of theirs, a row is of one of them, and a candidate may have
    several rows: `fidelities` `(n,)` are positions in `names`, `runs` `(n,)` numbers of runs, -1 of an injected one.

    >>> from asng_core import Integer, Space, minimize
    >>> history = minimize(lambda v: v["n"] / 2, Space({"n": Integer(4, 4)}), budget=1, seed=0).history
    >>> history.values, history.losses, history.records()
    ([{'n': 4}], array([2.]), [{'id': 0, 'n': 4, 'loss': 2.0, 'violation': 0.0}])

    A pickle holds the values in place of the space, and takes in no more.
    """

    def __init__(self, space: Space, names: tuple[Any, ...] = ()) -> None:
        self._space: Space | None = space
        self.fidelity_names = names
        self._names, self._values = space.names, list[dict[str, Any]]()
        self._n = self._n_injected = 0
        # rows from n on are room to grow; public arrays are views of the first n
        self._arrays: dict[str, NDArray[Any]] = {
            "codes": np.empty((0, len(space)), dtype=space.dtype), "losses": np.empty(0),
            "violations": np.empty(0), "ids": np.empty(0, dtype=np.int64)}
        if names:
            self._arrays |= {name: np.empty(0, dtype=np.int64) for name in ("fidelities", "runs")}
        self._rows: dict[int, int] = {}  # id -> row

    @property
    def space(self) -> Space | None:
        """Of the points; None in a history that was pickled."""
        return self._space

    @property
    def codes(self) -> Codes:
        """`(n, n_variables)`: -1, or NaN, where a variable is inactive."""
        codes: Codes = self._filled("codes")
        return codes

    @property
    def losses(self) -> Floats:
        """`(n,)`, or `(n, n_objectives)`: NaN where an evaluation failed."""
        losses: Floats = self._filled("losses")
        return losses

    @property
    def violations(self) -> Floats:
        """`(n,)` summed violations: 0 where a point is feasible."""
        violations: Floats = self._filled("violations")
        return violations

    @property
    def ids(self) -> Ints:
        """`(n,)` ids of the candidates, in the order told; -1, -2, ... of injected ones."""
        ids: Ints = self._filled("ids")
        return ids

    @property
    def fidelities(self) -> Ints:
        """`(n,)` positions of the fidelities, the last of which is the highest; 0 where there is one alone."""
        found: Ints = self._filled("fidelities") if self.fidelity_names else np.zeros(self._n, dtype=np.int64)
        return found

    @property
    def runs(self) -> Ints:
        """`(n,)` numbers of the runs that evaluations are of: the id of the candidate that began it; -1 if injected."""
        found: Ints = self._filled("runs") if self.fidelity_names else np.maximum(self.ids, -1)
        return found

    @property
    def shape(self) -> tuple[int, ...] | None:
        """() or (n_objectives,), the shape of one evaluation's losses; None while all have failed."""
        losses = self.losses
        known = losses.ndim > 1 or bool(self._n and (not np.isnan(losses[0]) or not np.isnan(losses).all()))
        return losses.shape[1:] if known else None

    @property
    def succeeded(self) -> Bools:
        """`(n,)`: which evaluations are feasible and did not fail."""
        losses = self.losses
        failed = np.isnan(losses if losses.ndim > 1 else losses[:, None]).any(axis=1)
        return np.asarray(~failed & (self.violations <= 0))

    @property
    def values(self) -> list[dict[str, Any]]:
        """The points, in the user's values."""
        return self._space.values(self.codes) if self._space is not None else list(map(dict, self._values))

    def records(self) -> list[dict[str, Any]]:
        """A dict an evaluation: id, the variables that are active, loss (or loss_0, loss_1, ...) and violation."""
        names, losses = self._loss_names, self.losses.reshape(len(self), len(self._loss_names))
        more: list[dict[str, Any]] = [{}] * len(self)
        if self.fidelity_names:
            more = [{"fidelity": self.fidelity_names[fidelity], "run": run}
                    for fidelity, run in zip(self.fidelities.tolist(), self.runs.tolist(), strict=True)]
        if taken := {"id", "violation", *names, *self._more} & set(self._names):
            raise ValueError(f"variables must have other names than the columns of results, got {sorted(taken)}. Use "
                             "values, losses, violations and ids instead.")
        return [{"id": number, **values, **dict(zip(names, loss, strict=True)), "violation": violation, **own}
                for number, values, loss, violation, own in zip(self.ids.tolist(), self.values, losses.tolist(),
                                                                self.violations.tolist(), more, strict=True)]

    def to_frame(self) -> Any:
        """A pandas DataFrame of `records()`; `Minimizer.inject_frame` takes it back, by way of a CSV file too."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("History.to_frame() needs pandas. Run: pip install 'asng[frame]'") from error
        return pandas.DataFrame(self.records(), columns=["id", *self._names, *self._loss_names, "violation",
                                                         *self._more])

    @property
    def _more(self) -> list[str]:
        return ["fidelity", "run"] if self.fidelity_names else []

    @property
    def _loss_names(self) -> list[str]:
        return ["loss"] if self.losses.ndim == 1 else [f"loss_{i}" for i in range(self.losses.shape[1])]

    def __len__(self) -> int:
        return self._n

    def __repr__(self) -> str:
        return f"History({self._n} evaluations of {', '.join(self._names[:5])})"

    def append(self, number: int, codes: Codes, loss: float | tuple[float, ...], violation: float,
               fidelity: int = 0, run: int = -1) -> None:
        """One more evaluation."""
        new: dict[str, Any] = {"codes": codes, "losses": np.asarray(loss), "violations": violation, "ids": number}
        if self.fidelity_names:
            new |= {"fidelities": fidelity, "runs": run}
        for name, value in new.items():
            array = self._arrays[name]
            if name == "losses" and np.ndim(value) >= array.ndim:  # the first to tell how many objectives there are
                array = np.full((len(array), *np.shape(value)), np.nan)  # what came before has failed
            if self._n == len(array):  # full: twice as long, so that n evaluations cost O(n) in all
                array = np.concatenate([array, np.empty((max(64, self._n), *array.shape[1:]), dtype=array.dtype)])
            array[self._n] = value
            self._arrays[name] = array
        self._rows[number] = self._n
        self._n += 1
        self._n_injected += number < 0

    def mark(self) -> tuple[Any, ...]:
        """What `back` needs."""
        return self._n, self._n_injected, self._arrays.copy()

    def back(self, mark: tuple[Any, ...]) -> None:
        """Be as at `mark()`. It may be called again with the same mark."""
        self._n, self._n_injected, arrays = mark
        self._arrays = arrays.copy()
        if self.fidelity_names:  # a candidate may have several rows
            self._rows = {number: row for row, number in enumerate(self.ids.tolist())}
        while len(self._rows) > self._n:
            self._rows.popitem()

    @property
    def next_injected(self) -> int:
        """The id of the next evaluation that nobody asked for: -1, -2, ..."""
        return -1 - self._n_injected

    def checked_losses(self, value: object, n: int | None) -> list[Any]:
        """What was told for `n` candidates, or (None) for a single one: numbers, or tuples, as of those before."""
        return rules.objectives([value] if n is None else value, n or 1, self.shape)

    def rows(self, ids: Ints) -> list[int]:
        """Where the evaluations of these ids are."""
        return [self._rows[number] for number in ids.tolist()]

    def state(self) -> dict[str, Any]:
        """Copies of the arrays: all else follows from them."""
        return {name: self._filled(name).copy() for name in self._arrays}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what `state()` gave. Raises ValueError, TypeError or KeyError for anything else."""
        if self._space is None:
            raise ValueError("this history was pickled, and has no space.")
        n = len(state["ids"])
        losses, codes, ids = (np.array(state[name]) for name in ("losses", "codes", "ids"))
        if (losses.dtype.kind not in "fiu" or losses.shape[1:] in ((0,), (1,))
                or (n and ids.dtype.kind not in "iu") or ids.shape != (n,)):
            raise ValueError("the history's losses must be numbers, one or several of each evaluation, ids integers.")
        numbers = ids.tolist()
        own: dict[str, Any] = {}
        if self.fidelity_names:
            own = {name: np.array(state[name]) for name in ("fidelities", "runs")}
            if any(array.shape != (n,) or (n and array.dtype.kind not in "iu") for array in own.values()) or not (
                    np.isin(own["fidelities"], range(len(self.fidelity_names))).all()
                    and ((own["runs"] >= -1) & ((own["runs"] < 0) == (ids < 0))).all()):
                raise ValueError("the history's fidelities and runs must be integers, and of this optimizer.")
            distinct = set(zip(numbers, own["fidelities"].tolist(), strict=True))  # a candidate may report at several
        injected = [number for number in numbers if number < 0]
        if len(distinct if own else set(numbers)) < n or injected != list(range(-1, -1 - len(injected), -1)):
            raise ValueError("the history's ids must be distinct, those of injected results -1, -2, ...")
        for shape, array in (((n, len(self._space)), codes), ((n,), losses[:, 0] if losses.ndim == 2 else losses)):
            if array.shape != shape:
                raise ValueError(f"an array of the history has shape {array.shape}, but {shape} is needed.")
        if n:
            codes = self._space.checked(codes)
        self._arrays = {"codes": codes.astype(self._space.dtype), "losses": losses.astype(np.float64),
                        "violations": rules.violations(state["violations"], n), "ids": ids.astype(np.int64),
                        **{name: array.astype(np.int64) for name, array in own.items()}}
        self._n, self._n_injected = n, int((self._arrays["ids"] < 0).sum())
        self._rows = {number: row for row, number in enumerate(self._arrays["ids"].tolist())}

    def __copy__(self) -> History:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: object) -> History:
        other = object.__new__(History)
        vars(other).update(vars(self), _arrays={name: array.copy() for name, array in self._arrays.items()},
                           _rows=self._rows.copy())
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_space": None, "_values": self.values, "_arrays": self.state()}

    def _filled(self, name: str) -> Any:
        view = self._arrays[name][: self._n]
        view.flags.writeable = False  # of this view alone; `append` still writes behind it
        return view
