"""COCO's `bbob-mixint`: 24 functions of integers and reals, five arities in equal parts: 2, 4, 8, 16, a continuum.

Source: Tusar, Brockhoff and Hansen, "Mixed-integer benchmark problems for single- and bi-objective optimization", GECCO
2019; the functions are those of `bbob`, discretized, their optimum at a point of the grid.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import cocoex
import numpy as np

from asng_core import Integer, Real, Space, Variable

from ..rivals import ENTRIES, Setting

FUNCTIONS = tuple(range(1, 25))
GRID = (1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 70, 100, 140, 200, 300, 500, 700, 1000)  # evaluations by variable


@cache
def suite() -> Any:
    """All of its problems."""
    return cocoex.Suite("bbob-mixint", "", "")


def space(problem: Any) -> Space:
    """Integers first; what lies beyond the reals' bounds is left out, since no optimum does."""
    n_integers = problem.number_of_integer_variables
    bounds = enumerate(zip(problem.lower_bounds.tolist(), problem.upper_bounds.tolist(), strict=True))
    variables: dict[str, Variable] = {
        f"x{i}": Integer(int(low), int(high)) if i < n_integers else Real(low, high) for i, (low, high) in bounds}
    return Space(variables)


def run(method: str, function: int, dimension: int, instance: int, times: int) -> dict[str, Any]:
    """The best losses after those of `GRID` times `dimension` evaluations that are at most `times` times; the loss of
    the first evaluation before."""
    start, budget = time.perf_counter(), times * dimension
    problem = suite().get_problem_by_function_dimension_instance(function, dimension, instance)
    setting = Setting(space(problem), budget)
    optimizer = ENTRIES[method].load()(setting, 1000 * function + instance)
    best, kept, at = np.inf, [], {k * dimension for k in GRID}
    for n in range(1, budget + 1):
        codes = optimizer.ask()
        loss = float(problem(np.asarray(codes, dtype=np.float64)))
        optimizer.tell(codes, loss)
        best = min(best, loss)
        if n in at:
            kept.append(best)
    problem.free()
    return {"best": kept, "seconds": round(time.perf_counter() - start, 2)}
