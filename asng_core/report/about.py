"""Sections about the run itself: its space, what failed, what repeats it."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import numpy as np

from ..html import table
from ..space.shown import LISTED, shown
from ..space.space import Space
from ..version import __version__
from . import page
from .page import Page


def space(made: Page, searched: Space) -> None:
    """Every variable, its values and when it is active."""
    more = [page.paragraph(f"... and {len(searched) - LISTED} more.")] * (len(searched) > LISTED)
    constraints = [page.paragraph("Constraints: " + ", ".join(searched.constraints.names))] * bool(searched.constraints)
    made.section("What was searched", shown(searched.variables, searched.conditions), *more, *constraints)


def failures(made: Page, errors: Mapping[int, str]) -> None:
    """Why evaluations failed, by their id."""
    rows = [(str(number), text.splitlines()[0] if text else "") for number, text in list(errors.items())[:LISTED]]
    made.section("What failed", table(("evaluation", "why"), rows))


def repeat(made: Page, command: str, versions: str = "") -> None:
    """The command, and what it ran with."""
    made.section("To repeat it", *([page.code(command)] if command else []), page.paragraph(
        versions or f"asng {__version__}, NumPy {np.__version__}, Python {platform.python_version()}. With the same "
        "seed and versions, and without several workers, the same points are asked.", "note"))
