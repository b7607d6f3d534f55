"""The minimum of a quadratic through good points."""

import numpy as np
import pytest

from asng_core import Categorical, Integer, Minimizer, Real, Space, minimize
from asng_core.blackbox.history import History
from asng_core.blackbox.quadratic import newton, proposals
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution

SPACE = Space({"a": Real(-5, 5), "lr": Real(1e-4, 1, log=True), "n": Integer(0, 7), "c": Categorical(list("xyz"))})


def bowl(k, seed):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((k, k))
    return rng.standard_normal(k) / 4, root @ root.T + 0.1 * np.eye(k)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_quadratic_is_solved_in_one_step(k):
    middle, curvature = bowl(k, k)
    offsets = np.random.default_rng(0).uniform(-1, 1, (4 * k * k + 8, k))
    losses = np.einsum("ni,ij,nj->n", offsets - middle, curvature, offsets - middle)
    np.testing.assert_allclose(newton(offsets, losses), middle, atol=1e-8)


def test_steps_are_short_and_lead_down_where_there_is_no_minimum():
    offsets = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    assert newton(offsets, offsets @ [1.0, 0.0])[0] == pytest.approx(-2.0)
    saddle = newton(offsets, (offsets[:, 0] - 1) ** 2 - (offsets[:, 1] - 0.5) ** 2)
    np.testing.assert_allclose(saddle, [1.0, -0.5], atol=1e-8)
    assert (newton(offsets, np.zeros(30)) == 0).all()


def told(space, rows, losses, violations=None):
    history = History(space)
    violations = violations or [0.0] * len(rows)
    for number, (row, loss, violation) in enumerate(zip(rows, losses, violations, strict=True)):
        history.append(number, np.array(row, dtype=space.dtype), loss, violation)
    geometry = Geometry(SearchDistribution(space))
    return proposals(history, int(np.nanargmin(losses)), geometry, np.random.default_rng(0)), geometry


def rows(n, number=3.0):
    rng = np.random.default_rng(1)
    return [[a, np.exp(b), number, 1] for a, b in zip(rng.uniform(0, 1, n), rng.uniform(-4, -3, n), strict=True)]


def bowl_loss(row):
    return (row[0] - 0.4) ** 2 + 0.2 * (np.log(row[1]) + 3.3) ** 2 + 0.1 * (row[0] - 0.4) * (np.log(row[1]) + 3.3)


def test_the_reals_are_settled_along_their_own_scales_and_the_rest_is_the_best_point_s():
    points = [*rows(12), *([0.0, 1.0, 5, 1] for _ in range(5))]  # the last ones differ in an integer
    draws, geometry = told(SPACE, points, [*map(bowl_loss, points[:12]), *range(100, 105)])
    codes = geometry.distribution.codes(draws)
    np.testing.assert_allclose(codes[0], [0.4, np.exp(-3.3), 3, 1], rtol=1e-6)
    assert (codes[:, 2:] == [3, 1]).all()
    assert len(np.unique(codes, axis=0)) == 3


@pytest.mark.parametrize("losses", [
    lambda points: [*map(bowl_loss, points[:6]), *[np.inf] * 6],
    lambda points: [*map(bowl_loss, points[:6]), *[np.nan] * 6],
    lambda points: [-1e308, *[1e308] * 11],
    lambda points: [1.0] * 12])
def test_without_enough_finite_losses_there_is_no_proposal(losses):
    draws, _ = told(SPACE, rows(12), losses(rows(12)))
    assert draws.shape == (0, 4)


def test_infeasible_points_and_several_objectives_are_left_out():
    points = rows(12)
    losses = [bowl_loss(row) for row in points]
    assert not len(told(SPACE, points, losses, violations=[0.0] * 6 + [1.0] * 6)[0])
    history = History(SPACE)
    for number, row in enumerate(points):
        history.append(number, np.array(row), (1.0, 2.0), 0.0)
    assert not len(proposals(history, 0, Geometry(SearchDistribution(SPACE)), np.random.default_rng(0)))


def test_inactive_reals_are_no_part_of_it():
    space = Space({"a": Real(0, 1), "b": Real(0, 1), "c": Categorical(["on", "off"])}, active_if={"b": {"c": ["on"]}})
    points = [[a, np.nan, 1] for a in (0.1, 0.2, 0.5, 0.7)]
    draws, geometry = told(space, points, [(row[0] - 0.3) ** 2 for row in points])
    assert geometry.distribution.codes(draws)[0, 0] == pytest.approx(0.3)


def test_a_valley_that_no_axis_follows_is_descended():
    space = Space({"a": Real(-5, 5), "b": Real(-5, 5), "n": Integer(0, 7)})

    def loss(values):
        a, b = values["a"] - 1.234, values["b"] + 0.77
        return (a + b) ** 2 + 100 * (a - b) ** 2 + (values["n"] - 3) ** 2
    assert minimize(loss, space, budget=150, seed=0).loss < 1e-12


def test_a_run_with_quadratics_resumes_to_the_bit(tmp_path):
    def drive(optimizer, n):
        for _ in range(n):
            point = optimizer.ask()
            optimizer.tell(point, bowl_loss(point.codes))
        return optimizer
    optimizer = drive(Minimizer(SPACE, seed=0), 60)
    optimizer.save(tmp_path / "run")
    again = drive(Minimizer.load(tmp_path / "run", space=SPACE), 30)
    assert drive(optimizer, 30).history.losses.tolist() == again.history.losses.tolist()
