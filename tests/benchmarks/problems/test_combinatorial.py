"""The combinatorial problems of the long runs: by enumeration where they are small, by hand where they are not."""

import itertools

import numpy as np
import pytest

from benchmarks import long_runs
from benchmarks.problems import combinatorial
from benchmarks.problems.combinatorial import LONG


@pytest.mark.parametrize("name", LONG)
def test_an_instance_is_its_seeds_and_takes_any_point_of_its_space(name):
    one, same, other = LONG[name](3), LONG[name](3), LONG[name](4)
    points = np.random.default_rng(0).integers(one.space.sizes, size=(20, len(one.space)))
    losses = [[instance.loss(point) for point in points] for instance in (one, same, other)]
    assert losses[0] == losses[1] != losses[2]
    assert all(isinstance(loss, float) for loss in losses[0])


def test_a_cut_does_not_notice_which_side_is_which():
    instance = combinatorial.max_cut(9, 0.6, 1)
    points = np.array(list(itertools.product((0, 1), repeat=9)))
    losses = np.array([instance.loss(point) for point in points])
    assert losses.tolist() == losses[::-1].tolist()  # all bits exchanged
    assert losses[0] == 0
    assert losses.min() < 0


def test_what_fits_into_the_knapsack_is_best_for_whatever_values_stand_for_packed():
    instance = combinatorial.knapsack(12, 2)
    rng = np.random.default_rng([2, 13])
    weights = rng.integers(1, 101, 12)
    points = np.array(list(itertools.product((0, 1), repeat=12)))
    best = points[np.argmin([instance.loss(point) for point in points])]
    assert weights[best == combinatorial.hidden(12, 2, 2)].sum() <= weights.sum() // 2


def test_least_losses_are_known_where_they_are():
    assert combinatorial.least_squares(10, 20, 0).loss(
        _target(combinatorial.least_squares(10, 20, 0), 10, 20)) == pytest.approx(0)
    assert combinatorial.hidden_onemax(50, 2, 1).loss(combinatorial.hidden(50, 2, 1)) == 0
    assert combinatorial.hidden_onemax(50, 2, 1).loss(1 - combinatorial.hidden(50, 2, 1)) == 50


def _target(instance, n, levels):
    """By exact descent from zero: the Gram matrix is positive definite."""
    x = np.zeros(n, dtype=np.int64)
    basis = np.eye(n, dtype=np.int64)
    value = instance.loss
    hessian = np.array([[value(a + b) - value(a) - value(b) + value(x) for b in basis] for a in basis])
    gradient = np.array([value(a) - value(x) - hessian[i, i] / 2 for i, a in enumerate(basis)])
    return np.rint(np.linalg.solve(hessian, -gradient)).astype(np.int64)


def test_leading_ones_counts_from_the_first_that_is_wrong():
    instance, order = combinatorial.hidden_leading_ones(10, 2, 5), np.random.default_rng([5, 17]).permutation(10)
    best = np.empty(10, dtype=np.int64)
    best[order] = combinatorial.hidden(10, 2, 5)
    assert instance.loss(best) == 0
    best[order[4]] ^= 1
    assert instance.loss(best) == 6


def test_the_benchmark_runs_and_shows_what_is_stored(command, tmp_path):
    printed = command(long_runs)
    assert "| Minimizer |" in printed
    assert (tmp_path / "long_runs_quick.png").exists()
    assert command(long_runs, "--stored") == printed


def test_annealing_cools_over_its_budget():
    losses = long_runs.run("annealing", "max-cut 100", 7, 500)["losses"]  # after 100, 200, 500
    assert losses[2] < losses[1] - 20
