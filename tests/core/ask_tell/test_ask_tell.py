"""Asking with pins, pairs and a start of one's own; telling violations, failures, and points nobody asked for."""

import functools
import math
import pickle

import cases
import numpy as np
import oracles
import pytest

from asng_core import ASNG, Boolean, Categorical, Integer, MeanStd, Minimizer, Ordinal, Real, Space
from asng_core.distribution.search_distribution import SearchDistribution
from asng_core.ranking import ranks


def snapshot(optimizer):
    return oracles.exact(optimizer.state_dict())


def mixed():
    return Space({"op": Categorical(["a", "b", None]), "n": Integer(10, 50, step=10), "k": Ordinal(["s", "m", "l"]),
                  "rate": Real(1e-4, 1, log=True), "x": Real(-2, 2), "depth": Integer(1, 64, log=True)})


# fixed

def test_pinned_variables_have_their_value_and_do_not_move():
    optimizer = ASNG(mixed(), seed=1, population_size=4)
    fixed = {"op": None, "n": 40, "rate": 0.03, "depth": 7}
    before = optimizer.distribution()
    for _ in range(10):
        batch = optimizer.ask(4, fixed=fixed)
        assert all(candidate[name] == value for candidate in batch for name, value in fixed.items())
        optimizer.tell(batch, [candidate["x"] for candidate in batch])
    after = optimizer.distribution()
    assert after["op"].tolist() == before["op"].tolist()
    assert all(after[name] == before[name] for name in ("n", "rate", "depth"))
    assert after["x"].mean < before["x"].mean
    assert all(candidate["op"] is None for candidate in [optimizer.ask(fixed={"op": None})])


REALS = [Real(0, 1), Real(-2, 2), Real(-2, 3), Real(1e-4, 1, log=True), Real(1e-300, 1e300, log=True), Real(-1e6, 1e6),
         Real(0.5, 1e9 + 0.5), Real(1e6, 1e6 + 1e-8)]


def numbers(real, n, rng):
    """Of a Real, close to 0 too, where a range that holds it has far more floats than 0..1 has."""
    for _ in range(n):
        at = rng.random()
        value = math.exp(math.log(real.low) * (1 - at) + math.log(real.high) * at) if real.log else (
            real.low * (1 - at) + real.high * at)
        yield min(max(value, real.low), real.high)
    if real.low < 0 < real.high:
        yield from (1e-20, -3e-310, 5e-324, 0.0)


@pytest.mark.parametrize("make", [ASNG, Minimizer, functools.partial(Minimizer, noisy=True)])
@pytest.mark.parametrize("real", REALS, ids=repr)
def test_a_number_that_is_fixed_comes_back_to_the_last_digit(make, real, tmp_path):
    space = Space({"x": real, "n": Integer(0, 2**53), "k": Integer(0, 9)})
    optimizer, rng = make(space, seed=1), np.random.default_rng(0)
    for i, value in enumerate(numbers(real, 6, rng)):
        point = optimizer.ask(fixed={"x": value, "n": 2**53 - 1}, mirrored=i % 3 == 1)
        optimizer.save(tmp_path / "a")
        other = type(optimizer).load(tmp_path / "a", space=space)
        for each in (point, optimizer.pending[0], other.pending[0], pickle.loads(pickle.dumps(point))):
            assert each["x"] == value
            assert each["n"] == 2**53 - 1
        for each in (optimizer, other):
            each.tell(point, -float(i))
            assert each.best.values == dict(point)
        assert snapshot(optimizer) == snapshot(other)
        if isinstance(optimizer, Minimizer):
            assert optimizer.history.values[-1] == dict(point)


@pytest.mark.parametrize("make", [ASNG, Minimizer, functools.partial(Minimizer, noisy=True)])
def test_a_constraint_sees_the_number_that_is_fixed(make):
    limit = {}
    space = Space({"x": Real(-2, 3), "k": Integer(0, 9)}, constraints=[lambda v: v["x"] == limit.get("x", v["x"])])
    optimizer = make(space, seed=1)
    for value in numbers(space.variables["x"], 20, np.random.default_rng(0)):
        limit["x"] = value
        point = optimizer.ask(fixed={"x": value})
        optimizer.tell(point, 1.0)


