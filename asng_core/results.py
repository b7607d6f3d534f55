"""What is kept of a point from when it is drawn until its result is used."""

from __future__ import annotations

from typing import Any, NamedTuple

from .conditions import Bools
from .families.family import Codes, Floats


class Best(NamedTuple):
    """The best evaluation told: the user's values, its loss, and the candidate's id, None if injected."""

    values: dict[str, Any]
    loss: float
    id: int | None


class Drawn(NamedTuple):
    """A draw, the generation whose distribution it is of, and which variables were pinned; `(n_variables,)`."""

    draw: Floats
    generation: int
    pinned: Bools | None = None


class Told(NamedTuple):
    """A result: its draw, id, codes `(n_variables,)`, loss and summed violation."""

    drawn: Drawn
    id: int
    codes: Codes
    loss: float
    violation: float
