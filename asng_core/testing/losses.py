"""Kinds of losses, and what is best."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .driving import Failed, Maker, Run, require
from .problems import is_float, key, loss
from .registry import check


def _changes(make: Maker, change: Callable[[float], Any], what: str) -> None:
    """Fail if a run whose losses are changed asks other points than one whose are not."""
    plain, changed = make().steps(12), make().steps(12, change=change)
    require(plain.trace == changed.trace, f"{what} change what is asked")


@check
def takes_nan_as_a_failure(make: Maker) -> None:
    """NaN, a failed evaluation, is taken, and is never the best."""
    run = make()
    for round_ in range(8):
        points = run.ask(6)
        run.optimizer.tell(points, [math.nan if (i + round_) % 3 else value
                                    for i, value in enumerate(run.losses(points))])
        best = getattr(run.optimizer, "best", None)
        require(best is None or math.isfinite(best.loss), "a failed evaluation is the best")


@check
def survives_failures_alone(make: Maker) -> None:
    """A run in which everything fails goes on, and has no best."""
    run = make().steps(12, change=lambda _: math.nan)
    best = getattr(run.optimizer, "best", None)
    require(best is None, f"best is {best} where nothing succeeded")


@check
def takes_infinite_losses(make: Maker) -> None:
    """Both infinities are taken, and the run goes on with legal points."""
    run = make()
    for value in (math.inf, -math.inf, math.inf):
        points = run.ask(6)
        run.optimizer.tell(points, [value, *run.losses(points)[1:]])
    run.steps(4)


@check
def takes_ties(make: Maker) -> None:
    """Many losses that are all the same are taken, and what was a tie is none afterwards."""
    run = make().steps(15, change=lambda _: 1.0)
    run.steps(3)


@check
def takes_huge_and_tiny_losses(make: Maker) -> None:
    """Losses up to the largest float and down to the smallest."""
    sizes = (1.7e308, -1.7e308, 5e-324, 0.0, -0.0, 1e300)
    run = make()
    for i in range(6):
        points = run.ask(6)
        run.optimizer.tell(points, [sizes[(i + j) % len(sizes)] for j in range(len(points))])
    run.steps(4)


@check
def takes_integers(make: Maker) -> None:
    """Whole numbers count as the floats that they are."""
    a, b = (make().steps(10, change=change) for change in (lambda x: int(9 * x), lambda x: float(int(9 * x))))
    require(a.trace == b.trace, "integers and equal floats give different points")


@check
def takes_numpy_scalars(make: Maker) -> None:
    """`np.float64(x)` counts as x."""
    _changes(make, np.float64, "NumPy scalars")


@check
def takes_arrays_of_one_number(make: Maker) -> None:
    """An array without dimensions, such as a mean gives, counts as its number."""
    _changes(make, np.asarray, "0-d arrays")


@check
def sees_the_order_of_losses_alone(make: Maker) -> None:
    """Increasing transformations of all losses change nothing, large and small ones alike."""
    for name, change in (("a shift and a scale", lambda x: 8 * x - 50), ("cubes", lambda x: x**3),
                         ("logarithms", math.log), ("exponentials", lambda x: math.exp(3 * x))):
        _changes(make, change, name)


@check
def is_moved_by_losses(make: Maker) -> None:
    """What is told matters: opposite losses lead elsewhere. (Random search fails this one.)"""
    up, down = make(), make()
    for _ in range(50):  # an initial design is not moved
        up.step()
        down.step(change=lambda x: -x)
        if up.trace != down.trace:
            return
    raise Failed(f"opposite losses give the same {len(up.trace)} points")


def _best(run: Run) -> Any:
    return run.needs("best").best


@check
def has_no_best_before_it_is_told(make: Maker) -> None:
    """`best` is None before anything is told."""
    run = make()
    require(_best(run) is None, f"best is {_best(run)} before anything was told")
    run.ask()
    require(_best(run) is None, f"best is {_best(run)} before anything was told")


@check
def knows_the_best(make: Maker) -> None:
    """`best` is the point with the lowest loss told, after every step."""
    run = make()
    _best(run)
    for _ in range(12):
        run.step(5)
        lowest = min(value for _, value in run.told)
        require(_best(run).loss == lowest, f"best.loss is {_best(run).loss}, lowest told {lowest}")
        require(is_float(_best(run).loss), f"best.loss is a {type(_best(run).loss).__name__}, not a float")
        require(loss(run.space, _best(run).values) == lowest, "best.values has another loss than best.loss")


@check
def keeps_the_first_of_equals(make: Maker) -> None:
    """Of equal losses the point told first stays the best."""
    run = make()
    points = run.ask(6)
    run.tell(points, [2.0, *[1.0] * (len(points) - 1)])
    first = key(run.space, points[1])
    for _ in range(3):
        require(key(run.space, _best(run).values) == first, "another point of equal loss took the place of the best")
        run.step(change=lambda _: 1.0)