@pytest.mark.parametrize("make", [ASNG, Minimizer, functools.partial(Minimizer, noisy=True)])
@pytest.mark.parametrize("real", REALS, ids=repr)
def test_a_number_that_is_injected_is_kept_to_the_last_digit(make, real):
    optimizer, rng = make(Space({"x": real, "n": Integer(0, 2**53)}), seed=1), np.random.default_rng(0)
    for i, value in enumerate(numbers(real, 6, rng)):
        optimizer.inject({"x": value, "n": 2**53 - i}, -float(i))
        assert optimizer.best.values == {"x": value, "n": 2**53 - i}
        if isinstance(optimizer, Minimizer):
            assert optimizer.history.values[-1] == {"x": value, "n": 2**53 - i}


@pytest.mark.parametrize("real", REALS, ids=repr)
def test_what_was_drawn_stands_for_itself(real):
    """Else a point that is evaluated again under noise would be another point."""
    distribution = SearchDistribution(Space({"x": real}))
    codes = distribution.codes(np.random.default_rng(0).random((2000, 1)))
    np.testing.assert_array_equal(distribution.codes(distribution.draws(codes)), codes)


def test_a_state_whose_pins_are_not_of_its_draws_is_refused():
    optimizer = ASNG(mixed(), seed=1)
    optimizer.ask(2, fixed={"x": 0.3, "n": 40})
    state = optimizer.state_dict()
    assert state["open"]["exact"] == [[3.0, 0.3]] * 2
    for wrong in (*([each] * 2 for each in ([3.0, 0.31], [3.0], [3.0, 9.0], [3.0, math.nan], [2.0, 0.3], [])), 3):
        with pytest.raises(ValueError, match="state must be what"):
            optimizer.load_state_dict({**state, "open": {**state["open"], "exact": wrong}})
    older = {key: value for key, value in state["open"].items() if key != "exact"}
    optimizer.load_state_dict({**state, "open": older})
    assert [point["x"] for point in optimizer.pending] == pytest.approx([0.3, 0.3])


def test_other_results_of_the_same_update_move_the_pinned_variable():
    """The update is that of the results for which it was free, with utilities re-centred over these."""
    optimizer = ASNG(Space({"a": Boolean(), "b": Boolean()}), seed=1, population_size=8)
    pinned, free = optimizer.ask(4, fixed={"a": True}), optimizer.ask(4)
    optimizer.tell(pinned, [10.0, 11, 12, 13])
    optimizer.tell(free, [0.0 if candidate["a"] else 1.0 for candidate in free])
    assert {candidate["a"] for candidate in free} == {True, False}  # else the next line says nothing
    assert optimizer.distribution()["a"][1] > 0.5


def test_pins_meet_conditions_and_constraints():
    space = Space({"op": Categorical(["conv", "pool"]), "kernel": Ordinal([1, 3, 5]), "n": Integer(0, 9)},
                  active_if={"kernel": {"op": ["conv"]}}, constraints=[lambda v: v.get("kernel", 0) <= v["n"]])
    optimizer = ASNG(space, seed=1)
    for candidate in optimizer.ask(20, fixed={"op": "conv", "kernel": 5}):
        assert (candidate["op"], candidate["kernel"]) == ("conv", 5)
        assert candidate["n"] >= 5
    assert all("kernel" not in candidate for candidate in optimizer.ask(20, fixed={"op": "pool"}))


@pytest.mark.parametrize(("fixed", "error", "message"), [
    ({"z": 1}, ValueError, r"ask\(fixed=...\) must name variables of the space, got 'z'"),
    ({"op": "other"}, ValueError, r"variable 'op' must be one of .* got 'other'"),
    (["op"], TypeError, r"ask\(fixed=...\) must be a mapping"),
    ({"kernel": 3}, ValueError, r"may be inactive, got 'kernel'. Fix variables that meet its condition too: \[\{'op'"),
    ({"kernel": 3, "op": "skip"}, ValueError, r"may be inactive, got 'kernel'"),
])
def test_bad_pins_say_what_to_do(fixed, error, message):
    optimizer = ASNG(cases.SPACES["conditional"](), seed=1)
    before = snapshot(optimizer)
    with pytest.raises(error, match=message):
        optimizer.ask(2, fixed=fixed)
    assert snapshot(optimizer) == before


# mirrored

