"""Variables from what other packages call domains: lists of values, and the search spaces of Ray Tune and Syne Tune."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from .. import checks
from ..space.ranges import Integer, Real
from ..space.variables import Categorical, Ordinal, Variable, same


def of_values(values: Sequence[Any], *, ordered: bool | None = None) -> Variable:
    """Values that occur twice once; by default numbers are ordered, all else is not."""
    distinct: list[Any] = []
    for value in values:
        if not any(same(value, each) for each in distinct):
            distinct.append(value)
    numbers = all(isinstance(each, Number) and not isinstance(each, (bool, np.bool_, complex)) for each in distinct)
    sortable = numbers and len(set(distinct)) == len(distinct) and not any(map(math.isnan, distinct))
    if ordered is None and sortable:
        return Ordinal(sorted(distinct))
    return Ordinal(distinct) if ordered else Categorical(distinct)


def of_domain(where: str, domain: Any, *, exclusive: bool) -> Variable:
    """Of a `Domain` of Ray Tune, whose integers end before their `upper` (exclusive), or of Syne Tune, which has the
    same classes and more. Raises ValueError for one that is no set of values or range."""
    if hasattr(domain, "categories"):
        kinds = {each.__name__ for each in type(domain).__mro__}
        return of_values(domain.categories, ordered=None if exclusive else "Ordinal" in kinds)
    if hasattr(domain, "values"):  # Syne Tune's FiniteRange
        return of_values(domain.values)
    sampler: Any = domain.get_sampler() if hasattr(domain, "get_sampler") else None
    step = getattr(sampler, "q", None)
    kind = type(sampler.get_sampler() if step is not None else sampler).__name__
    if kind not in ("Uniform", "_Uniform", "LogUniform", "_LogUniform") or not math.isfinite(domain.upper):
        raise ValueError(f"{where} must be a choice, or a uniform or log-uniform range, got {checks.shown(domain)}. "
                         "Give its quantiles' range, and take the quantile in the objective.")
    log, low, high = "Log" in kind, domain.lower, domain.upper
    whole = isinstance(low, int) and isinstance(high, int) and type(domain).__name__ == "Integer"
    if step is not None and not (whole and step == 1):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if log:
            return Ordinal([number * step for number in range(first, last + 1)])
        return Integer(first * step, last * step, step) if whole else Real(first * step, last * step, step)
    return Integer(low, high - exclusive, log=log) if whole else Real(low, high, log=log)
