"""Fixed-target analysis: how many of a problem's targets are met after how many evaluations.

A run is a step function: `values[i]` holds from `evaluations[i]` until the next. Noise-free it is the best value
so far, which only rises; under noise it is the true value of the recommended point, which may fall again. Higher
values are better, as in IOHprofiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from asng_core.arrays import Floats

Cell = tuple[str, int]  # problem, dimension
Areas = dict[str, dict[Cell, Floats]]  # method -> cell -> (n_instances, n_repeats)
N_TARGETS, DRAWS = 50, 2000
TOLERANCE = 1e-6  # stored values are rounded


@dataclass(frozen=True)
class Goal:
    """What counts on a problem: `N_TARGETS` equally spaced values above `start`, the last of them the optimum.

    This is the linear scale of IOHanalyzer, between fixed ends instead of those that the runs happened to reach.
    """

    start: float
    optimum: float
    budget: int

    @classmethod
    def of(cls, record: dict[str, Any]) -> Goal:
        """A stored record's."""
        return cls(record["result"]["start"], record["result"]["optimum"], 100 * record["task"]["dimension"])

    def met(self, values: ArrayLike) -> Floats:
        """The fraction of the targets that each value meets."""
        steps = N_TARGETS * (np.asarray(values) + TOLERANCE - self.start) / (self.optimum - self.start)
        fractions: Floats = np.clip(np.floor(steps), 0, N_TARGETS) / N_TARGETS
        return fractions

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


def steps(record: dict[str, Any]) -> list[list[tuple[list[int], list[float]]]]:
    """[instance][repeat] -> (evaluations, values) of a stored record."""
    result = record["result"]
    return [list(zip(*instance, strict=True))
            for instance in zip(result["evaluations"], result["values"], strict=True)]


def areas(records: Sequence[dict[str, Any]]) -> Areas:
    """Of the methods that have run on every problem and dimension that any has."""
    found: Areas = {}
    for record in records:
        task, goal = record["task"], Goal.of(record)
        found.setdefault(task["method"], {})[task["problem"], task["dimension"]] = np.array(
            [[goal.area(*run) for run in instance] for instance in steps(record)])
    n_cells = max(map(len, found.values()))
    return {method: cells for method, cells in found.items() if len(cells) == n_cells}


def mean(cells: dict[Cell, Floats]) -> float:
    """All problems and dimensions count the same, however many runs they have."""
    return float(np.mean([runs.mean() for runs in cells.values()]))


def redrawn(cells: dict[Cell, Floats], *, seed: int = 0) -> Floats:
    """`(DRAWS,)` means with redrawn instances, and within each its runs; problems and dimensions are all there are."""
    rng = np.random.default_rng(seed)
    total = np.zeros(DRAWS)
    for runs in cells.values():
        n_instances, n_repeats = runs.shape
        instances = rng.integers(n_instances, size=(DRAWS, n_instances, 1))
        total += runs[instances, rng.integers(n_repeats, size=(DRAWS, n_instances, n_repeats))].mean(axis=(1, 2))
    return total / len(cells)


def interval(draws: Floats) -> tuple[float, float]:
    """Of 95%."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def ranks(found: Areas) -> dict[str, dict[str, int]]:
    """method -> problem -> 1 + the number of methods whose area, mean over dimensions, is larger."""
    problems = list(dict.fromkeys(problem for problem, _ in next(iter(found.values()))))
    table = np.array([[mean(of_problem(cells, problem)) for problem in problems] for cells in found.values()])
    better = (table[None] > table[:, None] + 1e-12).sum(axis=1)  # (method, problem)
    return {method: dict(zip(problems, map(int, row + 1), strict=True))
            for method, row in zip(found, better, strict=True)}


def of_problem(cells: dict[Cell, Floats], name: str) -> dict[Cell, Floats]:
    return {cell: runs for cell, runs in cells.items() if cell[0] == name}


def of_dimension(cells: dict[Cell, Floats], dimension: int) -> dict[Cell, Floats]:
    return {cell: runs for cell, runs in cells.items() if cell[1] == dimension}


def expected_running_time(record: dict[str, Any]) -> float:
    """ERT of the optimum: the evaluations of all runs over the number of those that reached it; infinite if none."""
    goal = Goal.of(record)
    spent, n_reached = 0, 0
    for evaluations, values in (run for instance in steps(record) for run in instance):
        reached = goal.reached(values[-1])
        n_reached += reached
        spent += evaluations[-1] if reached else goal.budget
    return spent / n_reached if n_reached else float("inf")
