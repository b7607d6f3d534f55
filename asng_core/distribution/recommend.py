"""The most likely feasible point."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from .search_distribution import SearchDistribution

MAX_POINTS = 2000  # of the likeliest points, before those known are taken
_VALUES = 8  # likeliest values considered of each variable


def likeliest(distribution: SearchDistribution, known: Iterable[Codes],
              accepts: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
    """The mode if it is feasible, else the first feasible point in the order of probability, else of `known`.

    Feasible is what satisfies the constraints and `accepts(values)`.

    The order goes over the 8 likeliest values of each variable (of a continuous Real its mean alone) and
    ends after MAX_POINTS points. Raises RuntimeError if nothing feasible is found.
    """
    space = distribution.space

    def found(codes: Codes) -> dict[str, Any] | None:
        values: dict[str, Any] = space.values(codes[None])[0]
        return values if space.feasible(values) and accepts(values) else None

    for codes in points_by_probability(distribution):
        if (values := found(space.masked(codes[None])[0])) is not None:
            return values
    feasible = [codes for codes in known if found(codes) is not None]
    if not feasible:
        raise RuntimeError(f"recommend() found no feasible point among the {MAX_POINTS} likeliest, and none was told. "
                           "Tell some results first.")
    best = feasible[int(np.argmax(distribution.log_probability(np.stack(feasible))))]
    return dict(space.values(best[None])[0])


def points_by_probability(distribution: SearchDistribution) -> Iterator[Codes]:
    """`(n_variables,)` unmasked codes, from the mode on down, at most MAX_POINTS."""
    mode = distribution.family.mode(distribution.theta)
    yield mode
    options = [_options(distribution, i, mode) for i in range(len(mode))]
    # best first: a point's successors lower one variable at or after the last lowered, by one rank each
    start = (0,) * len(mode)
    heap: list[tuple[float, tuple[int, ...], int]] = [(0.0, start, 0)]
    for n in range(MAX_POINTS):
        if not heap:
            return
        loss, ranks, last = heapq.heappop(heap)
        if n:
            yield np.array([codes[rank] for (codes, _), rank in zip(options, ranks, strict=True)], dtype=mode.dtype)
        for i in range(last, len(ranks)):
            _, logs = options[i]
            if ranks[i] + 1 < len(logs):
                lower = (*ranks[:i], ranks[i] + 1, *ranks[i + 1 :])
                heapq.heappush(heap, (loss + float(logs[ranks[i]] - logs[ranks[i] + 1]), lower, i))


def _options(distribution: SearchDistribution, i: int, mode: Codes) -> tuple[Codes, Floats]:
    """The likeliest codes of variable i, the mode first, and their log-probabilities, falling."""
    size, centre = int(distribution.space.sizes[i]), mode[i]
    if size == 0:
        return mode[i : i + 1], np.zeros(1)
    ordered = list(distribution.space.variables.values())[i].ordered
    first = max(0, min(int(centre) - _VALUES, size - 1)) if ordered else 0
    codes = np.arange(first, min(size, int(centre) + _VALUES + 1) if ordered else size)
    rows = np.tile(mode, (len(codes), 1))
    rows[:, i] = codes
    logs = distribution.family.log_probabilities(distribution.theta, rows)[:, i]
    order = np.argsort(-np.where(codes == centre, np.inf, logs), kind="stable")[:_VALUES]
    return codes[order], np.minimum.accumulate(logs[order])
