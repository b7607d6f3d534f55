"""Features, neighbours and points anywhere, on every space."""

import itertools

import cases
import numpy as np
import pytest

from asng_core import Categorical, Integer, Ordinal, Real, Space
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution


@pytest.fixture(params=cases.SPACES)
def case(request):
    space = cases.SPACES[request.param]()
    distribution = SearchDistribution(space)
    return space, distribution, Geometry(distribution)


def test_distances_are_those_of_the_variables():
    space = Space({"op": Categorical(list("abc")), "flag": Categorical([0, 1]), "level": Ordinal([1, 3, 5, 7]),
                   "n": Integer(1, 100, log=True), "x": Real(-2, 2), "one": Ordinal(["only"])})
    distribution = SearchDistribution(space)
    points = [{"op": "a", "flag": 0, "level": 1, "n": 1, "x": -2.0, "one": "only"},
              {"op": "b", "flag": 1, "level": 5, "n": 10, "x": 1.0, "one": "only"}]
    a, b = Geometry(distribution).features(distribution.draws(np.stack([space.encode(point) for point in points])))
    assert (a - b) @ (a - b) == pytest.approx(1 + 1 + (2 / 3) ** 2 + (1 / 2) ** 2 + (3 / 4) ** 2)


def test_an_inactive_variable_is_as_far_from_each_of_its_values():
    space = Space({"on": Categorical([False, True]), "op": Categorical(list("abc")), "n": Integer(0, 4)},
                  active_if={"op": {"on": [True]}, "n": {"on": [True]}})
    distribution = SearchDistribution(space)
    codes = space.masked(np.array([[0, 0, 0], *([1, op, n] for op in range(3) for n in (0, 4))]))
    draws = distribution.draws(codes)
    features = Geometry(distribution).features(draws)
    distances = np.square(features[1:] - features[0]).sum(axis=1)
    np.testing.assert_allclose(distances, 1 + 1 / 2 + 1 / 4)


def test_points_anywhere_are_legal_and_reach_every_value(case):
    space, distribution, geometry = case
    codes = distribution.codes(geometry.anywhere(3000, np.random.default_rng(0)))
    space.checked(codes)
    for column, size in zip(codes.T, space.sizes, strict=True):
        if 1 < size <= 10:
            assert set(column.tolist()) - {-1} == set(range(size))


def test_neighbours_are_legal_and_differ_in_few_variables(case):
    space, distribution, geometry = case
    rng = np.random.default_rng(0)
    draws = geometry.anywhere(2000, rng)
    near = geometry.neighbours(draws, rng)
    space.checked(distribution.codes(near))
    changed = (near != draws).sum(axis=1)
    varying = int((space.sizes != 1).sum())
    assert changed.max() <= varying
    if varying:
        # at most one in 0.7 redraws, a category may be drawn again
        assert changed.mean() <= 1 / 0.7 + 0.1
        assert (changed > 0).mean() > 0.2


def test_every_precision_of_an_ordered_variable_has_its_turn():
    space = Space({"n": Integer(0, 10**6)})
    geometry = Geometry(SearchDistribution(space))
    moves = np.abs(geometry.neighbours(np.full((4000, 1), 5e5), np.random.default_rng(0)) - 5e5)
    shares = [((low <= moves) & (moves < 10 * low)).mean() for low in (1e3, 1e4, 1e5)]
    assert min(shares) > 0.2


def test_spacing_and_precisions():
    categories = {f"c{i}": Categorical(list("abc")) for i in range(4)} | {"constant": Categorical(["only"])}
    for variables, spacing, precisions in (
            (categories, 1.0, 4.0), ({"flag": Integer(0, 1)}, 1.0, 1.0), ({"n": Integer(0, 100)}, 0.01, np.log(200)),
            ({"x": Real(0, 5)}, 0.002, np.log(1000)), ({"constant": Categorical(["only"])}, 1.0, 0.0),
            (categories | {"level": Ordinal(range(6)), "x": Real(0, 1)}, 0.002, 4 + np.log(10) + np.log(1000))):
        geometry = Geometry(SearchDistribution(Space(variables)))
        assert geometry.spacing == pytest.approx(spacing)
        assert geometry.n_precisions == pytest.approx(precisions)


def test_every_pair_of_values_is_one_move_apart():
    space = Space({"level": Ordinal(range(6)), "op": Categorical(range(4))})
    distribution = SearchDistribution(space)
    geometry, rng = Geometry(distribution), np.random.default_rng(0)
    for column, size in enumerate((6, 4)):
        seen = set()
        for start in range(size):
            draws = np.zeros((4000, 2))
            draws[:, column] = start
            found = distribution.codes(geometry.neighbours(draws, rng))[:, column]
            seen |= {(start, int(code)) for code in found}
        assert seen == set(itertools.product(range(size), repeat=2))
