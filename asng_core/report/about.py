"""Sections about the run itself: its space, what failed, what repeats it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..space.space import Space
from ..version import __version__
from . import page
from .page import Page

_LISTED = 200  # rows of a table
_LETTERS = 300  # of a variable


def space(made: Page, searched: Space) -> None:
    """Every variable, its values and when it is active."""
    conditions = searched.conditions.values(searched.variables) if searched.conditions else {}
    rows = [(name, shown(variable), _condition(conditions.get(name)))
            for name, variable in list(searched.variables.items())[:_LISTED]]
    more = [page.paragraph(f"... and {len(searched) - _LISTED} more.")] * (len(searched) > _LISTED)
    constraints = [page.paragraph("Constraints: " + ", ".join(searched.constraints.names))] * bool(searched.constraints)
    made.section("What was searched", page.table(("variable", "values", "active if"), rows), *more, *constraints)


def failures(made: Page, errors: Mapping[int, str]) -> None:
    """Why evaluations failed, by their id."""
    rows = [(str(number), text.splitlines()[0] if text else "") for number, text in list(errors.items())[:_LISTED]]
    made.section("What failed", page.table(("evaluation", "why"), rows))


def repeat(made: Page, command: str, versions: str = "") -> None:
    """The command, and what it ran with."""
    made.section("To repeat it", *([page.code(command)] if command else []), page.paragraph(
        versions or f"asng {__version__}, NumPy {np.__version__}, Python {platform.python_version()}. With the same "
        "seed and versions, and without several workers, the same points are asked.", "note"))


def shown(value: object) -> str:
    """Its repr, cut."""
    try:
        text = repr(value)
    except Exception as error:  # of the user's values
        return f"{type(value).__name__}, whose repr raises {type(error).__name__}"
    return text if len(text) <= _LETTERS else f"{text[:_LETTERS - 1]}…"


def _condition(alternatives: Any) -> str:
    if not alternatives:
        return ""
    listed = alternatives if isinstance(alternatives, (list, tuple)) else [alternatives]
    return " or ".join(" and ".join(f"{name} in {shown(list(values))}" for name, values in each.items())
                       for each in listed)
