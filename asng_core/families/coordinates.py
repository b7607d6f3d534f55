"""The axes that Gaussians live on, and the codes that their draws stand for: one kind of axis per class.

    axis         coordinate of a code          bins
    Positions    code                          [code - 1/2, code + 1/2]
    LogPositions log(code + offset)            [log(code + offset - 1/2), log(code + offset + 1/2)]
    Interval     0..1 along low..high, or      none: the code is the value itself
                 along their logarithms

The outermost bins reach to infinity.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from ..arrays import Codes, Floats, Ints
from .normal import MAX_CELLS, cells_within, interval

_NEAR = [sign * ulps for ulps in (1, 2, 3, 4, 6, 8) for sign in (1, -1)]
RESOLUTION = 1e-3  # smallest sigma of a continuous Real, relative to its range


class Coordinates(ABC):
    """d axes. `sizes` are the numbers of codes, 0 for a continuum; the mean stays within `low`..`high`."""

    sizes: Ints
    low: Floats
    high: Floats

    @abstractmethod
    def codes(self, x: Floats) -> Codes:
        """The codes that `(..., d)` coordinates stand for."""

    @abstractmethod
    def coordinates(self, codes: Codes) -> Floats:
        """The coordinates of `(..., d)` codes."""

    @abstractmethod
    def sigma(self, codes: Codes, z: float) -> Floats:
        """`(d,)` sigma with which the half-width of the bin of `codes` is `z` standard deviations."""

    @abstractmethod
    def log_probabilities(self, mean: Floats, sigma: Floats, codes: Codes) -> Floats:
        """log P(code), or the logarithm of the coordinate's density."""

    @abstractmethod
    def cells(self, i: int, mean: float, sigma: float) -> tuple[Floats, Floats]:
        """Inner edges of the cells of axis i within 9 sigma, less the mean, and the codes in each cell."""


class _Grid(Coordinates):
    """Axes with bins."""

    @abstractmethod
    def _edges(self, mean: Floats, codes: Codes) -> tuple[Floats, Floats]:
        """Lower and upper edges of the bins of `codes`, less the mean."""

    def log_probabilities(self, mean: Floats, sigma: Floats, codes: Codes) -> Floats:
        lower, upper = self._edges(mean, codes)
        lower = np.where(codes > 0, lower, -np.inf)
        upper = np.where(codes < self.sizes - 1, upper, np.inf)
        with np.errstate(divide="ignore"):  # a bin too far out to represent has log-probability -inf
            return np.log(interval(lower, upper, sigma))


class Positions(_Grid):
    """The positions 0..K-1 themselves."""

    def __init__(self, sizes: Ints) -> None:
        self.sizes = sizes
        self.low = np.zeros(len(sizes))
        self.high = (sizes - 1).astype(np.float64)  # exact: subtract before rounding to float64

    def codes(self, x: Floats) -> Codes:
        return np.clip(np.rint(x), 0, self.high).astype(np.int64)

    def coordinates(self, codes: Codes) -> Floats:
        return codes.astype(np.float64)

    def sigma(self, codes: Codes, z: float) -> Floats:
        return np.full(len(self.sizes), 0.5 / z)

    def _edges(self, mean: Floats, codes: Codes) -> tuple[Floats, Floats]:
        offset = codes - mean
        return offset - 0.5, offset + 0.5

    def cells(self, i: int, mean: float, sigma: float) -> tuple[Floats, Floats]:
        return cells_within(mean, sigma, float(self.high[i]))


