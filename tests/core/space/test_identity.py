"""The form of a value: the same in another process for equal values, and different for any others."""

import dataclasses
import enum
import itertools
import math
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from asng_core.space.identity import NoForm, digest, form


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass(frozen=True)
class Layer:
    kind: str
    width: int


VALUES = [None, True, 1, 1.0, np.float64(1.0), np.float32(1.0), np.int64(1), 0, False, -0.0, 0.0, "1", b"1", "", (), [],
          {}, set(), frozenset(), (1,), [1], (1, 2), (2, 1), ((1,), 2), (1, (2,)), ("1,1:2",), ("1", "2"), {"a": 1},
          {"a": 2}, {"b": 1}, {1: "a"}, {1, 2}, frozenset({1, 2}), 1j, range(3), range(4), Color.RED, Color.BLUE,
          Layer("conv", 3), Layer("conv", 4), np.arange(3), np.arange(3.0), np.arange(4).reshape(2, 2), np.arange(4),
          np.array([1, "a"], dtype=object), int, float, np.linalg.norm, math.sin, math.cos, math, np.sin,
          pathlib.PurePosixPath("a"), pathlib.PurePosixPath("b"), dataclasses.dataclass, 10**40, "\ud800", Color]


def test_different_values_have_different_forms():
    for a, b in itertools.combinations(VALUES, 2):
        assert form(a) != form(b), (a, b)


class Tagged(list):
    """A list that knows more than it holds."""

    def __init__(self, held, tag):
        super().__init__(held)
        self.tag = tag


def test_a_member_of_an_enum_is_its_name_and_its_value():
    one, other, name = (enum.Enum("Width", members, module=__name__) for members in (
        {"SMALL": 1, "LARGE": 2}, {"SMALL": 1, "LARGE": 3}, {"SMALL": object(), "LARGE": object()}))
    assert form(one.SMALL) == form(other.SMALL)
    assert form(one.LARGE) != form(other.LARGE)
    assert form(name.SMALL) != form(name.LARGE)  # of values without a form
    flag = enum.Flag("Flag", ["A", "B", "C"], module=__name__)
    assert form(flag.A | flag.B) != form(flag.A | flag.C)


def test_what_a_container_has_beside_what_it_holds_belongs_to_it():
    assert form(Tagged([1], "a")) == form(Tagged([1], "a")) != form(Tagged([1], "b"))
    with pytest.raises(NoForm):
        form(Tagged([1], object()))


def test_a_form_does_not_depend_on_the_order_of_sets_and_dicts():
    assert form({"a": 1, "b": (2,)}) == form({"b": (2,), "a": 1})
    assert form(set(range(100))) == form(set(range(99, -1, -1)))


def test_forms_are_the_same_in_another_process():
    code = "import numpy as np, math; from asng_core.space.identity import digest; print(digest({values}))"
    values = "[1, 1.5, 'a', {'x': {1, 'b', None}}, np.arange(3), math.sin, np.float32(2)]"
    run = subprocess.run([sys.executable, "-c", code.replace("{values}", values)], capture_output=True, text=True,
                         check=True)
    assert run.stdout.strip() == digest([1, 1.5, "a", {"x": {1, "b", None}}, np.arange(3), math.sin, np.float32(2)])


class Plain:
    pass


_cycle = []
_cycle.append(_cycle)


@pytest.mark.parametrize("value", [object(), Plain(), lambda: 1, [Plain()], {"a": Plain()}, {Plain()}, _cycle, iter([]),
                                   type("Local", (), {}), Plain().__init__], ids=lambda value: type(value).__name__)
def test_what_a_file_cannot_know_has_no_form(value):
    with pytest.raises(NoForm, match="no form"):
        form(value)