def test_mirrored_pairs_of_one_call_are_antithetic():
    optimizer = ASNG(Space({"x": Real(0, 1), "op": Boolean(), "y": Real(1, 100, log=True)}), seed=1)
    batch = optimizer.ask(9, mirrored=True)
    assert len(batch) == 9
    draws = optimizer.state_dict()["open"]["draws"]
    assert draws[0:8:2, [0, 2]] + draws[1:8:2, [0, 2]] == pytest.approx(1)
    with pytest.raises(TypeError, match=r"ask\(mirrored=...\) must be True or False, got 1"):
        optimizer.ask(2, mirrored=1)
    with pytest.raises(TypeError, match=r"sample\(mirrored=...\) must be True or False, got 1"):
        optimizer.sample(2, mirrored=1)


def test_mirrored_samples_are_what_would_have_been_asked():
    asked, sampled = (ASNG(Space({"x": Real(0, 1), "n": Integer(0, 100)}), seed=3) for _ in range(2))
    assert sampled.sample(6, mirrored=True).codes.tolist() == asked.ask(6, mirrored=True).codes.tolist()
    assert sampled.n_asked == 0


def test_the_likeliest_accepted_point_goes_down_from_the_mode_and_draws_leave_no_trace():
    optimizer = ASNG(Space.categorical([3, 3]), seed=0, init={"x0": [0.6, 0.3, 0.1], "x1": [0.2, 0.7, 0.1]})
    before = repr(optimizer.state_dict())
    assert optimizer.likeliest(lambda values: True) == optimizer.mode() == {"x0": 0, "x1": 1}
    assert optimizer.likeliest(lambda values: sum(values.values()) == 0) == {"x0": 0, "x1": 0}
    assert optimizer.likeliest(lambda values: values["x0"] == 2) == {"x0": 2, "x1": 1}
    with pytest.raises(RuntimeError, match="found no feasible point"):
        optimizer.likeliest(lambda values: False)
    assert repr(optimizer.state_dict()) == before


def test_the_likeliest_accepted_point_may_be_far_from_the_mode():
    """All ones but ten: beyond the 2,000 likeliest of 40 all but even variables."""
    optimizer = ASNG(Space.binary(40), seed=0)
    found = optimizer.likeliest(lambda values: sum(values.values()) in (12, 28))
    assert sum(found.values()) in (12, 28)


# init

@pytest.mark.parametrize("name", cases.SPACES)
def test_a_start_where_another_search_ended(name):
    space = cases.SPACES[name]()
    ended = ASNG(space, seed=1)
    for _ in range(30):
        batch = ended.ask(8)
        ended.tell(batch, cases.distance(space, batch.codes))
    begun = ASNG(space, init=ended.distribution())
    for ours, theirs in zip(begun.distribution().values(), ended.distribution().values(), strict=True):
        assert tuple(ours) == pytest.approx(tuple(theirs), rel=1e-6)


def test_a_start_around_values_and_probabilities():
    init = {"op": {None: 0.7, "a": 0.3}, "n": 20, "k": "l", "rate": 0.01, "x": MeanStd(1.5, 0.1), "depth": 8}
    distribution = ASNG(mixed(), init=init, margin=0.01).distribution()
    assert distribution["op"] == pytest.approx([0.3, 0.0, 0.7], abs=0.01)
    assert distribution["n"].mean == 20
    assert distribution["k"].mean == 2
    assert distribution["rate"].mean == pytest.approx(0.01)
    assert distribution["x"] == pytest.approx((1.5, 0.1))
    assert distribution["depth"].mean == pytest.approx(8)
    assert distribution["n"].std == pytest.approx(10)  # a quarter of the range


@pytest.mark.parametrize(("init", "error", "message"), [
    ({"z": 1}, ValueError, r"init must name variables of the space, got 'z'"),
    ([], TypeError, r"init must be a mapping"),
    ({"op": [0.5, 0.5]}, ValueError, r"init\['op'\] must hold one probability for each of 3 values"),
    ({"op": [0.5, 0.6, 0.1]}, ValueError, r"init\['op'\] must be probabilities, at least 0 and summing to 1"),
    ({"op": [1.5, -0.5, 0]}, ValueError, r"must be probabilities"),
    ({"op": ["x", 0, 1]}, TypeError, r"init\['op'\] must be a number, got 'x'"),
    ({"op": {"q": 1.0}}, ValueError, r"init\['op'\] must map values of the variable to probabilities, got \['q'\]"),
    ({"op": "a"}, ValueError, r"init\['op'\] must hold one probability"),
    ({"n": 15}, ValueError, r"variable 'n' must be an integer within 10..50 in steps of 10, got 15"),
    ({"n": MeanStd(20, 0)}, ValueError, r"init\['n'\].std must be greater than 0"),
    ({"n": MeanStd(math.nan, 1)}, ValueError, r"init\['n'\].mean must be finite"),
    ({"rate": 2.0}, ValueError, r"variable 'rate' must be a number within 0.0001..1.0, got 2.0"),
])
def test_a_bad_start_says_what_to_do(init, error, message):
    with pytest.raises(error, match=message):
        ASNG(mixed(), init=init)


