"""Feasible points where draws seldom are: families of constraints that random points all but never satisfy."""

import functools
import itertools
import warnings

import cases
import numpy as np
import pytest

from asng_core import ASNG, Boolean, Categorical, Integer, Minimizer, Real, Space, SpaceExhausted, minimize
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.pins import feasible
from asng_core.distribution.repair import searched, towards
from asng_core.distribution.search_distribution import SearchDistribution


def booleans(d, *constraints):
    return Space({f"x{i}": Boolean() for i in range(d)}, constraints=constraints)


def knapsacks(d, n, share):
    weights = np.random.default_rng(7).integers(1, 100, (n, d))
    return booleans(d, *(lambda v, w=w: np.dot(w, list(v.values())) <= share * w.sum() for w in weights))


def pairs(n):
    """Each pair of variables has ten points of a hundred: feasible shares of 10^-n."""
    return Space({f"x{i}": Categorical(range(10)) for i in range(2 * n)},
                 constraints=[lambda v, i=i: v[f"x{i}"] == (3 * v[f"x{i + 1}"] + i) % 10 for i in range(0, 2 * n, 2)])


FAMILIES = {
    "at most 10 of 50": lambda: booleans(50, lambda v: sum(v.values()) <= 10),
    "at least 45 of 50": lambda: booleans(50, lambda v: sum(v.values()) >= 45),
    "exactly 5 of 40": lambda: booleans(40, lambda v: sum(v.values()) == 5),
    "exactly 10 of 1,000": lambda: booleans(1000, lambda v: sum(v.values()) == 10),
    "5 knapsacks": lambda: knapsacks(60, 5, 0.1),
    "a simplex of integers": lambda: Space({f"x{i}": Integer(0, 99) for i in range(12)},
                                           constraints=[lambda v: sum(v.values()) <= 100]),
    "integers of one sum": lambda: Space({f"x{i}": Integer(0, 20) for i in range(20)},
                                         constraints=[lambda v: sum(v.values()) == 37]),
    "a corner of reals": lambda: Space({f"x{i}": Real(0, 1) for i in range(8)},
                                       constraints=[lambda v: sum(v.values()) <= 0.2]),
    "10^-12": lambda: pairs(12),
    "a permutation": lambda: Space({f"x{i}": Integer(0, 9) for i in range(10)},
                                   constraints=[lambda v: len(set(v.values())) == 10]),
    "under a condition": lambda: Space(
        {"on": Boolean(), **{f"x{i}": Boolean() for i in range(50)}}, active_if={"x0": {"on": [True]}},
        constraints=[lambda v: sum(v[f"x{i}"] for i in range(1, 50)) == 4]),
}


