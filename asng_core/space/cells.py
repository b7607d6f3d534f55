"""Values from the cells of tables, which may have lost their type.

In a CSV file 3 is "3", or 3.0 where the column has gaps; a gap is None, NaN or "", and nothing tells the value None
from a variable that is inactive.
"""

from __future__ import annotations

import math

import numpy as np

from .. import checks
from .ranges import Integer, Real
from .variables import Variable

_GAPS = frozenset({"NAType", "NaTType"})  # pandas'


def gap(cell: object) -> bool:
    """Whether nothing is there."""
    return cell is None or (isinstance(cell, str) and cell == "") or (
        isinstance(cell, (float, np.floating)) and math.isnan(cell)) or type(cell).__name__ in _GAPS


def code_of(variable: Variable, cell: object) -> int | float:
    """The code of the value that a cell shows. Raises ValueError if it shows none, or may show several."""
    if isinstance(variable, (Integer, Real)):
        return variable.encode(_number(cell))
    values = [variable.decode(code) for code in range(variable.size)]
    for shows in (_shows, _equals):
        alike = [code for code, value in enumerate(values) if shows(cell, value)]
        if len(alike) == 1:
            return alike[0]
        if alike:  # even if one is of the cell's own type, which may not be what was written
            raise ValueError(f"must tell {checks.shown([values[code] for code in alike])} apart, got "
                             f"{checks.shown(cell)}.")
    raise ValueError(f"must show one of {checks.shown(values)}, got {checks.shown(cell)}.")


def _number(cell: object) -> object:
    """The number that text or a float shows; the cell itself if it shows none."""
    if isinstance(cell, str):
        for kind in (int, float):
            try:
                return _number(kind(cell))
            except ValueError:
                pass
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return int(cell)
    return cell


def _shows(cell: object, value: object) -> bool:
    if gap(cell) or gap(value):
        return gap(cell) and gap(value)
    return str(cell) == str(value) or (not isinstance(value, (bool, np.bool_)) and _equals(cell, value))


def _equals(cell: object, value: object) -> bool:
    try:
        return isinstance(value, (int, float, np.number)) and bool(_number(cell) == value)
    except OverflowError:  # NumPy does not compare its floats with an integer beyond them
        return False


def number(cell: object) -> float:
    """The loss that a cell shows, NaN for a gap. Raises ValueError if it shows none."""
    try:
        return math.nan if gap(cell) else float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be a number, got {checks.shown(cell)}.") from None
