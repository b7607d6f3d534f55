"""Hypothesis strategies: spaces of every kind, settings, losses of every kind, and what is no loss."""

import fractions
import math

import numpy as np
from hypothesis import strategies as st

from asng_core import Boolean, Categorical, Integer, Ordinal, Real, Space

OBJECTS = ["a", None, (1, 2), 1, 1.0, True, "1", b"b", frozenset([1]), float("inf")]


def _integer(draw):
    low = draw(st.integers(-(2**53), 2**53))
    span = draw(st.sampled_from([0, 1, 2, 9, 1000, 2**31, 2**53]))
    step = draw(st.sampled_from([1, 1, 1, 3]))
    if draw(st.booleans()):
        return Integer(1 + abs(low) % 50, 1 + abs(low) % 50 + min(span, 2**39), log=True)
    return Integer(low, min(low + span, 2**53), step=step) if low + span <= 2**53 else Integer(low, 2**53)


def _real(draw):
    low, span = draw(st.sampled_from([-1e6, -2.0, 0.0, 1e-9, 0.5])), draw(st.sampled_from([0.0, 1e-9, 1.0, 1e9]))
    if low > 0 and draw(st.booleans()):
        return Real(low, low + span, log=True)
    return Real(low, low + span)


KINDS = [lambda draw: Categorical(list(range(draw(st.integers(1, 6))))),
         lambda draw: Categorical(OBJECTS[: draw(st.integers(1, len(OBJECTS)))]), lambda draw: Boolean(),
         lambda draw: Ordinal(OBJECTS[: draw(st.integers(1, len(OBJECTS)))]), _integer, _real,
         lambda draw: Real(0, 1, step=draw(st.sampled_from([0.1, 0.25, 1.0])))]
LARGE = {"100,000 variables": lambda: Space.binary(100_000), "100,000 values": lambda: Space.categorical([100_000, 2]),
         "100,000 steps": lambda: Space({"n": Integer(0, 99_999), "m": Real(0, 1, step=1e-5)}),
         "2^53": lambda: Space({"n": Integer(0, 2**53), "m": Integer(1, 2**40, log=True)})}


class Unless:
    """A constraint: not that variable with that code; named by its content."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def __call__(self, point):
        return self.name not in point or point[self.name] != self.value


@st.composite
def spaces(draw):
    n = draw(st.integers(1, 8))
    variables = {f"v{i}": draw(st.sampled_from(KINDS))(draw) for i in range(n)}
    listed = [name for name, each in variables.items() if 2 <= each.size <= 10]
    active_if = {}
    for i, name in enumerate(variables):
        parents = [each for each in listed if int(each[1:]) < i]
        if parents and draw(st.integers(0, 3)) == 0:
            parent = draw(st.sampled_from(parents))
            held = draw(st.lists(st.integers(0, variables[parent].size - 1), min_size=1, max_size=3, unique=True))
            active_if[name] = {parent: [variables[parent].decode(code) for code in held]}
    constraints = []
    if listed and draw(st.booleans()):
        name = draw(st.sampled_from(listed))
        constraints = [Unless(name, variables[name].decode(0))]
    return Space(variables, active_if=active_if, constraints=constraints)


FINITE = st.one_of(st.floats(-10, 10), st.sampled_from([0.0, -0.0, 1.0, 1.0, 5e-324, 1.7e308, -1.7e308]),
                   st.integers(-5, 5),
                   st.sampled_from([np.float32(2.5), np.int8(3), np.array(1.5), fractions.Fraction(1, 3)]))
LOSSES = st.one_of(FINITE, FINITE, st.sampled_from([math.nan, math.inf, -math.inf]))
NO_LOSSES = st.sampled_from(["1.0", b"1", None, 1j, {"a": 1}, object(), [[1.0]], 10**400])
VIOLATIONS = st.one_of(st.just(0.0), st.just(0.0), st.floats(-1, 3), st.lists(st.floats(-1, 3), min_size=1, max_size=3),
                       st.just(math.inf))
NO_VIOLATIONS = st.sampled_from(["1", math.nan, None, 1j, [math.nan], ["2"]])
