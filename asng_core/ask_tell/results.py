"""What is kept of a point from when it is drawn until its result is used."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..arrays import Codes, Floats
from ..distribution.pins import Pins


class Best(NamedTuple):
    """The best evaluation told: the user's values, its loss (with several objectives a tuple), and the
    candidate's id, None if injected.

    >>> from asng_core import Integer, Minimizer, Space
    >>> optimizer = Minimizer(Space({"n": Integer(0, 9)}), seed=0)
    >>> optimizer.inject({"n": 4}, 2.5)
    >>> optimizer.best
    Best(values={'n': 4}, loss=2.5, id=None)
    """

    values: dict[str, Any]
    loss: Any
    id: int | None


class Drawn(NamedTuple):
    """A draw, `(n_variables,)`, the generation whose distribution it is of, and what was pinned."""

    draw: Floats
    generation: int
    pinned: Pins | None = None


class Told(NamedTuple):
    """A result: its draw, id, codes `(n_variables,)`, loss and summed violation, and what it cost, if that was told."""

    drawn: Drawn
    id: int
    codes: Codes
    loss: Any  # a float, or a tuple of them: one per objective
    violation: float
    cost: float | None = None


class Gathered(NamedTuple):
    """What moves the distribution at once: results, and draws that broke a constraint and were not evaluated."""

    told: list[Told]
    rejected: list[Drawn]

    @property
    def drawn(self) -> list[Drawn]:
        """The draws of both, the rejected last."""
        return [each.drawn for each in self.told] + self.rejected

    def since(self, generation: int) -> Gathered:
        """Those drawn in `generation` or later."""
        return Gathered([each for each in self.told if each.drawn.generation >= generation],
                        [each for each in self.rejected if each.generation >= generation])


def failed(loss: float | tuple[float, ...]) -> bool:
    """Whether an evaluation failed: its loss, or one of its losses, is NaN."""
    return any(map(math.isnan, loss)) if isinstance(loss, tuple) else math.isnan(loss)
