"""The most likely feasible point."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..arrays import Codes, Floats
from .search_distribution import SearchDistribution

# Both trade off what is found against time: each point is decoded and put to the constraints, and the heap holds up to
# n_variables successors of each.
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
        # masked, as the codes of a likely point hold a number for every variable, active or not
        if (values := found(space.masked(codes[None])[0])) is not None:
            return values
    feasible = [codes for codes in known if found(codes) is not None]
    if not feasible:
        raise RuntimeError(f"found no feasible point among the {MAX_POINTS} likeliest, nor among those known. "
                           "Tell some results first, or ask for less.")
    best = feasible[int(np.argmax(distribution.log_probability(np.stack(feasible))))]
    return dict(space.values(best[None])[0])


def points_by_probability(distribution: SearchDistribution) -> Iterator[Codes]:
    """`(n_variables,)` unmasked codes, from the mode on down, at most MAX_POINTS."""
    mode = distribution.family.mode(distribution.theta)
    yield mode  # most callers need no other, and the options cost more
    options = [_options(distribution, i, mode) for i in range(len(mode))]
    # Best first. A point is a rank among the options for each variable, 0 the mode. Its successors lower one variable
    # by one rank, the one lowered last or one after it, so that every point is reached in one way only.
    start = (0,) * len(mode)
    # (log-probability lost against the mode, ranks, the variable lowered last)
    heap: list[tuple[float, tuple[int, ...], int]] = [(0.0, start, 0)]
    for n in range(MAX_POINTS):
        if not heap:
            return
        loss, ranks, last = heapq.heappop(heap)
        if n:  # the first is the mode again
            yield np.array([codes[rank] for (codes, _), rank in zip(options, ranks, strict=True)], dtype=mode.dtype)
        for i in range(last, len(ranks)):
            _, logs = options[i]
            if ranks[i] + 1 < len(logs):
                lower = (*ranks[:i], ranks[i] + 1, *ranks[i + 1 :])
                heapq.heappush(heap, (loss + float(logs[ranks[i]] - logs[ranks[i] + 1]), lower, i))


def _options(distribution: SearchDistribution, i: int, mode: Codes) -> tuple[Codes, Floats]:
    """The likeliest codes of variable i, the mode first, and their log-probabilities, falling."""
    size, centre = int(distribution.space.sizes[i]), mode[i]
    if size == 0:  # of a continuum the mean alone
        return mode[i : i + 1], np.zeros(1)
    # of ordered values, of which there may be 2^53, those around the mode; of others all
    ordered = list(distribution.space.variables.values())[i].ordered
    first = max(0, min(int(centre) - _VALUES, size - 1)) if ordered else 0
    codes = np.arange(first, min(size, int(centre) + _VALUES + 1) if ordered else size)
    rows = np.tile(mode, (len(codes), 1))  # families want whole points: the mode, with variable i altered
    rows[:, i] = codes
    logs = distribution.family.log_probabilities(distribution.theta, rows)[:, i]
    # the mode first, even where another value is likelier: a Gaussian's tails pile up at the ends; hence the running
    # minimum, without which a step down the ranks could gain probability and the search would not be best first
    order = np.argsort(-np.where(codes == centre, np.inf, logs), kind="stable")[:_VALUES]
    return codes[order], np.minimum.accumulate(logs[order])
