"""When a variable is active: conditions on the values of other variables.

`active_if` maps a child's name to alternatives, of which one must hold; an alternative maps parents'
names to the values each of them must have one of. A parent that is inactive itself has no value and
satisfies nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..arrays import Bools
from . import rules
from .variables import Variable

# child -> alternatives, each a conjunction: parent -> codes it may have
Codified = dict[str, list[dict[str, list[int]]]]
_HOLDS = -1  # in the count: one of a child's alternatives holds, so that it is active


class Conditions:
    """The conditions of a space, ready to be evaluated for many points at once.

    Children are handled level by level: a child's level is one more than its highest parent's.
    """

    def __init__(self, variables: Mapping[str, Variable], active_if: object) -> None:
        self.codes = _codified(variables, active_if)
        positions = {name: i for i, name in enumerate(variables)}
        # of what decides whether others are active
        self.parents = {positions[name] for each in self.codes.values() for any_of in each for name in any_of}
        parents = {child: {name for each in alternatives for name in each}
                   for child, alternatives in self.codes.items()}
        try:
            self.order = list(TopologicalSorter(parents).static_order())  # parents before children
        except CycleError as error:
            cycle = " <- ".join(repr(name) for name in error.args[1])
            raise ValueError(f"Space(active_if) must not run in a circle, got {cycle}. "
                             "Remove one of these conditions.") from None
        level: dict[str, int] = {}  # 0 of what is always active
        for name in self.order:
            level[name] = 1 + max(level[parent] for parent in parents[name]) if name in parents else 0
        self._levels = [_Level(variables, positions, {name: self.codes[name] for name in self.order
                                                      if level[name] == depth}) for depth in sorted(set(level.values()))
                        if depth > 0]

    def active(self, codes: NDArray[Any]) -> Bools:
        """`(n, n_variables)`: which variables of such codes are active. A code of -1 satisfies nothing."""
        active = np.ones(codes.shape, dtype=np.bool_)
        for level in self._levels:  # each reads the columns that those below have set
            level.fill(active, codes)
        return active

    def values(self, variables: Mapping[str, Variable]) -> dict[str, list[dict[str, list[Any]]]]:
        """The conditions in the user's values."""
        return {child: [{name: [variables[name].decode(code) for code in codes] for name, codes in each.items()}
                        for each in alternatives] for child, alternatives in self.codes.items()}


class _Level:
    """Children whose parents are all on lower levels.

    A literal is one parent's lookup table, one entry per code and one more, False, for no code (-1):
    all literals of an alternative, and any alternative of a child.
    """

    def __init__(self, variables: Mapping[str, Variable], positions: Mapping[str, int], codes: Codified) -> None:
        self._children = np.array([positions[name] for name in codes])  # (n_children,) columns
        alternatives = [each for child in codes.values() for each in child]  # of all children, one after another
        literals = [literal for each in alternatives for literal in each.items()]  # (parent, its codes), likewise
        self._first_alternative = _starts([len(child) for child in codes.values()])
        self._first_literal = _starts([len(each) for each in alternatives])
        self._parents = np.array([positions[name] for name, _ in literals])  # (n_literals,) columns
        # all tables one after another; a literal's code 0 is at its first entry, so that -1 meets the False before it
        self._first_entry = _starts([variables[name].size + 1 for name, _ in literals]) + 1
        self._table = np.zeros(sum(variables[name].size + 1 for name, _ in literals), dtype=np.bool_)
        for (_, allowed), first in zip(literals, self._first_entry, strict=True):
            self._table[first + np.array(allowed)] = True

    def fill(self, active: Bools, codes: NDArray[Any]) -> None:
        """Set the children's columns of `active`."""
        # (n, n_literals): whether each holds; a parent that is inactive may hold any code, hence the second factor
        met = self._table[codes[:, self._parents].astype(np.int64) + self._first_entry] & active[:, self._parents]
        met = np.logical_and.reduceat(met, self._first_literal, axis=1)  # (n, n_alternatives)
        active[:, self._children] = np.logical_or.reduceat(met, self._first_alternative, axis=1)


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    """Where groups of these lengths begin, one after another."""
    ends = np.cumsum(lengths)
    return np.asarray(ends - lengths, dtype=np.int64)


