"""Results from tables: what `History.to_frame()` writes, wherever it has been since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import checks
from ..arrays import Codes
from ..space.cells import gap, number
from ..space.space import Space
from . import rules


class Row(NamedTuple):
    """An evaluation: `(n_variables,)` codes, a float or a tuple of them, and the fidelity, if it names one."""

    codes: Codes
    loss: Any
    violation: float
    fidelity: Any = None


def results(space: Space, frame: Any, where: str = "inject_frame(frame)") -> list[Row]:
    """The rows of a table. Raises TypeError or ValueError, with the row's number, for what is no result."""
    to_dict, own = getattr(frame, "to_dict", None), getattr(frame, "records", None)
    rows = to_dict("records") if callable(to_dict) else checks.listed(own() if callable(own) else frame)
    if rows is None or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(f"{where} must be a History, a DataFrame or a list of dicts, one for each evaluation, got "
                        f"{checks.shown(frame)}.")
    found = []
    for i, row in enumerate(rows):
        try:
            found.append(_result(space, row))
        except ValueError as error:
            absent = ", ".join(repr(name) for name in space.names if name not in row)
            raise ValueError(f"{where}: row {i}: {error}{f' There is no column {absent}.' if absent else ''}") from None
    return found


def _result(space: Space, row: Mapping[str, Any]) -> Row:
    values = space.parse(row)
    if not space.feasible(values):
        raise ValueError(f"must satisfy the space's constraints, got {checks.shown(values)}.")
    several = [row[name] for i in range(len(row)) if (name := f"loss_{i}") in row]
    if "loss" not in row and not several:
        raise ValueError(f"must have a column 'loss', or 'loss_0', 'loss_1', ..., got {checks.shown(list(row))}.")
    violation = row.get("violation")
    return Row(space.encode(values), number(row["loss"]) if "loss" in row else tuple(map(number, several)),
               0.0 if gap(violation) else rules.violation(number(violation)),
               None if "fidelity" in space.names or gap(row.get("fidelity")) else row["fidelity"])
