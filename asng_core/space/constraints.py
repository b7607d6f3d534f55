"""Constraints: predicates on a point's values, and drawing points that satisfy them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .. import checks
from . import rules

Predicate = Callable[[dict[str, Any]], bool]


class Constraints:
    """Predicates on the values, all of which a feasible point satisfies."""

    def __init__(self, predicates: Iterable[Predicate]) -> None:
        self.predicates = rules.predicates("Space(constraints=...)", predicates)
        self.names = [str(getattr(each, "__name__", type(each).__name__)) for each in self.predicates]

    def satisfied(self, values: Mapping[str, Any]) -> bool:
        """Whether all hold. Raises RuntimeError if one raises, TypeError if one answers neither True nor False."""
        return all(self._holds(i, predicate, values) for i, predicate in enumerate(self.predicates))

    def _holds(self, i: int, predicate: Predicate, values: Mapping[str, Any]) -> bool:
        try:
            answer = predicate(dict(values))  # a copy each: one may change its own
        except Exception as error:
            raise RuntimeError(f"constraint {i} ({self.names[i]}) raised {type(error).__name__}: {error}, for the "
                               f"values {checks.shown(dict(values))}. It must return True or False.") from error
        if not isinstance(answer, (bool, np.bool_)):
            raise TypeError(f"constraint {i} ({self.names[i]}) must return True or False, got "
                            f"{checks.shown(answer)} for the values {checks.shown(dict(values))}.")
        return bool(answer)

    def violated(self, values: Mapping[str, Any]) -> int:
        """How many do not hold. Raises as `satisfied`, but once one is broken a later one that raises is broken too:
        it may rely on the earlier."""
        n = 0
        for i, predicate in enumerate(self.predicates):
            try:
                n += not self._holds(i, predicate, values)
            except (RuntimeError, TypeError):
                if not n:
                    raise
                n += 1
        return n

    def broken(self, values: Mapping[str, Any]) -> int:
        """The number of the first constraint that does not hold, or else of how many there are; -1 if one raises."""
        for i, predicate in enumerate(self.predicates):
            try:
                if not predicate(dict(values)):
                    return i
            except Exception:  # the user's code, asked about a point that no optimizer may ever ask
                return -1
        return len(self.predicates)

    def __bool__(self) -> bool:
        return bool(self.predicates)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constraints) and self.predicates == other.predicates

    __hash__ = None  # type: ignore[assignment]  # as equality is by predicates, which need not be hashable
