"""Every rule about user input, one function each: it returns the value ready for use, or raises.

An error names the argument, the rule, what came, and the repair. `where` is the argument as the
user wrote it, for example "ASNG(population_size=...)".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, SupportsFloat, SupportsIndex, cast

import numpy as np
from numpy.typing import NDArray

EXACT_INTEGERS = 2**53  # every integer up to here is a float64, so Gaussian draws can name it


def shown(value: object) -> str:
    """`value` as error messages print it: its repr, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def integer(where: str, value: object, *, minimum: int | None = None) -> int:
    """A whole number of at least `minimum`; NumPy integers too, bools not."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{where} must be an integer, got {shown(value)}.")
    number = operator.index(cast(SupportsIndex, value))
    if minimum is not None and number < minimum:
        raise ValueError(f"{where} must be at least {minimum}, got {number}.")
    return number


def real(where: str, value: object, *, above: float, below: float = math.inf) -> float:
    """A finite number strictly between `above` and `below`."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{where} must be a number, got {shown(value)}.")
    number = float(cast(SupportsFloat, value))
    if not (above < number < below and math.isfinite(number)):
        rule = f"greater than {above:g}" + (f" and less than {below:g}" if below < math.inf else " and finite")
        raise ValueError(f"{where} must be {rule}, got {number}.")
    return number


def seed(where: str, value: object) -> int | np.random.SeedSequence | None:
    """None, a whole number from 0, or a SeedSequence; not a Generator, whose state two would share."""
    if value is None or isinstance(value, np.random.SeedSequence):
        return value
    if isinstance(value, np.random.Generator):
        raise TypeError(f"{where} must be None, an integer or a SeedSequence, got a Generator. "
                        "Pass int(generator.integers(2**63)).")
    return integer(where, value, minimum=0)


def choices(where: str, values: object) -> tuple[Any, ...]:
    """At least one value, in the user's order."""
    if isinstance(values, (str, bytes, Set)) or not isinstance(values, Iterable):  # a set has no order
        raise TypeError(f"{where} must be a list of values, got {shown(values)}. Put it into a list.")
    listed = tuple(values)
    if not listed:
        raise ValueError(f"{where} must hold at least one value, got none.")
    return listed


def bounds(low: object, high: object) -> tuple[int, int]:
    """Integer bounds, both inclusive, no further apart than float64 counts exactly."""
    first, last = integer("Integer(low=...)", low), integer("Integer(high=...)", high)
    if first > last:
        raise ValueError(f"Integer(low, high) must have low <= high, got low={first}, high={last}. Swap them.")
    if last - first > EXACT_INTEGERS:
        raise ValueError(f"Integer(low, high) must span at most 2**53, got {last - first}. Search a coarser grid.")
    return first, last


def named_values(names: Sequence[str], values: object) -> Mapping[str, Any]:
    """A mapping with exactly the space's names."""
    if not isinstance(values, Mapping):
        raise TypeError(f"values must be a mapping from variable names to values, got {shown(values)}.")
    unknown = [name for name in values if name not in names]
    missing = [name for name in names if name not in values]
    if unknown or missing:
        parts = [f"unknown {shown(unknown)}"] * bool(unknown) + [f"missing {shown(missing)}"] * bool(missing)
        raise ValueError(f"values must name every variable of the space and no other: {', '.join(parts)}. "
                         f"The space's names are {shown(list(names))}.")
    return values


def codes(sizes: NDArray[np.int64], value: object) -> NDArray[np.int64]:
    """`(n_variables,)` or `(n, n_variables)` integer codes, each within 0..K-1 of its variable."""
    array = np.asarray(value)
    if array.ndim not in (1, 2) or array.shape[-1] != len(sizes):
        raise ValueError(f"codes must have shape (n_variables,) or (n, n_variables) with n_variables = {len(sizes)}, "
                         f"got {array.shape}.")
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"codes must be integers (positions 0..K-1), got dtype {array.dtype}. "
                        "To turn values into codes, use Space.encode.")
    wrong = np.argwhere(np.atleast_2d((array < 0) | (array >= sizes)))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(f"codes of variable {column} must be within 0..{sizes[column] - 1}, "
                         f"got {np.atleast_2d(array)[row, column]}.")
    return array.astype(np.int64)


def losses(value: object, n: int) -> NDArray[np.float64]:
    """`(n,)` float64 losses from anything `float()` takes (0-d tensors too), text excepted."""
    dimensions = getattr(value, "ndim", 1)  # of an array or a tensor
    if isinstance(value, (str, bytes, Set, Mapping)) or not isinstance(value, Iterable) or dimensions == 0:
        raise TypeError(f"losses must be a list of one number per candidate ({n}), got {shown(value)}.")
    if dimensions != 1:
        raise ValueError(f"losses must have shape ({n},), one per candidate, got {tuple(getattr(value, 'shape', ()))}.")
    listed = list(value)
    if len(listed) != n:
        raise ValueError(f"losses must be one number per candidate: {n} candidates, got {len(listed)} losses.")
    return np.array([loss(each) for each in listed], dtype=np.float64)


def loss(value: object) -> float:
    """One loss as a float; NaN and infinities are legal and rank last."""
    try:
        # float() would take text; an objective that returns it has a bug
        return float("not a number" if isinstance(value, (str, bytes)) else cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"a loss must be one real number, got {shown(value)} ({type(value).__name__}). "
                        "For a failed evaluation tell float('nan').") from None


def open_ids(ids: Sequence[int | None], is_open: Mapping[int, object], n_asked: int) -> list[int]:
    """Ids of candidates that were asked and wait for their first loss."""
    known: list[int] = []
    for number in ids:
        if number is None:
            raise ValueError("tell(candidates) got a candidate drawn by sample(), whose loss is not awaited. "
                             "Draw with ask() what you want to tell.")
        if number in is_open:
            known.append(number)
        elif 0 <= number < n_asked:
            raise ValueError(f"each candidate can be told once, but candidate {number} was told before.")
        else:
            raise ValueError(f"tell(candidates) takes candidates that this optimizer asked, but never asked "
                             f"candidate {number}.")
    if len(set(known)) < len(known):
        raise ValueError(f"each candidate can be told once, but tell(candidates) holds one twice: ids {shown(known)}.")
    return known


def state_array(value: object, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A copy of a state's array, of the shape that this optimizer needs and finite."""
    array = np.array(value, dtype=np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"an array has shape {array.shape}, but finite numbers of shape {shape} are needed.")
    return array