# inject

def test_injected_points_count_for_the_best_and_move_nothing():
    optimizer = ASNG(cases.SPACES["conditional"](), seed=1)
    optimizer.tell(optimizer.ask(3), [5.0, 6.0, 7.0])
    before = optimizer.state_dict()
    optimizer.inject({"op": "skip", "dilation": 4}, np.float32(1.0))
    assert optimizer.best == ({"op": "skip", "dilation": 4}, 1.0, None)
    optimizer.inject({"op": "pool", "kernel": 3}, 2.0)
    optimizer.inject({"op": "pool", "kernel": 3}, math.nan)
    optimizer.inject({"op": "pool", "kernel": 3}, 0.0, violation=[0, 0.1])
    assert optimizer.best.loss == 1.0
    after = optimizer.state_dict()
    assert oracles.exact({**after, "best": None}) == oracles.exact({**before, "best": None})


@pytest.mark.parametrize(("values", "loss", "error", "message"), [
    ({"a": 9, "b": 1}, 1.0, ValueError, r"inject\(values\) must satisfy the space's constraints"),
    ({"a": 10, "b": 1}, 1.0, ValueError, r"variable 'a' must be an integer within 0..9"),
    ({"a": 1}, 1.0, ValueError, r"missing \['b'\]"),
    ({"a": 1, "b": 1}, "1", TypeError, r"a loss must be one real number, got '1'"),
    ([1, 1], 1.0, TypeError, r"values must be a mapping"),
])
def test_bad_injections_are_explained_and_change_nothing(values, loss, error, message):
    optimizer = ASNG(Space({"a": Integer(0, 9), "b": Integer(0, 9)}, constraints=[lambda v: v["a"] <= 5]), seed=1)
    before = snapshot(optimizer)
    with pytest.raises(error, match=message):
        optimizer.inject(values, loss)
    assert snapshot(optimizer) == before


# violations and failures

@pytest.mark.parametrize(("losses", "violations", "expected"), [
    ([3.0, 1, 2], None, [2, 0, 1]),
    ([3.0, 1, 2], [0, 0.5, 0], [1, 2, 0]),
    ([1.0, math.inf, 9, 0, math.nan], [0, 0, 0.2, 0.1, 0], [0, 1, 3, 2, 4]),
    ([5.0, 1, math.nan, math.nan], [2, 2, 0, 7], [0, 0, 1, 1]),
    ([math.nan, -math.inf, math.inf, math.inf], [0, 0, 0, 0], [2, 0, 1, 1]),
    ([1.0, 1.0, 2.0], [math.inf, 1, 1], [1, 0, 0]),
])
def test_order_of_merit(losses, violations, expected):
    given = None if violations is None else np.array(violations, dtype=float)
    assert ranks(np.array(losses), given).tolist() == expected


def test_violations_steer_the_search_back():
    """The unconstrained optimum is infeasible: sum of 20 bits at most 10."""
    optimizer = ASNG(Space.binary(20), seed=1)
    for _ in range(150):
        batch = optimizer.ask(8)
        n = batch.codes.sum(axis=1)
        optimizer.tell(batch, -n, violations=[[excess, -1.0] for excess in n - 10])
    assert optimizer.best.loss == -10
    assert sum(optimizer.mode().values()) <= 11


def test_violated_points_are_never_the_best_and_failures_are_counted():
    optimizer = ASNG(Space.binary(3), seed=1)
    batch = optimizer.ask(6)
    optimizer.tell(batch[0], 0.0, violations=0.5)
    optimizer.tell(batch[1:], [math.nan, 3.0, 2.0, math.nan, 1.0], violations=[0, -1, [0, -2], 0, [-5, 1e-9]])
    assert optimizer.best.loss == 2.0
    assert (optimizer.n_failed, optimizer.n_told) == (2, 6)


