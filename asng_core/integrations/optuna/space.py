"""The space of an Optuna study, as its trials show it: which parameters there are, and when each of them is there.

Optuna's spaces are defined by running: nothing says beforehand that `degree` is suggested only where `kernel` is
"poly". A parameter that some trials lack is taken for a conditional one if a discrete parameter decides, in all trials
so far, whether it is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from ...space.ranges import Integer, Real
from ...space.space import Space
from ...space.variables import Categorical, Variable

_PARENT_VALUES = 50  # of a parent at most: with more, each value is seen so seldom that it seems to decide anything

Distributions = dict[str, BaseDistribution]


class Seen:
    """What complete trials had: `distributions`, the latest of each parameter, and which were there together."""

    def __init__(self) -> None:
        self.distributions: Distributions = {}
        self._n = 0
        self._counts: Counter[str] = Counter()  # trials that have a parameter
        # parent -> its value -> names that all, and that some, of the trials with this value have
        self._always: dict[str, dict[float, set[str]]] = {}
        self._ever: dict[str, dict[float, set[str]]] = {}
        self._without: dict[str, set[str]] = {}  # parent -> names of trials that lack it
        self._variables: dict[str, tuple[BaseDistribution, Variable | None]] = {}  # made before
        self._made: tuple[dict[str, Variable], dict[str, Any], Space] | None = None

    def add(self, trial: FrozenTrial) -> None:
        names = set(trial.params)
        for name in names - set(self._without):
            self._without[name] = set(self._counts)  # all trials so far lack it
        for absent in set(self._without) - names:
            self._without[absent] |= names
        self._n += 1
        self._counts.update(names)
        for name, distribution in trial.distributions.items():
            if self.distributions.get(name) != distribution:  # else the object stays, to be known by its identity
                self.distributions[name] = distribution
        for name, distribution in trial.distributions.items():
            if 1 < n_values(distribution) <= _PARENT_VALUES:
                value = distribution.to_internal_repr(trial.params[name])
                always, ever = self._always.setdefault(name, {}), self._ever.setdefault(name, {})
                always[value] = always.get(value, names) & names
                ever[value] = ever.get(value, set()) | names

    def conditions(self, names: Iterable[str]) -> dict[str, dict[str, list[float]]]:
        """`{child: {parent: internal values}}` of those of these names that some trial lacks.

        Without a parent that decides, and is itself one of the names, a child has no entry in it: `{child: {}}`.
        """
        names = set(names)
        children = [name for name in self.distributions if name in names and self._counts[name] < self._n]
        found = {child: self._parent(child, names) for child in children}
        while lost := [child for child, condition in found.items()  # whose parent is a child without one
                       if any(found.get(parent) == {} for parent in condition)]:
            found.update((child, {}) for child in lost)
        return found

    def _parent(self, child: str, names: set[str]) -> dict[str, list[float]]:
        """That of the fewest values, all else being equal; values not seen yet are taken to have the child."""
        deciding = [parent for parent in self._always if parent in names and self._decides(parent, child)]
        if not deciding:
            return {}
        parent = min(deciding, key=lambda each: len(self._always[each]))
        absent = {value for value, ever in self._ever[parent].items() if child not in ever}
        return {parent: [value for value in internal_values(self.distributions[parent]) if value not in absent]}

    def _decides(self, parent: str, child: str) -> bool:
        """Whether the child is there exactly with some of the parent's values; not with all, which decides nothing.

        So a child's trials are fewer than its parent's, and no parents run in a circle.
        """
        always, ever = self._always[parent], self._ever[parent]
        return (child not in self._without[parent] and any(child not in each for each in ever.values())
                and all(child in always[value] or child not in ever[value] for value in always))

    def relative(self) -> Distributions:
        """The parameters that can be chosen together."""
        conditions = self.conditions(self.distributions)
        return {name: distribution for name, distribution in self.distributions.items()
                if conditions.get(name) != {} and self._variable(name, distribution) is not None}

    def space(self, distributions: Mapping[str, BaseDistribution]) -> Space | None:
        """Over Optuna's internal values: the position of a choice, the number itself. None without any variable."""
        variables = {name: made for name, each in distributions.items()
                     if (made := self._variable(name, each)) is not None}
        conditions = self.conditions(variables)
        variables = {name: each for name, each in variables.items() if conditions.get(name) != {}}
        active_if = {child: {parent: [_own(variables[parent], value) for value in values]
                             for parent, values in condition.items()}
                     for child, condition in conditions.items() if child in variables}
        if not variables:
            return None
        if self._made is None or self._made[:2] != (variables, active_if):
            self._made = variables, active_if, Space(variables, active_if=active_if)
        return self._made[2]

    def _variable(self, name: str, distribution: BaseDistribution) -> Variable | None:
        known = self._variables.get(name)
        if known is None or known[0] is not distribution:
            self._variables[name] = known = distribution, variable(distribution)
        return known[1]


def n_values(distribution: BaseDistribution) -> float:
    """How many values it has; infinite where it has no steps."""
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return (distribution.high - distribution.low) // distribution.step + 1
    return float("inf")


def internal_values(distribution: BaseDistribution) -> list[float]:
    """All of a discrete one, as Optuna stores them."""
    if isinstance(distribution, IntDistribution):
        return [float(value) for value in range(distribution.low, distribution.high + 1, distribution.step)]
    return [float(position) for position in range(int(n_values(distribution)))]


def variable(distribution: BaseDistribution) -> Variable | None:
    """Over the same values; None where there is no such variable, as for more integers than float64 tells apart."""
    try:
        if isinstance(distribution, CategoricalDistribution):  # whatever the choices are: their positions
            return Categorical(range(len(distribution.choices)))
        if isinstance(distribution, IntDistribution):
            return Integer(distribution.low, distribution.high, distribution.step, distribution.log)
        if isinstance(distribution, FloatDistribution):
            return Real(distribution.low, distribution.high, distribution.step, distribution.log)
    except (TypeError, ValueError):
        pass
    return None


def point(space: Space, distributions: Mapping[str, BaseDistribution], params: Mapping[str, Any]) -> dict[str, Any]:
    """Optuna's values as the space's, of the parameters that it has."""
    return {name: _own(space.variables[name], distributions[name].to_internal_repr(value))
            for name, value in params.items() if name in space.variables}


def params(distributions: Mapping[str, BaseDistribution], point: Mapping[str, Any]) -> dict[str, Any]:
    """The space's values as Optuna's."""
    return {name: distributions[name].to_external_repr(value) for name, value in point.items()}


def _own(variable: Variable, internal: float) -> int | float:
    return internal if isinstance(variable, Real) else int(internal)
