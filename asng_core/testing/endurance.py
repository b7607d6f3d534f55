"""Long runs, wild runs, numbers and time."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .driving import Maker, require
from .registry import check

_CALLS = 1000
_GROWTH = 2.5  # times linear growth: what a shared machine may add


def _arrays(tree: Any) -> Iterator[Any]:
    """All arrays and numbers in nested dicts and lists."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        for each in tree:
            yield from _arrays(each)
    elif isinstance(tree, (float, np.ndarray)):
        yield tree


@check
def stays_finite_in_a_thousand_calls(make: Maker) -> None:
    """A thousand random calls, losses of every finite size: legal points, and no NaN in the state."""
    run, rng = make(), np.random.default_rng(0)
    for _ in range(_CALLS // 2 // (run.batch_size or 1) + 1):
        points = run.ask(int(rng.integers(1, 4)))
        scale = 10.0 ** rng.integers(-300, 300)
        run.tell(points, [float(value) for value in rng.normal(size=len(points)) * scale])
    if hasattr(run.optimizer, "state_dict"):
        state = {name: value for name, value in run.optimizer.state_dict().items() if name != "space"}
        require(not any(np.isnan(each).any() for each in _arrays(state)), "the state holds NaN")


@check
def survives_a_thousand_random_calls(make: Maker) -> None:
    """Asking, telling of any open points with any losses, calls that are refused, in random order."""
    run, rng = make().freely(), np.random.default_rng(0)
    points: list[Any] = []
    kinds = (math.nan, math.inf, -math.inf, 1.0, 0.0, 1e300, -1e300)
    for _ in range(_CALLS):
        choice = rng.integers(4)
        if choice == 0 and len(points) < 40:
            points += run.ask(int(rng.integers(1, 4)))
        elif choice == 1 and points:
            run.tell([points.pop(int(rng.integers(len(points))))], [kinds[rng.integers(len(kinds))]])
        elif choice == 2 and points:
            start, end = sorted(rng.integers(len(points) + 1, size=2).tolist())
            told, points = points[start : end + 1], points[:start] + points[end + 1 :]
            if not told:
                continue
            run.tell(told, run.losses(told))
        elif points:
            try:
                run.optimizer.tell(points, ["x"] * len(points))
            except Exception:
                continue
            raise NotImplementedError("it refuses too little for this check")


@check
def computes_without_warnings(make: Maker) -> None:
    """No division by zero, overflow or invalid number on the way, ties and extremes included."""
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.filterwarnings("error", ".* encountered in ", RuntimeWarning)  # NumPy's
        run = make().steps(10)
        run.steps(6, change=lambda _: 1.0)
        for value in (math.inf, -math.inf, 1e300):
            run.steps(2, change=lambda _, value=value: value)  # type: ignore[misc]


@check
def slows_down_at_most_linearly(make: Maker) -> None:
    """A call takes, after 8 times as many evaluations, at most 8 times as long, 2.5 times that for the machine."""
    run = make().steps(4, n=8)  # whatever is computed once
    early = _seconds(run, 4)
    while len(run.trace) < 8 * 64:
        run.step(8)
    late = _seconds(run, 4)
    require(late <= 8 * _GROWTH * max(early, 1e-4),
            f"8 points take {1e3 * early:.3g} ms at first, and {1e3 * late:.3g} ms after {len(run.trace)} evaluations")


@check
def slows_down_at_most_linearly_in_variables(make: Maker) -> None:
    """Forty times as many variables take at most 40 times as long, 2.5 times that for the machine."""
    few, many = (_seconds(make(problem).steps(2), 2) for problem in ("booleans", "a thousand variables"))
    require(many <= 40 * _GROWTH * max(few, 1e-3),
            f"a step takes {1e3 * few:.3g} ms with 25 variables, and {1e3 * many:.3g} ms with 1,000")


def _seconds(run: Any, k: int) -> float:
    """The least processor time of a step, out of k."""
    times = []
    for _ in range(k):
        start = time.process_time()
        run.step(8)
        times.append(time.process_time() - start)
    return min(times)
