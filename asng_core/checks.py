"""Rules about user input that are not of one folder alone: `rules` in `space`, `distribution`, `ask_tell` and `loop`
hold the others. One function each: it returns the value ready for use, or raises.

An error names the argument, the rule, what came, and the repair. `where` is the argument as the
user wrote it, for example "ASNG(population_size=...)".
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping, Set
from typing import Any, SupportsFloat, SupportsIndex, cast

import numpy as np

from .arrays import Floats


def shown(value: object) -> str:
    """`value` as error messages print it: its repr, cut to a readable length; its type, should that fail."""
    try:
        text = repr(value)
    except Exception:  # of the user's own: it is not what the message is about
        text = object.__repr__(value)
    return text if len(text) <= 80 else text[:77] + "..."  # a line; arrays and spaces have long reprs


def not_real(value: object) -> bool:
    """Whether `float` would make a number of what is none: of text, of a complex NumPy number, of NumPy's dates."""
    return isinstance(value, (str, bytes)) or getattr(getattr(value, "dtype", None), "kind", "") in ("c", "m", "M")


def listed(value: object) -> tuple[Any, ...] | None:
    """What is in a list or anything else that has an order; None if `value` is no such thing."""
    if isinstance(value, (str, bytes, Set, Mapping)) or not isinstance(value, Iterable) or getattr(
            value, "ndim", 1) == 0:
        return None
    return tuple(value)


def integer(where: str, value: object, *, minimum: int | None = None) -> int:
    """A whole number of at least `minimum`; NumPy integers too, bools not."""
    # True is an int in Python, but as a number of evaluations it is a mistake; 3.0 has no __index__
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{where} must be an integer, got {shown(value)}.")
    try:
        number = operator.index(cast(SupportsIndex, value))
    except TypeError:  # an array that is no whole number
        raise TypeError(f"{where} must be an integer, got {shown(value)}.") from None
    if minimum is not None and number < minimum:
        raise ValueError(f"{where} must be at least {minimum}, got {number}.")
    return number


def real(where: str, value: object, *, above: float = -math.inf, below: float = math.inf) -> float:
    """A finite number strictly between `above` and `below`."""
    if not_real(value) or not hasattr(value, "__float__"):
        raise TypeError(f"{where} must be a number, got {shown(value)}.")
    try:
        number = float(cast(SupportsFloat, value))
    except OverflowError:  # an int beyond float64
        number = math.inf
    except (TypeError, ValueError):  # an array of several numbers
        raise TypeError(f"{where} must be a number, got {shown(value)}.") from None
    if not (above < number < below and math.isfinite(number)):
        rule = f"greater than {above:g} and " * (above > -math.inf)
        rule += f"less than {below:g}" if below < math.inf else "finite"
        raise ValueError(f"{where} must be {rule}, got {number}.")
    return number


def truth(where: str, value: object) -> bool:
    """True or False, NumPy's too."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{where} must be True or False, got {shown(value)}.")
    return bool(value)


def path(where: str, value: object) -> str:
    """The path of a file."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(found := os.fspath(value), str):
        raise TypeError(f"{where} must be a path, as text or a pathlib.Path, got {shown(value)}.")
    return found


def seed(where: str, value: object) -> int | np.random.SeedSequence | None:
    """None, a whole number from 0, or a SeedSequence; not a Generator, whose state two would share."""
    if value is None or isinstance(value, np.random.SeedSequence):
        return value
    if isinstance(value, np.random.Generator):
        raise TypeError(f"{where} must be None, an integer or a SeedSequence, got a Generator. "
                        "Pass int(generator.integers(2**63)).")
    return integer(where, value, minimum=0)


def mapping(where: str, value: object) -> Mapping[str, Any]:
    """A mapping from variable names."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} must be a mapping from variable names to values, got {shown(value)}.")
    return value


def state_array(value: object, shape: tuple[int, ...]) -> Floats:
    """A copy of a state's array, of the shape that this optimizer needs and finite."""
    array = np.array(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"an array must hold real numbers, got dtype {array.dtype}.")
    array = array.astype(np.float64, copy=False)
    if array.shape != shape:
        raise ValueError(f"an array has shape {array.shape}, but {shape} is needed.")
    if not np.isfinite(array).all():
        raise ValueError("an array holds infinite numbers or NaN.")
    return array
