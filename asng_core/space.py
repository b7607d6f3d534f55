"""Search spaces: named variables, and the way between the user's values and integer codes.

Codes are positions 0..K-1 of a variable's values; the optimizer sees nothing else. The user sees
nothing but values, and gets back the very objects given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _checks
from .variables import Boolean, Categorical, Variable, rebuilt


class Space:
    """Named variables, in a fixed order.

    >>> from asng_core import Categorical, Integer, Space
    >>> space = Space({"op": Categorical(["conv", "pool"]), "width": Integer(16, 64)})
    >>> space.decode([1, 0])
    {'op': 'pool', 'width': 16}
    >>> space.encode({"op": "conv", "width": 64})
    array([ 0, 48])
    """

    def __init__(self, variables: Mapping[str, Variable]) -> None:
        if not isinstance(variables, Mapping):
            raise TypeError("Space(variables) must be a mapping from names to variables, "
                            f"got {_checks.shown(variables)}.")
        if not variables:
            raise ValueError("Space(variables) must hold at least one variable, got none.")
        for name, variable in variables.items():
            if not isinstance(name, str):
                raise TypeError(f"Space(variables) must have strings as names, got {_checks.shown(name)}.")
            if not isinstance(variable, Variable):
                raise TypeError(f"variable {name!r} must be a Categorical, Boolean, Ordinal or Integer, "
                                f"got {_checks.shown(variable)}. For a list of choices: Categorical(choices).")
        self.variables = dict(variables)
        self.names = tuple(self.variables)
        self.positions = {name: i for i, name in enumerate(self.names)}
        self.sizes = np.array([variable.size for variable in self.variables.values()], dtype=np.int64)
        self.sizes.setflags(write=False)

    @classmethod
    def binary(cls, n_variables: int) -> Space:
        """`n_variables` Booleans named x0, x1, ..."""
        boolean = Boolean()
        n = _checks.integer("Space.binary(n_variables)", n_variables, minimum=1)
        return cls({f"x{i}": boolean for i in range(n)})

    @classmethod
    def categorical(cls, sizes: Sequence[int]) -> Space:
        """Categoricals named x0, x1, ... with the values 0..K-1, one for each K in `sizes`."""
        sizes = [_checks.integer("Space.categorical(sizes)", size, minimum=1) for size in sizes]
        shared = {size: Categorical(range(size)) for size in set(sizes)}
        return cls({f"x{i}": shared[size] for i, size in enumerate(sizes)})

    @property
    def size(self) -> int:
        """The number of points."""
        return math.prod(self.sizes.tolist())

    def decode(self, codes: ArrayLike) -> Any:
        """The values of `(n_variables,)` codes as a dict; of `(n, n_variables)` codes, a list of dicts."""
        checked = _checks.codes(self.sizes, codes)
        points = [{name: variable.decode(code) for (name, variable), code
                   in zip(self.variables.items(), row, strict=True)} for row in np.atleast_2d(checked).tolist()]
        return points if checked.ndim == 2 else points[0]

    def encode(self, values: Mapping[str, Any]) -> NDArray[np.int64]:
        """The `(n_variables,)` codes of a point. Raises ValueError if it is not in the space."""
        _checks.named_values(self.names, values)
        codes = np.empty(len(self), dtype=np.int64)
        for i, (name, variable) in enumerate(self.variables.items()):
            try:
                codes[i] = variable.encode(values[name])
            except ValueError as error:
                raise ValueError(f"variable {name!r} {error}") from None
        return codes

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Whether `values` is a point of this space."""
        try:
            self.encode(values)
        except ValueError:
            return False
        return True

    def describe(self) -> dict[str, dict[str, Any]]:
        """What a file can hold of this space: names, kinds, sizes, and values where JSON can."""
        return {name: variable.describe() for name, variable in self.variables.items()}

    @classmethod
    def from_description(cls, description: Mapping[str, Mapping[str, Any]]) -> Space:
        """The space that `describe` described. Raises ValueError if JSON could not hold its values."""
        return cls({name: rebuilt(name, entry) for name, entry in description.items()})

    def __len__(self) -> int:
        return len(self.variables)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.names == other.names and self.variables == other.variables

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Space({self.variables!r})"
