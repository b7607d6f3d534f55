"""Fixed-target analysis: how many of a problem's targets are met after how many evaluations.

A run is a step function: `values[i]` holds from `evaluations[i]` until the next. Noise-free it is the best value
so far, which only rises; under noise it is the true value of the recommended point, which may fall again. Higher
values are better, as in IOHprofiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
N_TARGETS = 50
TOLERANCE = 1e-6  # stored values are rounded


@dataclass(frozen=True)
class Goal:
    """What counts on a problem: `N_TARGETS` equally spaced values above `start`, the last of them the optimum.

    This is the linear scale of IOHanalyzer, between fixed ends instead of those that the runs happened to reach.
    """

    start: float
    optimum: float
    budget: int

    def met(self, values: ArrayLike) -> Floats:
        """The fraction of the targets that each value meets."""
        steps = N_TARGETS * (np.asarray(values) + TOLERANCE - self.start) / (self.optimum - self.start)
        return np.clip(np.floor(steps), 0, N_TARGETS) / N_TARGETS

    def area(self, evaluations: Sequence[int], values: Sequence[float]) -> float:
        """The area under a run's curve of targets met, over log(evaluations) from 1 to the budget, in [0, 1].

        Mean over runs, it is the area under their ECDF.
        """
        logs = np.log([*evaluations, self.budget])
        return float(np.diff(logs) @ self.met(values) / logs[-1])

    def curve(self, evaluations: Sequence[int], values: Sequence[float], at: ArrayLike) -> Floats:
        """The fraction of the targets met after each number of evaluations in `at`."""
        met = np.concatenate([[0.0], self.met(values)])
        return met[np.searchsorted(evaluations, at, side="right")]

    def reached(self, value: float) -> bool:
        """Whether it is the optimum's."""
        return value >= self.optimum - TOLERANCE


def expected_running_time(spent: Sequence[int], reached: Sequence[bool]) -> float:
    """ERT: the evaluations of all runs over the number of those that reached the target; infinite if none did."""
    return sum(spent) / sum(reached) if any(reached) else float("inf")
