"""Spaces of every kind, and one loss for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..space.ranges import Integer, Real
from ..space.space import Space
from ..space.variables import Boolean, Categorical, Ordinal


def narrow_or_flagged(values: Mapping[str, Any]) -> bool:
    """A constraint that a third of the points break."""
    return bool(values["width"] <= 6 or values["flag"])


SPACES: dict[str, Callable[[], Space]] = {
    "mixed": lambda: Space({"op": Categorical(list("abcde")), "width": Integer(-3, 20), "flag": Boolean(),
                            "kernel": Ordinal([1, 3, 5, 7]), "x": Real(-2, 3), "rate": Real(1e-4, 1, log=True)}),
    "numbers": lambda: Space({"i": Integer(0, 50), "x": Real(-2, 3), "y": Real(0, 1)}),
    "categories": lambda: Space.categorical([5, 3, 4, 6, 7]),
    "one boolean": lambda: Space.binary(1),
    "one integer": lambda: Space({"n": Integer(1, 100)}),
    "constants": lambda: Space({"a": Categorical(["only"]), "b": Integer(3, 3), "c": Real(2, 2)}),
    "a constant among others": lambda: Space({"a": Categorical(["only"]), "b": Integer(0, 99), "c": Boolean(),
                                              "d": Categorical(range(9))}),
    "booleans": lambda: Space.binary(25),
    "a large category": lambda: Space({"a": Categorical(range(10_000)), "b": Categorical(list("xyz"))}),
    "ordered": lambda: Space({"a": Ordinal([1, 3, 5, 7, 100]), "b": Integer(0, 999), "c": Integer(16, 256, step=8)}),
    "wide integers": lambda: Space({"n": Integer(-5, 2**53 - 5), "m": Integer(0, 2**53)}),
    "reals": lambda: Space({"x": Real(-5, 5), "y": Real(0, 1e-9), "rate": Real(1e-9, 1e9, log=True)}),
    "conditional": lambda: Space(
        {"op": Categorical(["conv", "pool", "skip"]), "kernel": Ordinal([1, 3, 5]), "dilated": Boolean(),
         "dilation": Integer(2, 60)},
        active_if={"kernel": {"op": ["conv", "pool"]}, "dilated": {"op": ["conv"]},
                   "dilation": [{"dilated": [True], "kernel": [3, 5]}, {"op": ["skip"]}]}),
    "constrained": lambda: Space({"op": Categorical(list("abcde")), "width": Integer(-3, 20), "flag": Boolean(),
                                  "depth": Integer(1, 30)}, constraints=[narrow_or_flagged]),
    "objects": lambda: Space({"op": Categorical(["a" * 500, None, (1, 2), [1], {"k": 2}, print, 1, 1.0, True, "1"]),
                              "level": Ordinal([1, 3, (5,)]), "n": Integer(1, 30)}),
    "a thousand variables": lambda: Space.binary(1000),
}
PLAIN = ("mixed", "numbers", "categories")  # the first of these that an optimizer takes serves the other checks


def loss(space: Space, values: Mapping[str, Any]) -> float:
    """Weighted distance from a point of the space, in steps of 1e-6 so that no rounding can change the order."""
    codes = np.nan_to_num(space.encode(values).astype(np.float64), nan=-1.0)
    span = np.where(space.highs > space.lows, space.highs - space.lows, 1.0)
    weights = 1 + np.sqrt(np.arange(2, len(codes) + 2)) % 1
    return float(round(1 + float(weights @ np.abs((codes - space.lows) / span - 0.4)) / len(codes), 6))


def key(space: Space, values: Mapping[str, Any]) -> bytes:
    """The point to the bit. Raises ValueError if the space has no such point."""
    return space.encode(values).tobytes()


def is_float(value: object) -> bool:
    """A finite float, nothing that looks like one."""
    return type(value) is float and math.isfinite(value)
