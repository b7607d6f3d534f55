"""From losses to ranks and utilities, with several objectives against brute force."""

import itertools
import math

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asng_core.ranking import contributions, midranks, nondominated, ranks, scalarized, utilities

values = st.sampled_from([-math.inf, -2.0, -0.0, 0.0, 1e-300, 0.5, 3.0, 1e300, math.inf, math.nan])


@pytest.mark.parametrize(("losses", "expected"), [
    ([1.0, 2.0], [1, -1]),
    ([2.0, 1.0], [-1, 1]),
    ([3.0, 1.0, 2.0, 4.0], [0, 1, 0, -1]),
    ([1.0, 2.0, 3.0, 4.0, 5.0], [1, 1, 0, -1, -1]),
    ([0.0, 0.0], [0, 0]),
    ([-1.0, -1.0, -1.0], [0, 0, 0]),
    ([0.0, 0.0, 1.0, 2.0], [0.5, 0.5, 0, -1]),
    ([1.0, math.inf, math.nan, math.nan], [1, 0, -0.5, -0.5]),
    ([math.nan, math.nan], [0, 0]),
    ([math.inf, math.inf, 0.0], [-0.5, -0.5, 1]),
    ([5.0], [0]),
])
def test_best_quarter_gains_and_worst_quarter_loses(losses, expected):
    assert utilities(ranks(np.array(losses))).tolist() == pytest.approx(expected)


@given(st.lists(values, min_size=1, max_size=40))
def test_equals_the_plain_loop(losses):
    assert utilities(ranks(np.array(losses))) == pytest.approx(oracles.utilities_by_loop(losses))


@given(st.lists(values, min_size=1, max_size=40))
def test_sums_to_zero_and_does_not_touch_its_input(losses):
    array = np.array(losses)
    result = utilities(ranks(array))
    assert np.array_equal(array, np.array(losses), equal_nan=True)
    assert result.sum() == pytest.approx(0, abs=1e-12)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20, unique=True))
def test_only_ranks_count(losses):
    order = np.argsort(np.argsort(losses)).astype(float)
    assert ranks(np.array(losses)).tolist() == order.tolist()
    assert ranks(np.exp(order) - 9).tolist() == order.tolist()


def test_equal_ranks_share_their_places():
    assert midranks(np.array([2, 0, 1, 0, 2, 2])).tolist() == [4, 0.5, 2, 0.5, 4, 4]


LOSSES = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(2, 3)), elements=st.sampled_from([0.0, 1, 2, 3]))


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def fronts(losses):
    left, number, result = set(range(len(losses))), 0, [0] * len(losses)
    while left:
        first = {i for i in left if not any(dominates(losses[j], losses[i]) for j in left)}
        for i in first:
            result[i] = number
        left -= first
        number += 1
    return result


def hypervolume(points, reference):
    """Area dominated by two-objective points, by counting unit cells of an integer grid."""
    cells = itertools.product(range(int(reference[0])), range(int(reference[1])))
    return sum(any(p[0] <= x and p[1] <= y for p in points) for x, y in cells)


@given(LOSSES)
def test_the_first_front_is_what_nothing_dominates(losses):
    assert nondominated(losses).tolist() == [front == 0 for front in fronts(losses)]


@given(LOSSES)
def test_a_better_front_ranks_before_a_worse_one(losses):
    rank, front = ranks(losses, np.zeros(len(losses))), fronts(losses)
    for i, j in itertools.combinations(range(len(losses)), 2):
        if front[i] != front[j]:
            assert (rank[i] < rank[j]) == (front[i] < front[j])


def test_within_a_front_the_lost_hypervolume_decides():
    front = np.array([[0, 9], [1, 7], [2, 2], [6, 1], [9, 0]], dtype=float)
    whole = hypervolume(front, (20, 20))
    lost = [whole - hypervolume(np.delete(front, i, axis=0), (20, 20)) for i in (1, 2, 3)]
    span = 9 * 9
    np.testing.assert_allclose(contributions(front)[1:4] * span, lost)
    assert ranks(front, np.zeros(5)).tolist() == [0, 3, 1, 2, 0]  # the ends first


def test_the_best_end_stands_out_though_it_is_infinite():
    losses = np.array([[-np.inf, 3.0], [np.inf, 0.0], [1.0, 2.0], [2.0, 1.0]])
    assert np.isinf(contributions(losses)).tolist() == [True, True, False, False]
    assert np.isfinite(contributions(losses)[2:]).all()
    assert ranks(losses, np.zeros(4))[0] == 0
    for scale in (1e-300, 5e307):
        assert np.isfinite(contributions(np.array([[0.0, 3], [1, 2], [1.5, 1], [1.7, 0]]) * scale)[1:3]).all()


def test_three_objectives_are_told_apart_by_crowding():
    front = np.array([[0, 3, 3], [1, 2, 2], [1.1, 1.9, 2], [3, 0, 1], [2, 2, 0]])
    found = contributions(front)
    assert np.isinf(found[[0, 3, 4]]).all()
    # between its neighbours in each objective, whose losses run from 0 to 3
    assert found[[1, 2]] == pytest.approx([((1.1 - 0) + (2 - 1.9) + (2 - 1)) / 3, ((2 - 1) + (2 - 0) + (3 - 2)) / 3])


def test_a_copy_adds_nothing():
    assert contributions(np.array([[0.0, 2], [1, 1], [1, 1], [2, 0]]))[1:3].tolist() == [0, 0]


def test_an_end_stands_out_though_its_neighbour_is_too_near_to_tell():
    front = np.array([[0, 1 + 2e-16], [1, 1], [2, -1e300]])  # beside the third the first two lie at one place
    assert contributions(front).tolist() == [np.inf, np.inf, np.inf]


@pytest.mark.parametrize("value", [np.inf, 1e300])
def test_infinite_losses_rank_last_of_their_front_but_before_the_infeasible_and_the_failed(value):
    losses = np.array([[0.0, value], [1, 1], [2, 2], [5, 5], [np.nan, 0]])
    rank = ranks(losses, np.array([0.0, 0, 0, 3, 0]))
    assert rank[1] < rank[2] < rank[3] < rank[4]
    assert rank[0] < rank[2]


def test_one_objective_is_ranked_as_ever():
    assert ranks(np.array([2.0, 1, np.nan, 0, 1]), np.array([0.0, 0, 0, 1, 0])).tolist() == [1, 0, 3, 2, 0]


def test_some_weights_prefer_any_point_of_a_convex_front():
    losses = np.array([[0.0, 9], [2, 5], [5, 2], [9, 0], [8, 8]])
    rng = np.random.default_rng(0)
    best = {int(np.argmin(scalarized(losses, rng))) for _ in range(200)}
    assert best == {0, 1, 2, 3}
    assert np.isnan(scalarized(np.array([[1.0, np.nan], [1, 1]]), rng)).tolist() == [True, False]


@pytest.mark.parametrize("m", [2, 3])
def test_scalarized_losses_are_augmented_chebyshev_norms_of_places(m):
    losses = np.random.default_rng(0).integers(0, 5, (9, m)).astype(float)
    weights = np.random.default_rng(3).dirichlet([1.0] * m)
    places = np.array([[len({other for other in column if other < loss}) / 9 for loss in column]
                       for column in losses.T.tolist()])  # (m, 9)
    weighted = [[weight * place for weight, place in zip(weights, each, strict=True)] for each in places.T]
    expected = [max(each) + sum(each) / 20 for each in weighted]
    assert scalarized(losses, np.random.default_rng(3)) == pytest.approx(expected)