@pytest.mark.parametrize(("violations", "error", "message"), [
    ([0.0], ValueError, r"violations must be a list with an entry per candidate \(3\), got \[0.0\]"),
    (0.0, ValueError, r"violations must be a list with an entry per candidate"),
    ([0, "1", 0], TypeError, r"a violation must be one real number or a list of them, got '1'"),
    ([0, None, 0], TypeError, r"a violation must be one real number"),
    ([0, [1, math.nan], 0], ValueError, r"a violation must not be NaN.*tell the loss float\('nan'\)"),
])
def test_bad_violations_are_explained_and_change_nothing(violations, error, message):
    optimizer = ASNG(Space.binary(3), seed=1)
    batch = optimizer.ask(3)
    before = snapshot(optimizer)
    with pytest.raises(error, match=message):
        optimizer.tell(batch, [1.0, 2.0, 3.0], violations=violations)
    assert snapshot(optimizer) == before


# summary

def test_the_summary_has_a_line_per_variable():
    optimizer = ASNG(mixed(), seed=1, init={"op": [0.1, 0.8, 0.1], "x": MeanStd(0.5, 0.25)}, margin=0.05)
    lines = optimizer.summary().splitlines()
    assert lines[0].split() == ["variable", "kind", "belief", "P(mode)", "entropy", "converged"]
    assert lines[1].split() == ["op", "Categorical", "'b'", "0.80", "0.58", "no"]
    assert lines[5].split()[:5] == ["x", "Real", "0.5", "+-", "0.25"]
    assert len(lines) == 7


def test_the_summary_of_many_variables_is_short():
    lines = ASNG(Space.binary(500)).summary().splitlines()
    assert len(lines) == 42
    assert lines[-1] == "... and 460 more, of lower entropy; 0 of 500 have converged"


# margin

@pytest.mark.parametrize("sizes", [[7], [2, 3, 10, 50, 1000], [*range(2, 32)], [2 + i % 40 for i in range(300)]],
                         ids=len)
def test_integers_converge_only_when_each_leaves_its_mode_with_at_most_twice_the_margin(sizes):
    space = Space({f"n{i}": Integer(1, size, log=i % 2 == 1) for i, size in enumerate(sizes)})
    distribution = SearchDistribution(space)
    codes = np.array(sizes) // 2
    for leaving, converged in ((distribution.margin, True), (4.5 * distribution.margin, False)):
        distribution.theta = oracles.peaked(distribution.family, codes, min(leaving, 0.9))
        probability = distribution.family.leaving_probability(distribution.theta)
        assert (probability <= 2 * distribution.margin).all() == converged == distribution.converged
    optimizer = ASNG(space, seed=1, population_size=12)
    for _ in range(3000 if len(sizes) < 100 else 0):
        if optimizer.converged:
            break
        batch = optimizer.ask(12)
        optimizer.tell(batch, np.abs(batch.codes - codes).sum(axis=1))
    leaving = optimizer._parts.distribution.family.leaving_probability(optimizer._parts.distribution.theta)
    assert optimizer.converged == (leaving <= 2 * optimizer.margin).all()
    assert optimizer.converged or len(sizes) > 100


@pytest.mark.parametrize("initial_step_size", [1e-50, 1e99])
def test_extreme_step_sizes_and_ranges_stay_finite(initial_step_size):
    space = Space({"n": Integer(0, 100), "l": Integer(1, 2**40, log=True), "w": Real(-1e300, 1e300), "b": Boolean(),
                   "q": Real(1e-300, 1e300, log=True), "h": Integer(0, 2**53)})
    optimizer = ASNG(space, seed=1, initial_step_size=initial_step_size, population_size=2)
    for _ in range(100):
        batch = optimizer.ask(3)
        optimizer.tell(batch, [candidate["n"] for candidate in batch])
    assert np.isfinite(optimizer.state_dict()["theta"]).all()
    assert 0 <= optimizer.entropy <= 1
    assert "nan" not in optimizer.summary()


def test_no_violation_is_a_number_too():
    optimizer = ASNG(Space.binary(3), seed=0)
    optimizer.tell(optimizer.ask(), 1.0, [])
    (kept,) = optimizer.state_dict()["waiting"]["violations"]
    assert type(kept) is float
    assert kept == 0
