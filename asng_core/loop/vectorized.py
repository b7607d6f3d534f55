"""Evaluating a population by one call, as arrays of values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ask_tell.candidate import Batch, Candidate
from ..space.ranges import Integer, Real
from ..space.space import Space
from ..space.variables import Variable


def at_once(objective: Callable[[Any], Any], space: Space) -> Callable[[list[Candidate]], Any]:
    """Evaluates candidates by an objective that takes the values of a population."""
    return lambda candidates: objective(columns(space, Batch.of(candidates)))


def columns(space: Space, batch: Batch) -> dict[str, NDArray[Any]]:
    """Every variable's `(n,)` values: numbers or truth values if all its values are of one such type, else objects.

    The array of a conditional variable is one of objects, with None where it is inactive.
    """
    found: dict[str, NDArray[Any]] = {}
    for name, variable in space.variables.items():
        column = np.empty(len(batch), dtype=object)
        for i, candidate in enumerate(batch):
            column[i] = candidate.get(name)  # one by one, as a value may be a list
        found[name] = column.astype(object if space.conditional[space.positions[name]] else _kind(variable))
    return found


def _kind(variable: Variable) -> type:
    """bool, int, float, or object."""
    if variable.continuous:
        return float
    # of a range, which may have 2^53 values, the ends tell the type and the largest magnitude of all
    bounds = [variable.decode(0), variable.decode(variable.size - 1)]
    values = bounds if isinstance(variable, (Integer, Real)) else [*map(variable.decode, range(variable.size))]
    kinds = {type(value) for value in values}
    kind: type = kinds.pop() if len(kinds) == 1 else object
    if kind is int and max(map(abs, values)) >= 2**63:  # int64 cannot hold them; Python's integers can
        return object
    return kind if kind in (bool, int, float) else object
