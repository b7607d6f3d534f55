"""When a variable is active: conditions on the values of other variables.

`active_if` maps a child's name to alternatives, of which one must hold; an alternative maps parents'
names to the values each of them must have one of. A parent that is inactive itself has no value and
satisfies nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Conditions:
    """The conditions of a space, ready to be evaluated for many points at once.

    Children are handled level by level: a child's level is one more than its highest parent's.
    """

    def __init__(self, variables: Mapping[str, Variable], active_if: object) -> None:
        self.codes = _codified(variables, active_if)
        positions = {name: i for i, name in enumerate(variables)}
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

    Goes through the variables, parents first, and keeps for each combination of what later conditions
    can tell apart, how many points share it: exact, with an effort that grows with the number of
    parents that are waiting for a child at once.
    """
    order = _grouped(conditions)
    # parent -> index of its last child: later ones overwrite earlier ones. After it the parent's code may be forgotten
    last_use = {name: i for i, child in enumerate(order) for each in conditions.codes.get(child, ()) for name in each}
    counts: dict[tuple[tuple[str, int], ...], int] = {(): 1}  # ((parent, representative code), ...) -> points
    for i, name in enumerate(order):
        # what is asked of this variable, and the codes of which anything is asked
        literals = [set(each[name]) for child in conditions.codes.values() for each in child if name in each]
        told_apart = sorted(set().union(*literals)) if literals else []
        # codes that satisfy the same literals are counted together: (first of them, how many)
        classes: dict[tuple[bool, ...], list[int]] = {}
        for code in told_apart:
            classes.setdefault(tuple(code in literal for literal in literals), []).append(code)
        weights = [(codes[0], len(codes)) for codes in classes.values()]
        if rest := sizes[name] - len(told_apart):
            weights.append((-1, rest))  # all others satisfy nothing, as if inactive
        after: dict[tuple[tuple[str, int], ...], int] = {}
        for state, points in counts.items():
            known = dict(state)
            alternatives = conditions.codes.get(name)
            active = alternatives is None or any(all(known[parent] in codes for parent, codes in each.items())
                                                 for each in alternatives)
            for code, weight in weights if active else [(-1, 1)]:  # inactive: one way, to have no value
                kept = {**known, name: code}
                key = tuple(sorted(item for item in kept.items() if last_use.get(item[0], -1) > i))
                after[key] = after.get(key, 0) + points * weight
        counts = after
    return sum(counts.values())


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
