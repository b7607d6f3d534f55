"""The synthetic problems against enumeration and plain loops."""

import itertools

import numpy as np
import pytest

from benchmarks.problems import synthetic
from benchmarks.problems.synthetic import SUITE, hidden

SMALL = [problem for seed in range(3) for problem in (
    synthetic.onemax(6, 2, hidden(6, 2, seed)),
    synthetic.onemax(4, 5, hidden(4, 5, seed)),
    synthetic.leading_ones(6, 2, hidden(6, 2, seed)),
    synthetic.leading_ones(4, 3, hidden(4, 3, seed)),
    synthetic.kval(8, 2, hidden(8, 2, seed)),
    synthetic.kval(4, 5, hidden(4, 5, seed)),
    synthetic.traps(8, 2, 4, hidden(8, 2, seed)),
    synthetic.traps(6, 3, 3, hidden(6, 3, seed)),
    synthetic.nk(9, 1, 2, seed),
    synthetic.nk(10, 4, 2, seed),
    synthetic.nk(7, 2, 3, seed),
    synthetic.nk(5, 3, 4, seed),
    synthetic.nk(3, 4, 2, seed),  # the neighbours go round the ring more than once
    synthetic.sphere(3, 11, hidden(3, 11, seed)),
    synthetic.ellipsoid(3, 11, hidden(3, 11, seed)),
    synthetic.layers(1, seed),
)]


def everything(problem):
    """`(n, n_variables)`: all codes, whatever inactive variables hold."""
    sizes = problem.space.sizes
    return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)


@pytest.mark.parametrize("problem", SMALL, ids=lambda problem: problem.name)
def test_the_optimum_stated_is_the_optimum(problem):
    codes = everything(problem)
    losses = problem.loss(codes)
    assert losses.min() == pytest.approx(problem.optimum, abs=1e-12)
    best = problem.space.masked(codes[losses < problem.optimum + 1e-12])
    assert np.unique(best, axis=0).tolist() == [problem.point.tolist()]  # and there is no other
    assert problem.loss(problem.point) == problem.optimum
    assert problem.space.contains(problem.space.decode(problem.point))


@pytest.mark.parametrize("problem", SMALL, ids=lambda problem: problem.name)
def test_losses_of_arrays_are_those_of_their_rows(problem):
    codes = everything(problem)[:24].reshape(2, -1, len(problem.space))
    assert problem.loss(codes).tolist() == [[float(problem.loss(row)) for row in rows] for rows in codes]


@pytest.mark.parametrize("name", SUITE)
def test_seeds_hide_the_optimum_and_repeat(name):
    problems = [SUITE[name](seed) for seed in range(10)]
    assert len({tuple(problem.point.tolist()) for problem in problems}) == 10
    again, rng = SUITE[name](3), np.random.default_rng(0)
    assert again.name == name
    codes = rng.integers(again.space.sizes, size=(500, len(again.space)))
    assert again.loss(codes).tolist() == problems[3].loss(codes).tolist()
    for problem in problems:
        assert problem.loss(problem.point) == problem.optimum
        assert (problem.loss(codes) > problem.optimum).all()


def test_the_first_functions_count_what_differs_from_the_target():
    codes = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 2]])
    target = np.zeros(3, dtype=np.int64)
    assert (3 * synthetic.onemax(3, 3, target).loss(codes)).tolist() == [0, 1, 1, 1]
    assert (3 * synthetic.leading_ones(3, 3, target).loss(codes)).tolist() == pytest.approx([0, 2, 3, 1])


def test_kval_numbers_the_points():
    problem = synthetic.kval(3, 4, np.array([0, 0, 0]))
    assert problem.loss(everything(problem)).tolist() == list(range(64))
    hiding = synthetic.kval(3, 4, np.array([2, 3, 1]))
    assert hiding.loss(np.array([[3, 3, 1], [2, 0, 1], [2, 3, 0]])).tolist() == [16, 4, 3]


def test_every_step_into_a_trap_but_the_last_is_punished():
    problem = synthetic.traps(4, 2, 4, np.array([1, 1, 1, 1]))
    steps = np.tril(np.ones((5, 4), dtype=np.int64), -1)
    assert problem.loss(steps).tolist() == [0.25, 0.5, 0.75, 1, 0]
    two = synthetic.traps(4, 3, 2, np.array([1, 1, 2, 2]))
    assert two.loss(np.array([[1, 1, 2, 0], [0, 2, 2, 2]])).tolist() == [0.5, 0.25]


def test_an_nk_landscape_is_a_sum_over_rings():
    contributions = np.random.default_rng(4).random((5, 27))
    loss = synthetic.nk(5, 2, 3, 4).loss
    for codes in itertools.islice(itertools.product(range(3), repeat=5), 0, None, 7):
        total = sum(contributions[i, 9 * codes[i] + 3 * codes[(i + 1) % 5] + codes[(i + 2) % 5]] for i in range(5))
        assert loss(np.array(codes)) == pytest.approx(-total / 5, abs=1e-12)


def test_a_large_nk_landscape_has_no_better_point():
    problem = SUITE["NK n=18 k=4"](13)
    assert problem.loss(everything(problem)).min() == pytest.approx(problem.optimum, abs=1e-12)


def test_an_ellipsoid_is_a_stretched_sphere():
    steps = np.eye(3, dtype=np.int64) * 2
    assert synthetic.sphere(3, 5, np.zeros(3)).loss(steps).tolist() == [4, 4, 4]
    assert synthetic.ellipsoid(3, 5, np.zeros(3)).loss(steps) == pytest.approx([4, 4e3, 4e6])


def test_layers_pay_for_what_is_active():
    problem = synthetic.layers(1, 0)

    def loss(**values):
        return problem.loss(problem.space.encode({f"{name}0": value for name, value in values.items()}))

    sizes = [loss(kind="pool", size=size) for size in range(11)]
    best = int(np.argmin(sizes))
    rates = [loss(kind="conv", size=best, gate=True, rate=rate / 20) for rate in range(21)]
    ungated = loss(kind="conv", size=best, gate=False)
    assert sorted([loss(kind="skip"), min(sizes), min(ungated, *rates)]) == pytest.approx([0, 0.1, 0.2])
    assert np.diff(sizes, 2) == pytest.approx(np.full(9, 2 / 100))
    assert np.diff(rates, 2) == pytest.approx(np.full(19, 2 / 400))
    assert abs(min(rates) - ungated) == pytest.approx(1)


def test_layers_are_independent_and_inactive_variables_neutral():
    problem = synthetic.layers(2, 0)
    sizes = problem.space.sizes
    a, b = np.random.default_rng(0).integers(sizes, size=(2, 300, len(sizes)))
    crossed = [np.concatenate([x[:, :4], y[:, 4:]], axis=1) for x, y in ((a, b), (b, a))]
    assert sum(map(problem.loss, crossed)) == pytest.approx(problem.loss(a) + problem.loss(b))
    assert problem.loss(a).tolist() == problem.loss(problem.space.masked(a)).tolist()


def test_sizes_that_make_no_problem_are_refused():
    with pytest.raises(ValueError, match=r"kval\(d=54, k=2\) has losses up to k\^d, which must be at most 2\^53"):
        synthetic.kval(54, 2, hidden(54, 2, 0))
    with pytest.raises(ValueError, match=r"traps\(d=7, block=3\): d must be a multiple of block"):
        synthetic.traps(7, 2, 3, hidden(7, 2, 0))
