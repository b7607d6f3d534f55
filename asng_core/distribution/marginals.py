"""Each variable's distribution in the user's terms, out and in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..space.ranges import Integer
from ..space.rules import known_name
from ..space.variables import Variable, same
from . import rules
from .search_distribution import SearchDistribution


class MeanStd(NamedTuple):
    """A Gaussian over the values of an Integer or Real, or over the positions 0..K-1 of an Ordinal.

    >>> from asng_core import ASNG, Integer, Space
    >>> ASNG(Space({"n": Integer(0, 8)}), seed=0).distribution()
    {'n': MeanStd(mean=4.0, std=2.0)}

    On a log scale `mean` is the value at the mean logarithm, and `std` is that of the natural
    logarithm. `mean` is an int where a float could not tell an Integer's values apart.
    """

    mean: float
    std: float


Marginal = NDArray[np.float64] | MeanStd


def marginals(distribution: SearchDistribution) -> dict[str, Marginal]:
    """Per variable its probabilities `(K,)`, or mean and standard deviation if it is ordered."""
    found = distribution.family.marginals(distribution.theta)
    return {name: _in_units(variable, marginal) for (name, variable), marginal
            in zip(distribution.space.variables.items(), found, strict=True)}


def _in_units(variable: Variable, marginal: NDArray[np.float64]) -> Marginal:
    """A family's marginal, `(K,)` or mean and sigma along the axis, as the user reads it."""
    if not variable.ordered:
        return marginal
    if variable.size == 1:  # a constant has no axis: its family is the categorical, its marginal [1.0]
        return MeanStd(variable.in_units(math.log(variable.offset) if variable.log else 0.0, 0.0)[0], 0.0)
    mean, std = marginal.tolist()
    return MeanStd(*variable.in_units(mean, std))


def initial_theta(distribution: SearchDistribution, init: object) -> NDArray[np.float64]:
    """theta of `init`: name -> what `marginals` gives, or a Categorical's {value: probability}, or an ordered
    variable's value to begin around; variables left out begin uncommitted.
    """
    space = distribution.space
    found = distribution.family.marginals(distribution.family.initial())  # (K,) each, or (2,): mean and sigma
    for name, given in checks.mapping("init", init).items():
        i = space.positions[known_name("init", name, space.names)]
        variable = space.variables[name]
        if variable.ordered and variable.size != 1:
            found[i] = _gaussian(distribution, i, name, given, float(found[i][1]))
        elif not variable.ordered:
            found[i] = _probabilities(variable, name, given)
    return distribution.family.from_marginals(found)


def _gaussian(distribution: SearchDistribution, i: int, name: str, given: object, std: float) -> NDArray[np.float64]:
    """`(2,)` mean and sigma along the axis of variable i; `std` where a value was given."""
    variable, space = distribution.space.variables[name], distribution.space
    if isinstance(given, MeanStd):
        if type(given.mean) is not int or not isinstance(variable, Integer):  # of which some are too large for a float
            checks.real(f"init[{name!r}].mean", given.mean)
        checks.real(f"init[{name!r}].std", given.std, above=0)
        return np.array(variable.from_units(given.mean, given.std), dtype=np.float64)
    # families turn whole points into coordinates: the other variables take any legal code
    codes = np.where(space.continuous, space.lows, 0).astype(space.dtype)
    codes[i] = space.encode_one(name, given, "init: ")
    return np.array([distribution.family.draws(codes)[i], std])


def _probabilities(variable: Variable, name: str, given: object) -> NDArray[np.float64]:
    """`(K,)` probabilities, of a mapping from values in the order of the codes, 0 for values left out."""
    where = f"init[{name!r}]"
    values = [variable.decode(code) for code in range(variable.size)]
    if isinstance(given, Mapping):  # keys are compared by `same`: True is not 1
        unknown = [key for key in given if not any(same(key, value) for value in values)]
        if unknown:
            raise ValueError(f"{where} must map values of the variable to probabilities, got {checks.shown(unknown)}. "
                             f"Its values are {checks.shown(values)}.")
        given = [next((p for key, p in given.items() if same(key, value)), 0.0) for value in values]
    if not isinstance(given, (Sequence, np.ndarray)) or isinstance(given, str) or getattr(
            given, "ndim", 1) != 1 or len(given) != len(values):
        raise ValueError(f"{where} must hold one probability for each of {len(values)} values, "
                         f"got {checks.shown(given)}.")
    return rules.probabilities(where, given)
