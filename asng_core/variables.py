"""Kinds of variables: how many values each has, and which value a code stands for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from . import _checks

_JSON_SCALARS = (str, int, float, bool, type(None))


class Variable(ABC):
    """One variable: how many values it has, and which value a code stands for.

    `ordered` says whether neighbouring codes are alike, which decides the search distribution:
    a Gaussian over the positions if so, one probability per value if not.
    """

    ordered: ClassVar[bool]
    size: int

    @abstractmethod
    def decode(self, code: int) -> Any:
        """The value at position `code` (0..size-1)."""

    @abstractmethod
    def encode(self, value: object) -> int:
        """The position of `value`. Raises ValueError if the variable does not have it."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Kind and size, and whatever else JSON can hold to rebuild the variable."""


class _Listed(Variable):
    """A variable given by the list of its values: any objects, told apart by type and equality."""

    _argument: ClassVar[str]

    def __init__(self, values: Iterable[Any]) -> None:
        self._values = _checks.choices(self._argument, values)
        self.size = len(self._values)
        self._positions: dict[tuple[type, Any], int] = {}  # of the hashable values
        self._unhashable: list[int] = []
        for position, value in enumerate(self._values):
            if (first := self._position(value)) is not None:
                raise ValueError(f"{self._argument} must hold each value once, got {_checks.shown(value)} "
                                 f"at positions {first} and {position}. Remove one.")
            try:
                self._positions[type(value), value] = position
            except TypeError:
                self._unhashable.append(position)

    def _position(self, value: object) -> int | None:
        try:
            return self._positions.get((type(value), value))
        except TypeError:  # unhashable: look through those of its kind
            return next((i for i in self._unhashable if _same(self._values[i], value)), None)

    def decode(self, code: int) -> Any:
        return self._values[code]

    def encode(self, value: object) -> int:
        position = self._position(value)
        if position is None:
            raise ValueError(f"must be one of {_checks.shown(list(self._values))} (same type, equal), "
                             f"got {_checks.shown(value)}.")
        return position

    def describe(self) -> dict[str, Any]:
        description: dict[str, Any] = {"kind": type(self).__name__, "size": self.size}
        if all(type(value) in _JSON_SCALARS for value in self._values):
            description["values"] = list(self._values)
        return description

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, _Listed) and type(self) is type(other) and self.size == other.size
                and all(map(_same, self._values, other._values)))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._values)!r})"


class Categorical(_Listed):
    """One of several unordered choices; any objects, hashable or not.

    >>> Categorical(["conv3x3", "maxpool", None]).decode(1)
    'maxpool'
    """

    ordered = False
    _argument = "Categorical(choices)"

    def __init__(self, choices: Iterable[Any]) -> None:
        super().__init__(choices)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values, in the order given."""
        return self._values


class Boolean(Categorical):
    """False or True: a Categorical with these two choices."""

    def __init__(self) -> None:
        super().__init__([False, True])

    def __repr__(self) -> str:
        return "Boolean()"


class Ordinal(_Listed):
    """One of several levels in a meaningful order, such as kernel sizes; any objects."""

    ordered = True
    _argument = "Ordinal(levels)"

    def __init__(self, levels: Iterable[Any]) -> None:
        super().__init__(levels)

    @property
    def levels(self) -> tuple[Any, ...]:
        """The values, in the order given."""
        return self._values


class Integer(Variable):
    """The whole numbers from `low` to `high`, both inclusive, at most 2^53 apart."""

    ordered = True

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = _checks.bounds(low, high)
        self.size = self.high - self.low + 1

    def decode(self, code: int) -> int:
        return self.low + int(code)

    def encode(self, value: object) -> int:
        try:
            number = _checks.integer("", value)
        except TypeError:
            number = self.low - 1
        if not self.low <= number <= self.high:
            raise ValueError(f"must be an integer within {self.low}..{self.high}, got {_checks.shown(value)}.")
        return number - self.low

    def describe(self) -> dict[str, Any]:
        return {"kind": "Integer", "size": self.size, "low": self.low, "high": self.high}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Integer) and (self.low, self.high) == (other.low, other.high)

    def __hash__(self) -> int:
        return hash((self.low, self.high))

    def __repr__(self) -> str:
        return f"Integer({self.low}, {self.high})"


def _same(a: object, b: object) -> bool:
    if a is b or type(a) is not type(b):
        return a is b
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    try:
        return bool(a == b)
    except (TypeError, ValueError):  # a comparison that gives no truth value: only identity is left
        return False


def rebuilt(name: str, entry: Mapping[str, Any]) -> Variable:
    """The variable that `describe` described. Raises ValueError if JSON could not hold its values."""
    kind = entry["kind"]
    if kind == "Integer":
        return Integer(entry["low"], entry["high"])
    if kind == "Boolean":
        return Boolean()
    if kind in ("Categorical", "Ordinal") and "values" in entry:
        return {"Categorical": Categorical, "Ordinal": Ordinal}[kind](entry["values"])
    raise ValueError(f"the file does not hold the values of variable {name!r} (JSON cannot). Pass space=.")
