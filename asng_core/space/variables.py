"""Kinds of variables, and those given by the list of their values; `ranges` has those given by bounds."""

from __future__ import annotations

import functools
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .. import checks
from . import rules
from .identity import NoForm, digest, form

_JSON_SCALARS = (str, int, float, bool, type(None))  # by exact type: what comes back from JSON as it was


class Variable(ABC):
    """One variable: how many values it has (`size`, 0 for a continuum), and which value a code stands for.

    Codes are positions 0..size-1, or the value itself in a continuum. `ordered` says whether
    neighbouring codes are alike, which decides the search distribution: a Gaussian if so, over the
    logarithms if `log`; one probability per value if not.
    """

    ordered: ClassVar[bool]
    size: int
    log: bool = False
    offset: float = 0.0  # a log scale is over code + offset

    @property
    def continuous(self) -> bool:
        """Whether it is a continuum, whose codes are the values."""
        return self.size == 0

    @abstractmethod
    def decode(self, code: Any) -> Any:
        """The value of `code`."""

    @abstractmethod
    def encode(self, value: object) -> int | float:
        """The code of `value`. Raises ValueError if the variable does not have it."""

    def in_units(self, mean: float, std: float) -> tuple[float, float]:
        """Mean and standard deviation of the Gaussian's coordinate, as the user reads them."""
        return mean, std

    def from_units(self, mean: float, std: float) -> tuple[float, float]:
        """The inverse of `in_units`."""
        return mean, std

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Kind and size, and whatever else JSON can hold to rebuild the variable."""


class _Listed(Variable):
    """A variable given by the list of its values: any objects, told apart by type and equality."""

    _argument: ClassVar[str]

    def __init__(self, values: Iterable[Any]) -> None:
        self._values = rules.choices(self._argument, values)
        self.size = len(self._values)
        self._positions: dict[tuple[type, Any], int] = {}  # of the hashable values
        self._unhashable: list[int] = []  # positions of the others, which are looked through one by one
        for position, value in enumerate(self._values):
            if (first := self._position(value)) is not None:
                raise ValueError(f"{self._argument} must hold each value once, got {checks.shown(value)} "
                                 f"at positions {first} and {position}. Remove one.")
            try:
                self._positions[type(value), value] = position
            except TypeError:
                self._unhashable.append(position)

    def _position(self, value: object) -> int | None:
        try:
            found = self._positions.get((type(value), value))
        except TypeError:  # unhashable: look through those of its kind
            return next((i for i in self._unhashable if same(self._values[i], value)), None)
        if found is None and _unlike_itself(value):
            return next((i for (_, each), i in self._positions.items() if same(each, value)), None)
        return found

    def decode(self, code: Any) -> Any:
        return self._values[int(code)]

    def encode(self, value: object) -> int:
        position = self._position(value)
        if position is None:
            raise ValueError(f"must be one of {checks.shown(list(self._values))} (same type, equal), "
                             f"got {checks.shown(value)}.")
        return position

    def describe(self) -> dict[str, Any]:
        description: dict[str, Any] = {"kind": type(self).__name__, "size": self.size}
        if all(type(value) in _JSON_SCALARS for value in self._values):
            description["values"] = list(self._values)
        else:
            description["digests"] = self._digests
        return description

    @functools.cached_property
    def _digests(self) -> list[str | None]:
        """Of each value's content; None where a file cannot know it."""
        found: list[str | None] = []
        for value in self._values:
            try:
                found.append(digest(value))
            except NoForm:
                found.append(None)
        return found

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, _Listed) and type(self) is type(other) and self.size == other.size
                and all(map(same, self._values, other._values)))

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

    def __init__(self, choices: Iterable[Any]) -> None:  # for the argument's name
        super().__init__(choices)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values, in the order given."""
        return self._values


class Boolean(Categorical):
    """False or True: a Categorical with these two choices.

    >>> Boolean().choices
    (False, True)
    """

    def __init__(self) -> None:
        super().__init__([False, True])

    def encode(self, value: object) -> int:
        return super().encode(bool(value) if isinstance(value, np.bool_) else value)

    def __repr__(self) -> str:
        return "Boolean()"


class Ordinal(_Listed):
    """One of several levels in a meaningful order, such as kernel sizes; any objects.

    >>> Ordinal(["small", "medium", "large"]).decode(1)
    'medium'
    """

    ordered = True
    _argument = "Ordinal(levels)"

    def __init__(self, levels: Iterable[Any]) -> None:  # for the argument's name
        super().__init__(levels)

    @property
    def levels(self) -> tuple[Any, ...]:
        """The values, in the order given."""
        return self._values


def same(a: object, b: object) -> bool:
    """Whether two values are of one type and equal."""
    if a is b or type(a) is not type(b):
        return a is b  # one object is the same, even a NaN
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    try:
        with warnings.catch_warnings():  # NumPy before 1.25 warns where it cannot compare, and then says False
            warnings.simplefilter("ignore", DeprecationWarning)
            if a == b:
                return True
            if not _unlike_itself(a):
                return False
    except (TypeError, ValueError):  # a comparison that gives no truth value
        pass
    try:
        return form(a) == form(b)
    except NoForm:  # only identity is left
        return False


def _unlike_itself(value: object) -> bool:
    """Whether equality says nothing of a value, since it does not even equal itself, as NaN."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True