def _codified(variables: Mapping[str, Variable], active_if: object) -> Codified:
    """The checked `active_if` in codes."""
    if not isinstance(active_if, Mapping):
        raise TypeError("Space(active_if) must map names to conditions such as {'op': ['conv']}, "
                        f"got {checks.shown(active_if)}.")
    result: Codified = {}
    for child, given in active_if.items():
        rules.known_name("Space(active_if)", child, variables)
        alternatives = [given] if isinstance(given, Mapping) else given
        if not isinstance(alternatives, Sequence) or isinstance(alternatives, str) or not alternatives or not all(
                isinstance(each, Mapping) and each for each in alternatives):
            raise TypeError(f"the condition of {child!r} must be a dict {{parent: values}}, or a list of such dicts of "
                            f"which one must hold, got {checks.shown(given)}.")
        result[child] = [{name: _allowed(variables, child, name, values) for name, values in each.items()}
                         for each in alternatives]
    return result


def _allowed(variables: Mapping[str, Variable], child: str, name: str, values: object) -> list[int]:
    """The codes of the values that `child`'s condition allows the parent `name`."""
    where = f"the condition of {child!r}"
    rules.known_name(where, name, variables)
    if variables[name].continuous:
        raise ValueError(f"{where} must be on variables of countable values, but {name!r} is a continuous Real. "
                         "Give that one a step.")
    codes = []
    for value in rules.choices(f"{where} on {name!r}", values):
        try:
            codes.append(int(variables[name].encode(value)))
        except ValueError as error:
            raise ValueError(f"{where} must list values of {name!r}, which {error}") from None
    return sorted(set(codes))


def count(sizes: Mapping[str, int], conditions: Conditions) -> int:
    """The number of distinct points of the variables in `conditions`, the inactive ones having no value.

    Goes through the variables, parents first, and keeps how many points share each state of the children to come:
    exact, with an effort that grows with the number of these states. A state says of each child which of its
    alternatives may hold yet, as the bits of a number, or that one does.
    """
    order = _grouped(conditions)
    to_come = [name for name in order if name in conditions.codes]  # children
    place = {name: i for i, name in enumerate(order)}
    counts: dict[tuple[int, ...], int] = {tuple((1 << len(conditions.codes[child])) - 1 for child in to_come): 1}
    for i, name in enumerate(order):
        child = name in conditions.codes
        to_come = to_come[child:]
        alternatives = [conditions.codes[each] for each in to_come]
        classes = _classes(name, sizes[name], alternatives)
        nothing = tuple(_bits(name in each for each in listed) for listed in alternatives)  # what no value satisfies
        complete = [_bits(all(place[parent] <= i for parent in each) for each in listed) for listed in alternatives]
        after: dict[tuple[int, ...], int] = {}
        for state, points in counts.items():
            active = not child or state[0] == _HOLDS
            for broken, weight in classes.items() if active else [(nothing, 1)]:
                pairs = zip(state[child:], broken, strict=True)
                left = (bits if bits == _HOLDS else bits & ~lost for bits, lost in pairs)
                key = tuple(_HOLDS if bits & done else bits for bits, done in zip(left, complete, strict=True))
                after[key] = after.get(key, 0) + points * weight
        counts = after
    return sum(counts.values())


def _classes(name: str, size: int, alternatives: list[list[dict[str, list[int]]]]) -> dict[tuple[int, ...], int]:
    """Which alternatives of each child the values of a variable break, as bits: -> how many values do."""
    told_apart = sorted({code for listed in alternatives for each in listed for code in each.get(name, ())})
    classes: dict[tuple[int, ...], int] = {}
    for code, weight in [*((code, 1) for code in told_apart), (-1, size - len(told_apart))]:  # -1: any other value
        broken = tuple(_bits(name in each and code not in each[name] for each in listed) for listed in alternatives)
        if weight:
            classes[broken] = classes.get(broken, 0) + weight
    return classes


def _bits(flags: Iterable[bool]) -> int:
    """Flag i as bit i."""
    return sum(1 << i for i, flag in enumerate(flags) if flag)


def _grouped(conditions: Conditions) -> list[str]:
    """The variables of the conditions, parents first, each child as soon after its parents as possible."""
    parents = {child: [name for each in alternatives for name in each]
               for child, alternatives in conditions.codes.items()}
    order: dict[str, None] = {}  # an ordered set

    def visit(name: str) -> None:
        if name not in order:
            for parent in parents.get(name, ()):
                visit(parent)
            order[name] = None

    for name in conditions.order:
        if name in parents:  # a child, its parents just before it
            visit(name)
    return list(order)