class LogPositions(_Grid):
    """Logarithms of positions 0..K-1 plus `offsets`, `(d,)` and positive."""

    def __init__(self, sizes: Ints, offsets: Floats) -> None:
        self.sizes = sizes
        self._offsets = offsets
        self.low = np.log(offsets)
        self.high = np.log(offsets + (sizes - 1))

    def codes(self, x: Floats) -> Codes:
        inside = np.clip(x, self.low, self.high)  # far draws would overflow
        return np.clip(np.rint(np.exp(inside) - self._offsets), 0, self.sizes - 1).astype(np.int64)

    def coordinates(self, codes: Codes) -> Floats:
        return np.log(codes + self._offsets)

    def sigma(self, codes: Codes, z: float) -> Floats:
        at, (lower, upper) = self.coordinates(codes), self._edges(np.zeros(len(self.sizes)), codes)
        return np.where(codes > 0, (upper - lower) / 2, upper - at) / z

    def _edges(self, mean: Floats, codes: Codes) -> tuple[Floats, Floats]:
        with np.errstate(invalid="ignore", divide="ignore"):  # below the first bin, which has no lower edge
            return np.log(codes + self._offsets - 0.5) - mean, np.log(codes + self._offsets + 0.5) - mean

    def cells(self, i: int, mean: float, sigma: float) -> tuple[Floats, Floats]:
        offset, last = self._offsets[i], float(self.sizes[i] - 1)
        ends = np.exp(np.clip([mean - 9 * sigma, mean + 9 * sigma], self.low[i], self.high[i])) - offset
        low, high = max(0, math.floor(ends[0])), min(math.ceil(ends[1]), last)
        n = int(min(high - low, MAX_CELLS))
        ratio = np.linspace(math.log(low + 0.5 + offset), math.log(max(high - 0.5, low + 0.5) + offset), n)
        inner = np.unique(np.rint(np.exp(ratio) - offset - 0.5)) + 0.5 if high - low > n else low + 0.5 + np.arange(n)
        return np.log(inner + offset) - mean, np.concatenate([[1.0], np.diff(inner), [1.0]])


class Interval(Coordinates):
    """Continua from `lows` to `highs`, each `(d,)`, mapped to 0..1; through the logarithm where `log`."""

    def __init__(self, lows: Floats, highs: Floats, log: NDArray[np.bool_]) -> None:
        self.sizes = np.zeros(len(lows), dtype=np.int64)
        self.low, self.high = np.zeros(len(lows)), np.ones(len(lows))
        self._lows, self._highs, self._log = lows, highs, log
        self._from, self._to = self._scaled(lows), self._scaled(highs)

    def _scaled(self, values: Floats) -> Floats:
        return np.where(self._log, np.log(np.where(self._log, values, 1.0)), values)

    def codes(self, x: Floats) -> Codes:
        inside = np.clip(x, 0.0, 1.0)
        scaled = self._from * (1 - inside) + self._to * inside
        values = np.where(self._log, np.exp(np.where(self._log, scaled, 0.0)), scaled)
        values = np.clip(values, self._lows, self._highs)
        return np.where(inside == 1, self._highs, np.where(inside == 0, self._lows, values))

    def coordinates(self, codes: Codes) -> Floats:
        x: Floats = (self._scaled(codes) - self._from) / (self._to - self._from)
        # a few units in the last place off, `codes` would give a neighbour of the value: another point
        for ulps in _NEAR:
            wrong = self.codes(x) != codes
            if not wrong.any():
                break
            near = x + ulps * np.spacing(x)
            x = np.where(wrong & (self.codes(near) == codes), near, x)
        return x

    def sigma(self, codes: Codes, z: float) -> Floats:
        return np.full(len(self.sizes), RESOLUTION)

    def log_probabilities(self, mean: Floats, sigma: Floats, codes: Codes) -> Floats:
        z = (self.coordinates(codes) - mean) / sigma
        return -(z**2) / 2 - np.log(sigma * math.sqrt(2 * math.pi))

    def cells(self, i: int, mean: float, sigma: float) -> tuple[Floats, Floats]:
        inner, codes = cells_within(mean / RESOLUTION, sigma / RESOLUTION, round(1 / RESOLUTION))
        return inner * RESOLUTION, codes
