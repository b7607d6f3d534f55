"""Every rule about what is told; see `asng_core.checks` for how errors read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, SupportsFloat, cast

import numpy as np

from ..arrays import Floats
from ..checks import not_real, shown


def losses(value: object, n: int) -> list[float]:
    """`n` losses from anything `float()` takes (0-d tensors too), text excepted."""
    if getattr(value, "ndim", 1) > 1:  # of an array or a tensor; float() would take the rows of an (n, 1) tensor
        raise ValueError(f"losses must have shape ({n},), one per candidate, got {tuple(getattr(value, 'shape', ()))}.")
    return list(map(loss, _one_each(value, n)))


def objectives(value: object, n: int, known: tuple[int, ...] | None) -> list[Any]:
    """`n` losses as floats, or as tuples of one float per objective.

    `known` is () or (n_objectives,), the shape of one candidate's losses if any is known. NaN alone is a failure in all
    objectives, however many those are.
    """
    found = [tuple(map(loss, each)) if isinstance(each, (list, tuple)) or getattr(each, "ndim", 0) > 0 else loss(each)
             for each in _one_each(value, n)]
    # one objective is a number, in whatever shape it comes
    found = [each[0] if isinstance(each, tuple) and len(each) == 1 else each for each in found]
    shapes = {np.shape(each) for each in found if isinstance(each, tuple) or not math.isnan(each)}
    if len(shapes) > 1 or (0,) in shapes:
        raise ValueError(f"losses must have shape (n,), or (n, n_objectives) with several objectives, n = {n}, "
                         f"got {shown(value)}.")
    if known is not None and shapes - {known}:
        raise ValueError(f"a candidate must have as many losses as those told before: shape {known}, "
                         f"got {shapes.pop()}.")
    shape = next(iter(shapes), ()) if known is None else known
    return [(math.nan,) * shape[0] if shape and not isinstance(each, tuple) else each for each in found]


def _one_each(value: object, n: int) -> list[Any]:
    """What came for each of `n` candidates."""
    dimensions = getattr(value, "ndim", 1)  # of an array or a tensor
    if type(value) is np.ndarray and dimensions == 1 and value.dtype.kind in "fiu":
        value = value.tolist()  # Python's numbers are checked in half the time; of dates it would make some
    # what is iterable but no list of losses: text, sets (without order), mappings (keys would be taken), 0-d arrays
    if isinstance(value, (str, bytes, Set, Mapping)) or not isinstance(value, Iterable) or dimensions == 0:
        raise TypeError(f"losses must be a list of one number per candidate ({n}), got {shown(value)}.")
    listed = list(value)
    if len(listed) != n:
        raise ValueError(f"losses must be one number per candidate: {n} candidates, got {len(listed)} losses.")
    return listed


def loss(value: object) -> float:
    """One loss as a float; NaN and infinities are legal and rank last."""
    if type(value) is float:
        return value
    try:
        # float() would take text, and NumPy's complex numbers without their imaginary part
        return float("not a number" if not_real(value) else cast(SupportsFloat, value))
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"a loss must be one real number, got {shown(value)} ({type(value).__name__}). "
                        "For a failed evaluation tell float('nan').") from None


def violations(value: object, n: int) -> Floats:
    """`(n,)` summed violations: for each candidate a number, or several; only what is positive violates."""
    listed = None
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Set, Mapping)):
        listed = list(value) if getattr(value, "ndim", 1) else None
    if listed is None or len(listed) != n:
        raise ValueError(f"violations must be a list with an entry per candidate ({n}), got {shown(value)}.")
    return np.array([violation(entry) for entry in listed], dtype=np.float64)


def violation(value: object) -> float:
    """One candidate's summed violation: the positive of one number or of several."""
    several: list[Any] = list(value) if isinstance(value, Iterable) and getattr(value, "ndim", None) != 0 else [value]
    try:
        numbers = [float("not a number" if not_real(each) else each) for each in several]
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"a violation must be one real number or a list of them, got {shown(value)}.") from None
    if any(math.isnan(number) for number in numbers):
        raise ValueError(f"a violation must not be NaN, got {shown(value)}. For a failed evaluation tell the loss "
                         "float('nan').")
    return sum((max(number, 0.0) for number in numbers), 0.0)  # a float also of an empty list


def open_ids(ids: Sequence[int | None], is_open: Mapping[int, object], n_asked: int) -> list[int]:
    """Ids of candidates that were asked and wait for their first loss."""
    known: list[int] = []
    for number in ids:
        if number is None:
            raise ValueError("tell(candidates) got a candidate drawn by sample(), whose loss is not awaited. "
                             "Draw with ask() what you want to tell.")
        if number in is_open:
            known.append(number)
        elif 0 <= number < n_asked:  # asked and no longer open
            raise ValueError(f"each candidate can be told once, but candidate {number} was told before.")
        else:
            raise ValueError(f"tell(candidates) takes candidates that this optimizer asked, but never asked "
                             f"candidate {number}.")
    if len(set(known)) < len(known):
        raise ValueError(f"each candidate can be told once, but tell(candidates) holds one twice: ids {shown(known)}.")
    return known
