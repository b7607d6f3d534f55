import copy
import pickle

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asng_core import ASNG, Boolean, Categorical, Integer, MeanStd, Ordinal, Real, Space


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


def test_steps_end_at_the_last_value_not_above_high():
    assert [Integer(3, 17, step=5).decode(i) for i in range(3)] == [3, 8, 13]
    assert (Integer(3, 17, step=5).high, Integer(3, 17, step=5).size) == (13, 3)
    assert (Real(0, 1, step=0.3).high, Real(0, 1, step=0.3).size) == (0.9, 4)
    assert (Real(0, 1, step=7).size, Real(2.5, 2.5).size, Real(0, 1).size) == (1, 1, 0)


@given(st.integers(-1000, 1000), st.integers(1, 999), st.integers(0, 5), st.integers(0, 300))
def test_real_steps_are_the_nearest_floats_to_the_decimals(low, step, digits, n):
    """0.3 and not 0.30000000000000004."""
    variable = Real(low / 10**digits, (low + step * n) / 10**digits, step=step / 10**digits)
    assert variable.size == n + 1
    assert [variable.decode(i) for i in (0, n // 2, n)] == [(low + step * i) / 10**digits for i in (0, n // 2, n)]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(0, 100_000))
def test_reals_in_steps_are_rebuilt_and_reach_their_bounds(low, step, n):
    variable = Real(low, low + n * step, step=step)
    assert abs(variable.size - 1 - n) <= n * 2**-20  # low + n * step is rounded
    assert variable == Space.from_description(Space({"x": variable}).describe()).variables["x"]


@pytest.mark.parametrize("variable", [Real(0, 1, step=0.1), Real(-3, 3, step=0.25),
                                      Real(0.001, 5, step=0.001, log=True), Real(1e-8, 1, step=1e-8, log=True),
                                      Real(1e6, 2e6, step=12.5), Real(4, 4)])
def test_reals_in_steps_take_what_they_give_and_nearly_equal_floats(variable):
    for code in {0, variable.size // 3, variable.size - 1}:
        value = variable.decode(code)
        assert variable.encode(value) == variable.encode(np.float64(value)) == code
        assert variable.encode(value * (1 + 1e-12)) == code
        for i in range(1, 4):  # the way a user may come by it
            assert variable.encode(variable.low + (value - variable.low) / i * i) == code
    assert Real(0, 10, step=0.5).encode(3) == 6
    assert not Space({"x": Real(0, 1, step=1)}).contains({"x": True})
    with pytest.raises(ValueError, match=r"must be a number within 0.0..10.0 in steps of 0.5, got 3.2"):
        Real(0, 10, step=0.5).encode(3.2)


@pytest.mark.parametrize("variable", [Real(-1, 2), Real(1e-5, 3, log=True), Real(-1e308, 7e307)])
def test_a_continuous_real_is_its_own_code(variable):
    for value in (variable.low, variable.high, variable.low / 3 + variable.high / 4):
        assert variable.decode(variable.encode(value)) == value
    assert isinstance(variable.decode(np.float64(1.0)), float)
    for wrong in (variable.high * 1.1 + 1, "1", None, float("nan"), float("inf"), 10**400, [1.0]):
        with pytest.raises(ValueError, match="must be a number within"):
            variable.encode(wrong)


def test_codes_are_floats_only_with_a_continuous_real():
    grid = Space({"a": Real(0, 1, step=0.5), "b": Real(3, 3), "c": Boolean()})
    mixed = Space({"a": Real(0, 1), "c": Boolean()})
    assert grid.encode({"a": 0.5, "b": 3, "c": True}).dtype == np.int64
    assert mixed.encode({"a": 0.25, "c": True}).tolist() == [0.25, 1.0]
    assert mixed.decode([0.25, 1]) == {"a": 0.25, "c": True}
    assert grid.size == 6
    assert mixed.size == np.inf
    with pytest.raises(ValueError, match=r"codes of variable 0 must be within 0.0..1.0, got 1.5"):
        mixed.decode([1.5, 1])
    with pytest.raises(ValueError, match=r"codes of variable 1 must be within 0..1, got 0.5"):
        mixed.decode([0.5, 0.5])
    with pytest.raises(ValueError, match=r"codes of variable 0 must be within 0.0..1.0, got nan"):
        mixed.decode([np.nan, 0])


def test_distributions_are_told_in_the_variables_units():
    distribution = ASNG(Space({
        "width": Integer(16, 256, step=8), "rate": Real(1e-4, 1, log=True), "x": Real(-2, 2), "g": Real(0, 1, step=0.1),
        "depth": Integer(1, 1024, log=True), "far": Integer(10**400, 10**400 + 6), "big": Integer(2**60, 2**60 + 4),
        "one": Integer(7, 7, log=True), "same": Real(0.5, 0.5)})).distribution()
    assert distribution["width"] == MeanStd(136.0, 60.0)
    assert distribution["rate"] == pytest.approx((0.01, np.log(1e4) / 4))
    assert distribution["x"] == MeanStd(0.0, 1.0)
    assert distribution["g"] == pytest.approx((0.5, 0.25))
    assert distribution["depth"] == pytest.approx((32, np.log(1024) / 4))
    assert distribution["far"] == MeanStd(10**400 + 3, 1.5)
    assert distribution["big"] == MeanStd(2**60 + 2, 1.0)
    assert distribution["one"] == pytest.approx((7, 0))
    assert distribution["same"] == MeanStd(0.5, 0.0)


def test_integers_beyond_floats_are_asked_told_and_begun_around():
    space = Space({"far": Integer(10**400, 10**400 + 6), "wide": Integer(-(2 * 10**308), 2 * 10**308, 10**308)})
    optimizer = ASNG(space, init={"far": MeanStd(3.0, 1.0), "wide": MeanStd(10**400, 1e308)}, seed=1)
    assert optimizer.mode() == {"far": 10**400, "wide": 2 * 10**308}
    assert optimizer.distribution()["wide"] == MeanStd(2 * 10**308, 1e308)
    optimizer.tell(optimizer.ask(8), range(8))
    assert "e+400 +- " in optimizer.summary()
    for name in ("x", "level"):
        with pytest.raises(ValueError, match=r"init\['.*'\].mean must be finite, got inf"):
            ASNG(Space({"x": Real(0, 1), "level": Ordinal([1, 2, 3])}), init={name: MeanStd(10**400, 1.0)})


def test_a_log_scale_treats_equal_ratios_alike():
    """A uniform search asks as much of 1..10 as of 10..100, up to the Gaussian's shape."""
    for variable in (Integer(1, 100, log=True), Real(1, 100, log=True), Real(1, 100, step=0.5, log=True)):
        values = np.array([candidate["x"] for candidate in ASNG(Space({"x": variable}), seed=1).sample(4000)])
        assert (values < 10).mean() == pytest.approx(0.5, abs=0.06)
        assert values.min() < 1.6
        assert values.max() > 80


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
    (lambda: Integer(0, 9, step=0), ValueError, r"Integer\(step=...\) must be at least 1, got 0"),
    (lambda: Integer(0, 9, step=1.5), TypeError, r"Integer\(step=...\) must be an integer, got 1.5"),
    (lambda: Integer(0, 9, log=True), ValueError, r"Integer\(log=True\) must have low greater than 0, got low=0"),
    (lambda: Integer(1, 9, log="yes"), TypeError, r"Integer\(log=...\) must be True or False, got 'yes'"),
    (lambda: Integer(1, 2**41, log=True), ValueError, r"Integer\(log=True\) must have high at most 2\*\*40 steps"),
    (lambda: Real(2, 1), ValueError, r"Real\(low, high\) must have low <= high, got low=2.0, high=1.0. Swap them"),
    (lambda: Real("a", 1), TypeError, r"Real\(low=...\) must be a number, got 'a'"),
    (lambda: Real(0, np.inf), ValueError, r"Real\(high=...\) must be finite, got inf"),
    (lambda: Real(0, np.nan), ValueError, r"Real\(high=...\) must be finite, got nan"),
    (lambda: Real(0, 10**400), ValueError, r"Real\(high=...\) must be finite, got inf"),
    (lambda: Real(-1.7e308, 1.7e308), ValueError, r"Real\(high=...\) - low must be finite"),
    (lambda: Real(0, 1, step=0), ValueError, r"Real\(step=...\) must be greater than 0"),
    (lambda: Real(0, 1, step=1e-17), ValueError, r"Real\(low, high\) must span at most 2\*\*53 steps"),
    (lambda: Real(0, 1e300, step=1e-300), ValueError, r"Real\(low, high\) must span at most 2\*\*53 steps, got inf"),
    (lambda: Integer(0, 10**400), ValueError, r"Integer\(low, high\) must span at most 2\*\*53 steps"),
    (lambda: Integer(0, 10**400, step=10**400), ValueError, r"Integer\(step=...\) must be finite, got inf"),
    (lambda: Integer(1, 1 + 10**308 * 2, step=10**308, log=True), ValueError,
     r"Integer\(high=...\) with log=True must be finite, got inf"),
    (lambda: Integer(10**400, 10**400 + 5, log=True), ValueError, r"with log=True must be finite, got inf"),
    (lambda: Real(0, 1, log=True), ValueError, r"Real\(log=True\) must have low greater than 0, got low=0.0"),
    (lambda: Real(0, 1, step=0.1, log=True), ValueError, r"Real\(log=True\) must have low greater than 0"),
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
