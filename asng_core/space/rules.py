"""Every rule about spaces, their variables and points; see `asng_core.checks` for how errors read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Bools, Codes, Floats, Ints
from ..checks import listed, shown

EXACT_INTEGERS = 2**53  # every integer up to here is a float64, so Gaussian draws can name it
LOG_POSITIONS = 2**40  # here the logarithms of neighbours are still 256 units in the last place of float64 apart


def choices(where: str, values: object) -> tuple[Any, ...]:
    """At least one value, in the user's order."""
    found = listed(tuple(values) if isinstance(values, Mapping) else values)
    if found is None:
        raise TypeError(f"{where} must be a list of values, got {shown(values)}. Put it into a list.")
    if not found:
        raise ValueError(f"{where} must hold at least one value, got none.")
    return found


def ordered_bounds(kind: str, low: float, high: float) -> None:
    """Bounds the right way round."""
    if low > high:
        raise ValueError(f"{kind}(low, high) must have low <= high, got low={low}, high={high}. Swap them.")


def n_steps(kind: str, steps: float, low: float, low_steps: float, log: bool) -> None:
    """So few steps, and on a log scale so near to 0, that float64 tells the positions apart."""
    if steps > EXACT_INTEGERS:
        raise ValueError(f"{kind}(low, high) must span at most 2**53 steps, got {steps}. Search a coarser grid.")
    if log:
        positive_low(kind, low)
        if low_steps + steps > LOG_POSITIONS:
            raise ValueError(f"{kind}(log=True) must have high at most 2**40 steps, got {low_steps + steps:.6g}. "
                             "Take larger steps, or a Real(log=True).")


def positive_low(kind: str, low: float) -> None:
    """What a log scale needs."""
    if low <= 0:
        raise ValueError(f"{kind}(log=True) must have low greater than 0, got low={low}. Leave out log, or raise low.")


def known_name(where: str, name: object, names: Iterable[str]) -> str:
    """The name of a variable of the space."""
    known = list(names)
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{where} must name variables of the space, got {shown(name)}. "
                         f"The space's names are {shown(known)}.")
    return name


def named_values(names: Collection[str], active: Sequence[bool], values: Mapping[str, Any]) -> None:
    """A mapping with exactly the names that are active."""
    unknown = [name for name in values if name not in names]
    missing = [name for name, needed in zip(names, active, strict=True) if needed and name not in values]
    inactive = [name for name, needed in zip(names, active, strict=True) if not needed and name in values]
    if unknown or missing or inactive:
        parts = [f"unknown {shown(unknown)}"] * bool(unknown) + [f"missing {shown(missing)}"] * bool(missing)
        parts += [f"inactive {shown(inactive)} (condition not met)"] * bool(inactive)
        raise ValueError(f"values must name every active variable of the space and no other: {', '.join(parts)}. "
                         f"The space's names are {shown(list(names))}.")


def codes(sizes: Ints, lows: Floats, highs: Floats, conditional: Bools, value: object) -> Codes:
    """`(n_variables,)` or `(n, n_variables)` codes within each variable's range, or -1 (NaN) for a conditional one.

    Positions are integers, as floats too where a continuous variable, of size 0, is among them.
    """
    array = np.asarray(value)
    if array.ndim not in (1, 2) or array.shape[-1] != len(sizes):
        raise ValueError(f"codes must have shape (n_variables,) or (n, n_variables) with n_variables = {len(sizes)}, "
                         f"got {array.shape}.")
    continuous = sizes == 0
    # floats in a space of integers are more likely values than codes
    legal: tuple[type, ...] = (np.integer, np.floating) if continuous.any() else (np.integer,)
    if not any(np.issubdtype(array.dtype, kind) for kind in legal):
        raise TypeError(f"codes must be integers (positions 0..K-1), got dtype {array.dtype}. "
                        "To turn values into codes, use Space.encode.")
    rows = np.atleast_2d(array)
    # (n, n_variables); NaN fails every comparison, so that only the second line lets it pass
    fine = (rows >= lows) & (rows <= highs) & (continuous | (rows == np.rint(rows)))
    fine |= conditional & np.where(continuous, np.isnan(rows), rows == -1)
    wrong = np.argwhere(~fine)
    if len(wrong):
        row, column = wrong[0]
        span = f"{lows[column]}..{highs[column]}" if continuous[column] else f"0..{sizes[column] - 1}"
        raise ValueError(f"codes of variable {column} must be within {span}, got {rows[row, column]}.")
    return array.astype(np.float64 if continuous.any() else np.int64)


def activity(names: Sequence[str], active: Bools, present: Bools) -> None:
    """Codes hold a value exactly where a variable is active."""
    wrong = np.argwhere(active != present)
    if len(wrong):
        row, column = wrong[0]
        rule = "hold its value" if active[row, column] else "be -1 (NaN in a continuum), its condition not being met"
        raise ValueError(f"codes of variable {column} ({names[column]!r}) must {rule}.")


def predicates(where: str, value: object) -> tuple[Callable[..., Any], ...]:
    """Functions, any number of them."""
    found = listed(value)
    if found is None or not all(callable(each) for each in found):
        repair = " Put it into a list." * callable(value)
        raise TypeError(f"{where} must be a list of functions from a dict of values to True or False, "
                        f"got {shown(value)}.{repair}")
    return found
