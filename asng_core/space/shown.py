"""A space as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..html import table, text_of
from .conditions import Conditions
from .variables import Variable

LISTED = 200  # rows
_LETTERS = 300  # of a variable's values


def rows(variables: Mapping[str, Variable], conditions: Conditions | None) -> list[tuple[str, str, str]]:
    """Of the first variables: name, values, and when it is active."""
    given = conditions.values(variables) if conditions else {}
    return [(name, text_of(variable, _LETTERS), _condition(given.get(name)))
            for name, variable in list(variables.items())[:LISTED]]


def shown(variables: Mapping[str, Variable], conditions: Conditions | None) -> str:
    """HTML, for notebooks."""
    return table(("variable", "values", "active if"), rows(variables, conditions))


def _condition(alternatives: Any) -> str:
    if not alternatives:
        return ""
    listed = alternatives if isinstance(alternatives, (list, tuple)) else [alternatives]
    return " or ".join(" and ".join(f"{name} in {text_of(list(values), _LETTERS)}" for name, values in each.items())
                       for each in listed)