@pytest.mark.parametrize("optimizer", [Minimizer, functools.partial(Minimizer, noisy=True), ASNG],
                         ids=["Minimizer", "noisy", "ASNG"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_asked_satisfies_constraints_that_random_points_do_not(family, optimizer):
    space = FAMILIES[family]()
    value = np.random.default_rng(1).random(len(space))
    one, points = optimizer(space, seed=3), []
    for _ in range(10):
        batch = one.ask(2)
        points += [tuple(each.items()) for each in batch]
        assert all(space.contains(dict(each)) for each in batch)
        one.tell(batch, [float(np.dot(value, [hash(v) % 7 for v in each.values()] + [0] * (len(value) - len(each))))
                         for each in batch])
    assert len(set(points)) > (19 if type(one) is Minimizer and not one.noisy else 4)


def test_cardinality_is_solved():
    """The 5 best of 40, at 300 evaluations, of which random ones would need 30,000 each to be feasible at all."""
    value = np.random.default_rng(1).random(40)
    space = FAMILIES["exactly 5 of 40"]()
    result = minimize(lambda v: -float(np.dot(value, list(v.values()))), space, budget=300, seed=1)
    assert result.n_evaluations == 300
    assert result.loss == pytest.approx(-np.sort(value)[-5:].sum())


def test_an_injected_point_is_where_the_search_begins():
    """One predicate that says nothing of how far it is from being satisfied, and a share of 2^-60: only what is near
    the injected point can be found."""
    right = np.random.default_rng(5).random(60) < 0.5

    def near(v):
        return int((np.array(list(v.values())) != right).sum()) <= 2

    space = booleans(60, near)
    for optimizer in (Minimizer(space, seed=1), ASNG(space, seed=1)):
        with pytest.raises(RuntimeError, match="constraints leave"):
            optimizer.ask()
        optimizer.inject({f"x{i}": bool(each) for i, each in enumerate(right)}, 5.0)
        for _ in range(40):
            point = optimizer.ask()
            assert space.contains(dict(point))
            optimizer.tell(point, float(sum(point.values())))
        assert optimizer.best.loss <= right.sum() - 2


def test_a_later_constraint_may_rely_on_an_earlier_one():
    space = Space({f"x{i}": Integer(0, 99) for i in range(8)}, constraints=[
        lambda v: v["x0"] > 90, lambda v: v["x1"] > 90, lambda v: 1 / max(v["x0"] - 90, 0) <= 1,
        lambda v: sum(v.values()) == 700])
    optimizer = Minimizer(space, seed=1)
    assert all(space.contains(dict(optimizer.ask())) for _ in range(5))
    broken = Space({"a": Integer(0, 9)}, constraints=[lambda v: 1 / 0])
    with pytest.raises(RuntimeError, match="raised ZeroDivisionError"):
        broken.constraints.violated({"a": 1})
    assert space.constraints.violated({f"x{i}": 0 for i in range(8)}) == 4


def test_pins_hold_while_points_are_searched_for():
    optimizer = Minimizer(FAMILIES["exactly 5 of 40"](), seed=1)
    for _ in range(30):
        point = optimizer.ask(fixed={"x3": True, "x4": False})
        assert (point["x3"], point["x4"], sum(point.values())) == (True, False, 5)
        optimizer.tell(point, float(point["x0"]))


def test_nothing_is_called_exhausted_that_is_not_known_to_be():
    two = booleans(40, lambda v: sum(v.values()) <= 1)  # 41 feasible points of 10^12
    optimizer, points = Minimizer(two, seed=1), set()
    for _ in range(41):
        points.add(tuple((point := optimizer.ask()).values()))
        optimizer.tell(point, float(sum(point.values())))
    assert len(points) == 41
    with pytest.raises(SpaceExhausted) as caught:
        optimizer.ask()
    assert not caught.value.certain


@pytest.fixture(params=cases.SPACES)
def geometry(request):
    return Geometry(SearchDistribution(cases.SPACES[request.param]()))


def test_leaning_draws_are_points(geometry):
    rng = np.random.default_rng(1)
    draws = geometry.skewed(500, rng)
    codes = geometry.distribution.codes(draws)
    geometry.distribution.space.checked(codes)
    assert len(np.unique(codes, axis=0)) > min(60, geometry.distribution.space.size / 4)


def test_an_exchange_keeps_the_values_of_a_kind(geometry):
    rng = np.random.default_rng(1)
    draws = geometry.anywhere(200, rng)
    changed = geometry.exchanged(draws, rng)
    geometry.distribution.space.checked(geometry.distribution.codes(changed))
    assert ((draws != changed).sum(axis=1) <= 2).all()
    np.testing.assert_array_equal(np.sort(draws, axis=1), np.sort(changed, axis=1))


def test_the_number_of_ones_of_leaning_draws_is_uniform():
    geometry = Geometry(SearchDistribution(Space.binary(20)))
    ones = geometry.skewed(21_000, np.random.default_rng(1)).sum(axis=1)
    assert (np.bincount(ones.astype(int), minlength=21) > 400).all()  # of 1,000 in the mean


def test_a_way_to_a_feasible_point_ends_at_the_boundary():
    geometry = Geometry(SearchDistribution(booleans(50, lambda v: sum(v.values()) <= 10)))
    rng = np.random.default_rng(1)
    draws, anchors = np.ones((30, 50)), np.zeros((30, 50))
    found = towards(geometry, draws, anchors, rng)
    assert (found.sum(axis=1) == 10).all()
    assert len(np.unique(found, axis=0)) == 30


def test_a_search_finds_what_there_is_and_ends():
    geometry = Geometry(SearchDistribution(pairs(12)))
    blocks = searched(geometry, np.random.default_rng(1))
    found = next(draws for draws in blocks if len(draws))
    assert feasible(geometry.distribution, found, None).all()
    nothing = Geometry(SearchDistribution(booleans(40, lambda v: False)))
    assert not any(map(len, itertools.islice(searched(nothing, np.random.default_rng(1)), 10**6)))


def test_minimize_goes_on_where_one_point_in_80_000_is_feasible():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = minimize(lambda v: -float(sum(v.values())), FAMILIES["at most 10 of 50"](), budget=60, seed=2)
    assert (result.n_evaluations, result.loss) == (60, -10.0)
