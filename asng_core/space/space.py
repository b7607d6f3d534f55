"""Search spaces: named variables, and the way between the user's values and codes.

Codes are positions 0..K-1 of a variable's values, or the value itself of a continuous Real; -1, or
NaN, stands for a variable that is inactive. The optimizer sees nothing else. The user sees nothing
but values, and gets back the very objects given.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..arrays import Bools, Codes
from . import rules
from .cells import code_of, gap
from .conditions import Conditions, count
from .constraints import Constraints
from .description import rebuilt, values_of
from .shown import shown
from .variables import Boolean, Categorical, Variable

_PROBES = 64


class Space:
    """Named variables, in a fixed order.

    >>> from asng_core import Categorical, Integer, Space
    >>> space = Space({"op": Categorical(["conv", "pool"]), "width": Integer(16, 64)},
    ...               active_if={"width": {"op": ["conv"]}})
    >>> space.decode([0, 48])
    {'op': 'conv', 'width': 64}
    >>> space.encode({"op": "pool"})
    array([ 1, -1])

    active_if: for a variable that is not always there, `{parent: values}`, all of which must hold, or
        a list of such dicts, of which one must hold; parents may be conditional themselves.
    constraints: predicates on the values, a dict; every point that an optimizer asks satisfies all.
    """

    def __init__(self, variables: Mapping[str, Variable], *, active_if: Mapping[str, Any] | None = None,
                 constraints: Iterable[Callable[[dict[str, Any]], bool]] = ()) -> None:
        if not isinstance(variables, Mapping):
            raise TypeError("Space(variables) must be a mapping from names to variables, "
                            f"got {checks.shown(variables)}.")
        if not variables:
            raise ValueError("Space(variables) must hold at least one variable, got none.")
        for name, variable in variables.items():
            if not isinstance(name, str):
                raise TypeError(f"Space(variables) must have strings as names, got {checks.shown(name)}.")
            if not isinstance(variable, Variable):
                raise TypeError(f"variable {name!r} must be a Categorical, Boolean, Ordinal, Integer or Real, "
                                f"got {checks.shown(variable)}. For a list of choices: Categorical(choices).")
        self.variables = dict(variables)
        self.names = tuple(self.variables)
        self.positions = {name: i for i, name in enumerate(self.names)}
        none = active_if is None or (isinstance(active_if, Mapping) and not active_if)
        self.conditions = None if none else Conditions(self.variables, active_if)
        self.constraints = Constraints(constraints)
        every = self.variables.values()
        self.sizes = np.array([variable.size for variable in every], dtype=np.int64)  # 0: a continuum
        self.continuous = self.sizes == 0
        children = self.conditions.codes if self.conditions else ()
        self.conditional = np.array([name in children for name in self.names])  # (n_variables,): may be inactive
        self.dtype = np.dtype(np.float64 if self.continuous.any() else np.int64)  # of codes
        # (n_variables,) least and greatest codes: bounds of a continuum, else 0 and K - 1
        self.lows = np.array([getattr(each, "low", 0) if each.continuous else 0 for each in every], dtype=np.float64)
        self.highs = np.array([getattr(each, "high", 0) if each.continuous else each.size - 1 for each in every],
                               dtype=np.float64)
        for array in (self.sizes, self.continuous, self.conditional, self.lows, self.highs):
            array.setflags(write=False)

    @classmethod
    def binary(cls, n_variables: int) -> Space:
        """`n_variables` Booleans named x0, x1, ..."""
        boolean = Boolean()  # one for all names: nothing changes a variable
        n = checks.integer("Space.binary(n_variables)", n_variables, minimum=1)
        return cls({f"x{i}": boolean for i in range(n)})

    @classmethod
    def categorical(cls, sizes: Sequence[int]) -> Space:
        """Categoricals named x0, x1, ... with the values 0..K-1, one for each K in `sizes`."""
        if (given := checks.listed(sizes)) is None or not given:
            raise TypeError("Space.categorical(sizes) must be a list of numbers of categories, one per variable, got "
                            f"{checks.shown(sizes)}.")
        sizes = [checks.integer("Space.categorical(sizes)", size, minimum=1) for size in given]
        shared = {size: Categorical(range(size)) for size in set(sizes)}
        return cls({f"x{i}": shared[size] for i, size in enumerate(sizes)})

    @functools.cached_property
    def size(self) -> int | float:
        """The number of distinct points, before constraints; infinite with a continuous Real."""
        if self.continuous.any():
            return math.inf
        sizes = dict(zip(self.names, self.sizes.tolist(), strict=True))
        # those in conditions, parents included, are counted together; the others multiply
        conditional = set(self.conditions.order) if self.conditions else set()
        free = math.prod(size for name, size in sizes.items() if name not in conditional)
        return int(free * count(sizes, self.conditions)) if self.conditions else int(free)

    def active(self, codes: Codes) -> Bools:
        """`(n, n_variables)`: which variables of `(n, n_variables)` codes are active, whatever the inactive hold."""
        return self.conditions.active(codes) if self.conditions else np.ones(codes.shape, dtype=np.bool_)

    def masked(self, codes: Codes) -> Codes:
        """`(n, n_variables)` codes with -1, or NaN, in place of whatever the inactive hold."""
        return np.where(self.active(codes), codes, self._none).astype(self.dtype) if self.conditions else codes

    @property
    def _none(self) -> NDArray[Any]:
        """What stands for no value: `(n_variables,)`, or one number for all."""
        return np.where(self.continuous, np.nan, -1) if self.continuous.any() else np.asarray(-1)

    def decode(self, codes: ArrayLike) -> Any:
        """The values of `(n_variables,)` codes as a dict; of `(n, n_variables)` codes, a list of dicts."""
        checked = self.checked(codes)
        points = self.values(np.atleast_2d(checked))
        return points if checked.ndim == 2 else points[0]

    def checked(self, codes: ArrayLike) -> Codes:
        """A copy of `(n_variables,)` or `(n, n_variables)` codes, if each is legal and held exactly where active."""
        checked = rules.codes(self.sizes, self.lows, self.highs, self.conditional, codes)
        rows = np.atleast_2d(checked)
        rules.activity(self.names, self.active(rows), self._present(rows))
        return checked

    def values(self, codes: Codes) -> list[dict[str, Any]]:
        """The values of `(n, n_variables)` codes that are known to be legal."""
        named = list(self.variables.items())
        if self.conditions is None:
            return [{name: variable.decode(code) for (name, variable), code in zip(named, row, strict=True)}
                    for row in codes.tolist()]
        return [{name: variable.decode(code) for (name, variable), code, there in zip(named, row, present, strict=True)
                 if there} for row, present in zip(codes.tolist(), self._present(codes).tolist(), strict=True)]

    def _present(self, codes: Codes) -> Bools:
        """Where codes hold a value."""
        return np.where(self.continuous, ~np.isnan(codes), codes != -1)

    def encode(self, values: Mapping[str, Any]) -> Codes:
        """The `(n_variables,)` codes of a point. Raises ValueError if no point has these values.

        Constraints are not asked: that is `contains`.
        """
        checks.mapping("values", values)
        codes = np.broadcast_to(self._none, (len(self),)).astype(self.dtype)  # a copy, which can be written to
        for i, name in enumerate(self.names):
            if name in values:
                codes[i] = self.encode_one(name, values[name])
        # only now: which names are needed follows from the codes of their parents
        rules.named_values(self.positions, self.active(codes[None])[0].tolist(), values)
        return codes

    def encode_one(self, name: str, value: object, where: str = "") -> int | float:
        """The code of one variable's value; errors begin with `where`."""
        try:
            return self.variables[name].encode(value)
        except ValueError as error:
            raise ValueError(f"{where}variable {name!r} {error}") from None

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The point in the row of a table, such as `History.to_frame()` gives, from a CSV file too.

        Cells may have lost their type: text or floats stand for numbers, text for any other value. A gap (None, NaN,
        "") is the value None, if the variable has it, and nothing at all where it is inactive. Other columns are
        ignored. Raises ValueError if no point has these values; constraints are not asked.
        """
        codes = np.broadcast_to(self._none, (len(self),)).astype(self.dtype)
        present = np.zeros(len(self), dtype=np.bool_)
        while (new := np.flatnonzero(self.active(codes[None])[0] & ~present)).size:  # parents before children
            for i in new.tolist():
                name = self.names[i]
                try:
                    codes[i] = code_of(self.variables[name], checks.mapping("row", row).get(name))
                except ValueError as error:
                    raise ValueError(f"variable {name!r} {error}") from None
            present[new] = True
        for name in np.array(self.names)[~present].tolist():
            if not gap(row.get(name)):
                raise ValueError(f"variable {name!r} must be empty, its condition not being met, got "
                                 f"{checks.shown(row[name])}.")
        return self.values(codes[None])[0]

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Whether `values` is a point of this space that satisfies its constraints."""
        try:
            self.encode(values)
        except ValueError:
            return False
        return self.feasible(values)

    def feasible(self, values: Mapping[str, Any]) -> bool:
        """Whether a point of this space satisfies its constraints."""
        return self.constraints.satisfied(dict(values))

    def describe(self) -> dict[str, Any]:
        """What a file can hold of this space: names, kinds, sizes, conditions as codes, values where JSON can, else
        digests of their content, and how the constraints answer for some points."""
        return {"variables": {name: variable.describe() for name, variable in self.variables.items()},
                "active_if": self.conditions.codes if self.conditions else {}, "constraints": self.constraints.names,
                "answers": self.answers}

    @functools.cached_property
    def answers(self) -> list[int]:
        """For the same points in every process: the first constraint that each breaks (see `Constraints.broken`)."""
        return [self.constraints.broken(values) for values in self.probes] if self.constraints else []

    @property
    def probes(self) -> list[dict[str, Any]]:
        """The points by which a file knows the constraints: uniform over codes, the same in every process."""
        uniform = np.random.default_rng(0).random((_PROBES, len(self)))
        codes = np.where(self.continuous, self.lows + uniform * (self.highs - self.lows),
                         np.minimum(uniform * self.sizes, self.highs).astype(np.int64))
        return self.values(self.masked(codes.astype(self.dtype)))

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Space:
        """The space that `describe` described. Raises ValueError if JSON could not hold all of it."""
        if description["constraints"]:
            raise ValueError("the file does not hold the space's constraints, which are functions "
                             f"({', '.join(description['constraints'])}). Pass space=.")
        variables = {name: rebuilt(name, entry) for name, entry in description["variables"].items()}
        active_if = {child: [{name: values_of(variables[name], codes) for name, codes in each.items()}
                             for each in alternatives] for child, alternatives in description["active_if"].items()}
        return cls(variables, active_if=active_if)

    def __len__(self) -> int:
        return len(self.variables)

    def __eq__(self, other: object) -> bool:
        """Same names in the same order, variables, conditions, and the same constraints in the same order."""
        return (isinstance(other, Space) and self.names == other.names and self.variables == other.variables
                and (self.conditions and self.conditions.codes) == (other.conditions and other.conditions.codes)
                and self.constraints == other.constraints)

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        return shown(self.variables, self.conditions)

    def __repr__(self) -> str:
        active_if = f", active_if={self.conditions.values(self.variables)!r}" if self.conditions else ""
        constraints = f", constraints=[{', '.join(self.constraints.names)}]" if self.constraints.names else ""
        return f"Space({self.variables!r}{active_if}{constraints})"
