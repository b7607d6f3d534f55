"""Feasible points where draws seldom are: between a draw and a feasible point, and by a walk that breaks ever fewer
constraints (as min-conflicts does; Minton et al., Artificial Intelligence 58, 1992)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..arrays import Codes, Floats, Ints
from .geometry import Geometry
from .pins import Pins, feasible, pinned_on, violated

_BLOCK = 64  # leaning draws at once: few enough that the first feasible ones come quickly
_FIRST, _LAST = 8, 56  # blocks before what is near known points, and after: 4,096 find exactly k of 1,000 mostly
_NEAR = 4  # blocks near known points
_KNOWN = 20  # newest points that are known, at most
_WALKS = 64  # each from the best of another block
_STEPS, _MOVES = 30, 10  # without fewer violations before a walk is given up, and neighbours looked at in each
_TRIES = 9  # points next to an anchor, each


def towards(geometry: Geometry, draws: Floats, anchors: Floats, rng: np.random.Generator,
            pinned: Pins | None = None) -> Floats:
    """`(n, n_variables)` feasible draws: of each way from a feasible anchor to a draw, the last feasible point.

    The way changes one variable after another, in random order. Where its very first step is infeasible, as where
    constraints ask for equality, a feasible neighbour of that step or of the anchor, or an exchange in the anchor; the
    anchor itself if none is found.

    draws: `(n, n_variables)`, infeasible. anchors: `(n, n_variables)`, feasible, and with what is pinned.
    """
    distribution = geometry.distribution
    order = rng.random(draws.shape).argsort(axis=1)
    differ = np.take_along_axis(draws != anchors, order, axis=1)
    # (n, n_variables): which step along the way changes each variable; those that do not differ take none
    step = np.empty(draws.shape, dtype=np.int64)
    np.put_along_axis(step, order, np.cumsum(differ, axis=1), axis=1)
    good, bad = np.zeros((len(draws), 1), dtype=np.int64), step.max(axis=1, keepdims=True)

    def after(steps: Ints) -> Floats:
        return np.where(step <= steps, draws, anchors)

    while (apart := np.flatnonzero(bad - good > 1)).size:
        middle = (good + bad) // 2
        fine = np.zeros((len(draws), 1), dtype=np.bool_)
        fine[apart, 0] = feasible(distribution, after(middle)[apart], pinned)
        good[apart], bad[apart] = np.where(fine, middle, good)[apart], np.where(fine, bad, middle)[apart]
    found, beyond = after(good), after(bad)
    left = np.flatnonzero(good == 0)
    for number in range(_TRIES if len(left) else 0):
        if number % 3 == 2:
            tried = geometry.exchanged(anchors[left], rng)
        else:
            tried = geometry.neighbours((anchors if number % 3 else beyond)[left], rng)
        tried = pinned_on(tried, pinned)
        fine = feasible(distribution, tried, pinned) & (tried != anchors[left]).any(axis=1)
        found[left[fine]] = tried[fine]
        left = left[~fine]
        if not len(left):
            break
    return found


def searched(geometry: Geometry, rng: np.random.Generator, pinned: Pins | None = None,
             known: Codes | Sequence[Codes] = ()) -> Iterator[Floats]:
    """Blocks of feasible draws, some of them empty: leaning ones, those on the way to known points, ends of walks.

    known: `(k, n_variables)` codes of feasible points.
    """
    distribution = geometry.distribution

    def leaning() -> Floats:
        draws = pinned_on(geometry.skewed(_BLOCK, rng), pinned)
        return draws[feasible(distribution, draws, pinned)]

    for _ in range(_FIRST):
        yield leaning()
    near = anchored(geometry, pinned, known)
    for _ in range(_NEAR if len(near) else 0):
        anchors = near[rng.integers(len(near), size=_BLOCK)]
        exchanged = pinned_on(geometry.exchanged(anchors, rng), pinned)
        repaired = towards(geometry, pinned_on(geometry.skewed(_BLOCK, rng), pinned), anchors, rng, pinned)
        yield exchanged[feasible(distribution, exchanged, pinned) & (exchanged != anchors).any(axis=1)]
        yield repaired[(repaired != anchors).any(axis=1)]
    for _ in range(_LAST):
        yield leaning()
    for _ in range(_WALKS):
        yield walk(geometry, pinned_on(geometry.skewed(_BLOCK, rng), pinned), rng, pinned)


def anchored(geometry: Geometry, pinned: Pins | None, known: Codes | Sequence[Codes]) -> Floats:
    """`(k, n_variables)` feasible draws that stand for the newest of the known feasible points."""
    if not len(known):
        return np.empty((0, len(geometry.sizes)))
    draws = pinned_on(geometry.distribution.draws(np.stack(list(known[-_KNOWN:]))), pinned)
    # what is pinned may break a constraint, and so may the rounding of a continuum
    return draws[feasible(geometry.distribution, draws, pinned)]


def walk(geometry: Geometry, draws: Floats, rng: np.random.Generator, pinned: Pins | None = None) -> Floats:
    """Feasible draws at the end of a walk that begins at the best of `(n, n_variables)` draws; empty if it stalls."""
    broken = violated(geometry.distribution, draws, pinned)
    stalled = 0
    here, least = draws[np.argmin(broken)], broken.min()
    while least and stalled < _STEPS:
        draws = pinned_on(geometry.neighbours(np.repeat(here[None], _MOVES, axis=0), rng), pinned)
        broken = violated(geometry.distribution, draws, pinned)
        stalled = 0 if broken.min() < least else stalled + 1
        if broken.min() <= least:  # equals too, so that it drifts
            here, least = draws[np.argmin(broken)], broken.min()
    ended: Floats = draws[broken == 0]
    return ended
