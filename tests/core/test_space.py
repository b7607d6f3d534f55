import copy
import pickle

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asng_core import Boolean, Categorical, Integer, Ordinal, Space


@pytest.mark.parametrize("make", cases.SPACES.values(), ids=cases.SPACES.keys())
def test_values_go_to_codes_and_come_back_as_given(make):
    space, rng = make(), np.random.default_rng(1)
    codes = cases.random_codes(space, rng, 20)
    points = space.decode(codes)
    assert np.array_equal([space.encode(point) for point in points], codes, equal_nan=codes.dtype == float)
    assert space.decode(codes[0]) == points[0]
    assert all(space.contains(point) for point in points)


def test_the_users_own_objects_come_back():
    choices = ["text " * 1000, None, (1, [2]), cases.Marker, cases.Marker(), np.array([1, 2]), float("nan")]
    variable = Categorical(choices)
    assert all(variable.decode(i) is choice for i, choice in enumerate(choices))
    assert all(variable.encode(choice) == i for i, choice in enumerate(choices))


def test_values_are_told_apart_by_type_and_equality():
    variable = Categorical([1, True, 1.0, "1", [1], (1,)])
    assert [variable.encode(value) for value in (1, True, 1.0, "1", [1], (1,))] == list(range(6))
    assert not Space({"x": Categorical([1, 2])}).contains({"x": True})


def test_boolean_is_a_categorical_of_false_and_true():
    assert Boolean().choices == (False, True)
    assert Boolean().encode(True) == 1


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**53))
def test_integers_of_any_offset_are_exact(low, span):
    variable = Integer(low, low + span)
    assert variable.size == span + 1
    assert variable.decode(0) == low
    assert variable.decode(span) == low + span
    assert variable.encode(low + span) == span
    assert variable.encode(np.int64(0) if low <= 0 <= low + span else low) == max(0, -low) * (low <= 0 <= low + span)


def test_size_counts_the_points_exactly():
    assert Space.categorical([50] * 100).size == 50**100
    assert Space({"a": Integer(0, 2**53), "b": Boolean()}).size == 2 * (2**53 + 1)


def test_anonymous_spaces_are_named_by_position():
    assert Space.binary(2).decode([0, 1]) == {"x0": False, "x1": True}
    assert Space.categorical([3, 1]).decode([2, 0]) == {"x0": 2, "x1": 0}


@pytest.mark.parametrize("name", [name for name in cases.SPACES if name != "any objects"])
def test_a_space_is_rebuilt_from_its_description(name):
    space = cases.SPACES[name]()
    assert Space.from_description(space.describe()) == space


def test_equality_sees_kinds_values_and_order():
    assert Space({"a": Categorical([1, 2])}) == Space({"a": Categorical([1, 2])})
    for other in (Categorical([True, 2]), Categorical([2, 1]), Ordinal([1, 2]), Integer(1, 2)):
        assert Space({"a": Categorical([1, 2])}) != Space({"a": other})
    assert Space({"a": Boolean(), "b": Integer(0, 1)}) != Space({"b": Integer(0, 1), "a": Boolean()})


def test_spaces_pickle_and_deep_copy():
    space = cases.SPACES["any objects"]()
    assert pickle.loads(pickle.dumps(Space({"a": Ordinal([1, 2])}))) == Space({"a": Ordinal([1, 2])})
    assert copy.deepcopy(space).sizes.tolist() == space.sizes.tolist()


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: Space({}), ValueError, r"Space\(variables\) must hold at least one variable, got none"),
    (lambda: Space([("a", Boolean())]), TypeError, r"Space\(variables\) must be a mapping"),
    (lambda: Space({1: Boolean()}), TypeError, r"strings as names, got 1"),
    (lambda: Space({"a": ["x", "y"]}), TypeError, r"variable 'a' must be a Categorical.*Categorical\(choices\)"),
    (lambda: Categorical([]), ValueError, r"Categorical\(choices\) must hold at least one value"),
    (lambda: Categorical("abc"), TypeError, r"Categorical\(choices\) must be a list"),
    (lambda: Categorical({"a", "b"}), TypeError, r"Categorical\(choices\) must be a list"),
    (lambda: Categorical(3), TypeError, r"Categorical\(choices\) must be a list"),
    (lambda: Categorical(["a", "b", "a"]), ValueError, r"each value once, got 'a' at positions 0 and 2"),
    (lambda: Categorical([[1], [1]]), ValueError, r"each value once, got \[1\] at positions 0 and 1"),
    (lambda: Ordinal([3, 3]), ValueError, r"Ordinal\(levels\) must hold each value once"),
    (lambda: Integer(5, 4), ValueError, r"low <= high, got low=5, high=4. Swap them"),
    (lambda: Integer(0.5, 4), TypeError, r"Integer\(low=...\) must be an integer, got 0.5"),
    (lambda: Integer(True, 4), TypeError, r"must be an integer, got True"),
    (lambda: Integer(0, 2**53 + 1), ValueError, r"span at most 2\*\*53"),
    (lambda: Space.binary(0), ValueError, r"n_variables\) must be at least 1, got 0"),
    (lambda: Space.categorical([2, 0]), ValueError, r"sizes\) must be at least 1, got 0"),
])
def test_bad_definitions_say_what_to_do(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(("values", "error", "message"), [
    ({"op": "a", "n": 1, "z": 0}, ValueError, r"unknown \['z'\]"),
    ({"op": "a"}, ValueError, r"missing \['n'\]"),
    ({"op": "q", "n": 1}, ValueError, r"variable 'op' must be one of \['a', 'b'\].*got 'q'"),
    ({"op": "a", "n": 10}, ValueError, r"variable 'n' must be an integer within 1..9, got 10"),
    ({"op": "a", "n": 1.5}, ValueError, r"variable 'n' must be an integer within 1..9, got 1.5"),
    (["a", 1], TypeError, r"values must be a mapping"),
])
def test_values_outside_the_space_are_named(values, error, message):
    space = Space({"op": Categorical(["a", "b"]), "n": Integer(1, 9)})
    with pytest.raises(error, match=message):
        space.encode(values)


@pytest.mark.parametrize(("codes", "error", "message"), [
    ([0], ValueError, r"shape \(n_variables,\) or \(n, n_variables\) with n_variables = 2, got \(1,\)"),
    ([[[0, 1]]], ValueError, r"got \(1, 1, 2\)"),
    ([0, 9], ValueError, r"codes of variable 1 must be within 0..8, got 9"),
    ([[0, 1], [-1, 0]], ValueError, r"codes of variable 0 must be within 0..1, got -1"),
    ([0.0, 1.0], TypeError, r"codes must be integers.*Space.encode"),
])
def test_codes_outside_the_space_are_named(codes, error, message):
    with pytest.raises(error, match=message):
        Space({"op": Categorical(["a", "b"]), "n": Integer(1, 9)}).decode(codes)
