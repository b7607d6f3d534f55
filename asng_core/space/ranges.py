"""Variables given by bounds: Integer and Real, in steps or continuous, on a linear or a log scale."""

from __future__ import annotations

import math
import sys
from decimal import Context, Decimal
from typing import Any

import numpy as np

from .. import checks
from . import rules
from .variables import Variable

_DECIMALS = Context(prec=60)  # more digits than two float64 of like size have between them
_NEARLY = 1e-9  # relative difference up to which a float is taken for a value of a Real


class Integer(Variable):
    """`low`, `low + step`, ... up to at most `high`; `log` searches on a log scale.

    >>> Integer(16, 256, step=8).decode(1)
    24
    """

    ordered = True

    def __init__(self, low: int, high: int, step: int = 1, log: bool = False) -> None:
        self.low = checks.integer("Integer(low=...)", low)
        self.step = checks.integer("Integer(step=...)", step, minimum=1)
        self.log = checks.truth("Integer(log=...)", log)
        high = checks.integer("Integer(high=...)", high)
        checks.real("Integer(step=...)", self.step)  # a standard deviation is told in steps
        if self.log:
            checks.real("Integer(high=...) with log=True", high)
        rules.ordered_bounds("Integer", self.low, high)
        last = (high - self.low) // self.step  # the highest code; `high` itself need not be a value
        rules.n_steps("Integer", last, self.low, self.low // self.step, self.log)
        self.size, self.high = last + 1, self.low + self.step * last
        self.offset = self.low / self.step if self.log else 0.0  # so that code + offset = value / step

    def decode(self, code: Any) -> int:
        return self.low + self.step * int(code)

    def encode(self, value: object) -> int:
        try:
            number = checks.integer("", value)
        except TypeError:
            number = self.low - 1  # no integer: refused below like one out of range
        if not self.low <= number <= self.high or (number - self.low) % self.step:
            steps = f" in steps of {self.step}" * (self.step > 1)
            raise ValueError(f"must be an integer within {self.low}..{self.high}{steps}, got {checks.shown(value)}.")
        return (number - self.low) // self.step

    def in_units(self, mean: float, std: float) -> tuple[float, float]:
        if self.log:
            return self.step * math.exp(mean), std
        # a float would lose the position, or have none for the value
        if abs(self.low) > rules.EXACT_INTEGERS or self.high > sys.float_info.max:
            return self.low + self.step * round(mean), float(self.step) * std
        return self.low + self.step * mean, self.step * std

    def from_units(self, mean: float, std: float) -> tuple[float, float]:
        within = min(max(mean, self.low), self.high)  # which float64 has no number beyond, as it may have of `mean`
        if self.log:
            return math.log(within / self.step), std
        return (within - self.low) / self.step, std / self.step

    def describe(self) -> dict[str, Any]:
        return {"kind": "Integer", "size": self.size, "low": self.low, "high": self.high, "step": self.step,
                "log": self.log}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Integer) and self.describe() == other.describe()

    def __hash__(self) -> int:
        return hash((self.low, self.high, self.step, self.log))

    def __repr__(self) -> str:
        return f"Integer({self.low}, {self.high}{f', step={self.step}' * (self.step != 1)}{', log=True' * self.log})"


class Real(Variable):
    """The numbers from `low` to `high`: all of them, or `low`, `low + step`, ...; `log` searches on a log scale.

    In steps, values are the nearest floats to the exact decimals.

    >>> Real(0, 1, step=0.1).decode(3)
    0.3
    """

    ordered = True

    def __init__(self, low: float, high: float, step: float | None = None, log: bool = False) -> None:
        self.low = checks.real("Real(low=...)", low)
        self.high = checks.real("Real(high=...)", high)
        self.step = None if step is None else checks.real("Real(step=...)", step, above=0)
        self.log = checks.truth("Real(log=...)", log)
        # repr gives the decimal that the user wrote: 0.1, not the float64 nearest to it
        self._low, self._step = Decimal(repr(self.low)), Decimal(repr(self.step or 1.0))
        rules.ordered_bounds("Real", self.low, self.high)
        checks.real("Real(high=...) - low", self.high - self.low)  # finite bounds may span more than float64 holds
        if self.step is None and self.low < self.high:
            self.size = 0
            if self.log:
                rules.positive_low("Real", self.low)
        else:  # in steps, or a constant, low = high, for which any step will do
            step = float(self._step)
            rules.n_steps("Real", (self.high - self.low) / step, self.low, self.low / step, self.log)
            # a bound that was computed, such as 0.1 + 0.7, may lie a little below the decimal it stands for
            slack = max(_NEARLY * step, 2 * math.ulp(max(abs(self.low), abs(self.high))))
            span = Decimal(repr(self.high)) - self._low + Decimal(min(slack, step / 2))
            last = int(_DECIMALS.divide_int(span, self._step))
            self.size = last + 1
            self.high = self.decode(last)  # the highest value, which may be below what was given
            self.offset = self.low / step if self.log else 0.0  # so that code + offset = value / step

    def decode(self, code: Any) -> float:
        if self.continuous:
            return float(code)
        return float(_DECIMALS.add(self._low, _DECIMALS.multiply(int(code), self._step)))

    def encode(self, value: object) -> int | float:
        try:
            number = math.nan if isinstance(value, (bool, np.bool_)) else checks.real("", value)
        except (TypeError, ValueError):
            number = math.nan
        step = float(self._step)
        # a value that was computed may be off by rounding, at the bounds too
        slack = _NEARLY * (self.high - self.low if self.continuous else max(step, abs(self.low), abs(self.high)))
        if self.low - slack <= number <= self.high + slack:
            if self.continuous:
                return min(max(number, self.low), self.high)
            code = min(max(round((number - self.low) / step), 0), self.size - 1)  # of the nearest value
            if math.isclose(self.decode(code), number, rel_tol=_NEARLY, abs_tol=_NEARLY * step):
                return code
        steps = "" if self.step is None else f" in steps of {self.step}"
        raise ValueError(f"must be a number within {self.low}..{self.high}{steps}, got {checks.shown(value)}.")

    def in_units(self, mean: float, std: float) -> tuple[float, float]:
        if not self.continuous:
            step = float(self._step)
            return (step * math.exp(mean), std) if self.log else (self.low + step * mean, step * std)
        # of a continuum the coordinate is 0..1 along low..high, or along their logarithms
        if self.log:
            span = math.log(self.high) - math.log(self.low)
            return math.exp(math.log(self.low) + span * mean), span * std
        return self.low + (self.high - self.low) * mean, (self.high - self.low) * std

    def from_units(self, mean: float, std: float) -> tuple[float, float]:
        if not self.continuous:
            step = float(self._step)
            if self.log:
                return math.log(max(mean / step, math.ulp(0))), std
            return (mean - self.low) / step, std / step
        if self.log:
            span = math.log(self.high) - math.log(self.low)
            return (math.log(max(mean, math.ulp(0))) - math.log(self.low)) / span, std / span
        return (mean - self.low) / (self.high - self.low), std / (self.high - self.low)

    def describe(self) -> dict[str, Any]:
        return {"kind": "Real", "size": self.size, "low": self.low, "high": self.high, "step": self.step,
                "log": self.log}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Real) and self.describe() == other.describe()

    def __hash__(self) -> int:
        return hash((self.low, self.high, self.step, self.log))

    def __repr__(self) -> str:
        step = "" if self.step is None else f", step={self.step}"
        return f"Real({self.low}, {self.high}{step}{', log=True' * self.log})"
