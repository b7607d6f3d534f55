"""Variables from what a file holds of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import checks
from .ranges import Integer, Real
from .variables import Boolean, Categorical, Ordinal, Variable


def rebuilt(name: str, entry: Mapping[str, Any]) -> Variable:
    """The variable that `describe` described. Raises ValueError if JSON could not hold its values."""
    kind = entry["kind"]
    if kind in ("Integer", "Real"):
        return {"Integer": Integer, "Real": Real}[kind](entry["low"], entry["high"], entry["step"], entry["log"])
    if kind == "Boolean":
        return Boolean()
    if kind in ("Categorical", "Ordinal") and "values" in entry:
        return {"Categorical": Categorical, "Ordinal": Ordinal}[kind](entry["values"])
    raise ValueError(f"the file does not hold the values of variable {name!r} (JSON cannot). Pass space=.")


def values_of(variable: Variable, codes: Any) -> list[Any]:
    """The values of a condition's codes. Raises TypeError, ValueError or IndexError for what is no code."""
    return [variable.decode(checks.integer("a code", code, minimum=0)) for code in codes]
