"""Values of continua that no draw stands for to the last digit, and that a draw beside them stands for instead."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..arrays import Codes, Floats
from ..space.space import Space


class Given:
    """What the user fixed or injected. A draw is a float64 in 0..1 along a range, of which it may miss some numbers;
    one that is asked again must be the very number, not its neighbour. It only grows.
    """

    def __init__(self) -> None:
        self._values: dict[tuple[int, float], float] = {}  # (column, the neighbour that draws reach) -> the value

    def take(self, codes: Codes, reached: Codes, others: Codes) -> None:
        """Let draws of `reached` stand for `codes`, both `(n_variables,)`, but for what occurs in `(n, n_variables)`
        others: that is a value of its own."""
        for column in np.flatnonzero(codes != reached).tolist():
            if not (others[:, column] == reached[column]).any():
                self._values.setdefault((column, float(reached[column])), float(codes[column]))

    def restored(self, codes: Codes) -> Codes:
        """`(n, n_variables)` codes of draws, with the values in the place of their neighbours, in the same array."""
        for column in {column for column, _ in self._values}:
            codes[:, column] = [self._values.get((column, code), code) for code in codes[:, column].tolist()]
        return codes

    def mark(self) -> int:
        """What `back` needs."""
        return len(self._values)

    def back(self, mark: int) -> None:
        """Be as at `mark()`."""
        while len(self._values) > mark:
            self._values.popitem()

    def state(self) -> Floats:
        """`(n, 3)`: column, neighbour and value of each."""
        return np.array([[column, near, value] for (column, near), value in self._values.items()]).reshape(-1, 3)

    def load(self, state: object, space: Space) -> None:
        """Take what `state()` gave. Raises ValueError or TypeError for anything else."""
        table = checks.state_array(state, (len(np.atleast_1d(np.asarray(state))), 3))
        for column, near, value in table.tolist():
            if column not in np.flatnonzero(space.continuous):
                raise ValueError(f"column {column} is of no continuous variable.")
            low, high = space.lows[int(column)], space.highs[int(column)]
            if not (low <= near <= high and low <= value <= high and abs(near - value) <= 1e-9 * (high - low)):
                raise ValueError(f"no draw of {near} can stand for {value}.")
        self._values = {(int(column), near): value for column, near, value in table.tolist()}

    def __bool__(self) -> bool:
        return bool(self._values)
