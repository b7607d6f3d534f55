"""A variable's values as places on an axis, and as text."""

from __future__ import annotations

import math
from typing import Any

from ..html import printable, text_of
from ..space.ranges import Integer, Real
from ..space.variables import Variable

_MARKED = 8  # values that are all named beside an axis


class Axis:
    """Where a variable's codes are: as numbers, for Integer and Real, else as one text for each value."""

    def __init__(self, name: str, variable: Variable) -> None:
        self.title, self.variable = printable(name), variable
        self.numeric, low = isinstance(variable, (Integer, Real)), getattr(variable, "low", 0)
        self._log = self.numeric and variable.log and low > 0
        texts = [] if self.numeric else [text_of(variable.decode(code)) for code in range(variable.size)]
        # values that look alike are told apart
        self._texts = [text if texts.count(text) == 1 else f"{text} ({code})" for code, text in enumerate(texts)]
        # codes of the first and the last value
        self._extremes = (low, getattr(variable, "high", 0)) if variable.continuous else (0, variable.size - 1)
        self._ends = [self._along(code) for code in self._extremes]

    def place(self, code: float) -> float | str:
        """What stands on the axis."""
        return float(self.variable.decode(code)) if self.numeric else self._texts[int(code)]

    def text(self, code: float) -> str:
        return text_of(self.variable.decode(code)) if self.numeric else self._texts[int(code)]

    def height(self, code: float) -> float:
        """From 0, the first value, to 1, the last one."""
        low, high = self._ends
        return round((self._along(code) - low) / (high - low), 4) if high > low else 0.5

    def _along(self, code: float) -> float:
        if not self.numeric:
            return float(code)
        value = float(self.variable.decode(code))
        return math.log(value) if self._log else value

    def marks(self) -> list[tuple[float, str]]:
        """Heights, and the values that are named there: all of few, else the ends."""
        variable = self.variable
        codes = range(variable.size) if 0 < variable.size <= _MARKED else self._extremes
        return [(self.height(code), self.text(code)) for code in codes]

    def encoding(self, field: str) -> dict[str, Any]:
        """Of a Vega-Lite position."""
        if self.numeric:
            return {"field": field, "type": "quantitative", "title": self.title,
                    "axis": {"labelOverlap": True, "grid": False, "tickCount": 5},
                    "scale": {"type": "log"} if self._log else {"zero": False, "nice": False}}
        return {"field": field, "type": "ordinal", "title": self.title, "sort": self._texts,
                "scale": {"domain": self._texts}, "axis": {"labelAngle": -30 if len(self._texts) > 3 else 0,
                                                           "labelOverlap": True}}
