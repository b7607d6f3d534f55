"""The model under noise, against the textbook's formulas."""

import math
import tracemalloc
from statistics import NormalDist

import cases
import numpy as np
import pytest

from asng_core import Boolean, Categorical, Integer, Minimizer, Real, Space
from asng_core.blackbox import sparse
from asng_core.blackbox.effects import Effects
from asng_core.blackbox.evidence import BASIS, Gatherer, distinct
from asng_core.blackbox.gaussian_process import squared_distances
from asng_core.blackbox.history import History
from asng_core.blackbox.sparse import Kernel, SparsePosterior
from asng_core.blackbox.warping import OFFSETS, warped
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution

MIXED = Space({"a": Categorical([*"abc"]), "n": Integer(0, 10), "b": Boolean(), "x": Real(0, 1),
               "big": Integer(0, 999)})


def results(n, space=MIXED, seed=0):
    rng = np.random.default_rng(seed)
    geometry, history = Geometry(SearchDistribution(space)), History(space)
    codes = cases.random_codes(space, rng, n)
    codes[n // 2 :] = codes[: n - n // 2]  # repeats
    for i, row in enumerate(codes):
        history.append(i, row, float(row[1]) + rng.standard_normal(), 0.0)
    return geometry, history, Gatherer(geometry, history, rng)


def test_with_every_point_in_the_basis_the_posterior_is_that_of_all_results():
    _, _, gatherer = results(40)
    kernel = Kernel(0.4, 0.3)
    found = gatherer.gathered(kernel)
    _, targets, _ = gatherer.targets()[0]
    x = gatherer.features()
    k = np.array([[np.exp(-((a - b) ** 2).sum() / (0.4 * len(MIXED))) for b in x] for a in x])
    inverse = np.linalg.inv(k + 0.3 * np.eye(len(x)))
    amplitude = targets @ inverse @ targets / len(x)
    means, deviations, _ = found.posterior.beliefs(x)
    np.testing.assert_allclose(means, k @ inverse @ targets, atol=1e-4)
    np.testing.assert_allclose(deviations**2, amplitude * (1 - np.diag(k @ inverse @ k)), atol=1e-4)
    np.testing.assert_allclose(found.means, means[found.rows], atol=1e-12)


def test_many_results_almost_without_noise_are_no_trouble():
    rng = np.random.default_rng(0)
    x = np.where(rng.random((5_000, 16)) < 0.8, 0.5, -0.5)
    every = np.unique(x, axis=0, return_index=True)[1]
    targets = x.sum(axis=1) - x.sum(axis=1).mean()
    for rows in (every[:BASIS], rng.permutation(every)[:BASIS]):  # of the first the rounding of C'C is beyond s K
        cross = np.exp(squared_distances(x, x[rows]) / -(16 * 6.4))
        small, large = sparse._likelihoods(cross, rows, (1e-4, 1e-2), targets[:, None])
        assert np.isfinite([small, large]).all()
        posterior = SparsePosterior(x, targets, rows, Kernel(6.4, 1e-4), 16)
        assert np.isfinite(posterior.beliefs(x)).all()
    assert small[0] > large[0]  # there is no noise
    np.testing.assert_allclose(posterior.means(x), targets, atol=0.01)


def test_functions_drawn_have_the_posteriors_mean_and_covariance():
    _, _, gatherer = results(30)
    posterior = gatherer.gathered(Kernel(0.8, 0.3)).posterior
    means, deviations, own = posterior.beliefs(gatherer.features()[:6])
    values = posterior.sampled(20_000, np.random.default_rng(0)) @ posterior._covariances(gatherer.features()[:6]).T
    np.testing.assert_allclose(values.mean(axis=0), means, atol=0.03)
    np.testing.assert_allclose(values.var(axis=0) + own**2, deviations**2, rtol=0.05)


def test_the_likelihood_is_the_normal_density_of_the_targets():
    rng = np.random.default_rng(0)
    features, targets = rng.standard_normal((25, 3)), rng.standard_normal((25, 2))
    rows, noises = np.arange(25), (0.1, 1.0)
    cross = np.exp(-((features[:, None] - features) ** 2).sum(axis=2) / 2)
    found = np.array(sparse._likelihoods(cross.copy(), rows, noises, targets))
    for noise, each in zip(noises, found, strict=True):
        covariance = cross + noise * np.eye(25)
        for t, likelihood in zip(targets.T, each, strict=True):
            amplitude = t @ np.linalg.solve(covariance, t) / 25
            assert likelihood == pytest.approx(-0.5 * (25 * math.log(amplitude) + np.linalg.slogdet(covariance)[1]),
                                               abs=1e-3)


def test_warps_pay_for_their_stretching_and_lead_back():
    rng = np.random.default_rng(0)
    losses = rng.lognormal(size=200)
    found = warped(losses, np.ones(200, dtype=bool))
    assert len(found) == len(OFFSETS)
    h = 1e-6
    for warp, targets, gain in found:
        assert (targets.mean(), targets.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))
        np.testing.assert_allclose(warp.losses(targets), losses, rtol=1e-6)
        slopes = (warp.raw(losses + h) - warp.raw(losses - h)) / (2 * h) / warp.deviation * warp.unit
        assert gain == pytest.approx(np.log(slopes[losses > warp.low + h]).sum(), abs=10)
    # the logarithm of what is log-normal is normal: its density is the higher by far
    scores = [gain + sum(map(math.log, map(NormalDist().pdf, targets))) for _, targets, gain in found]
    assert int(np.argmax(scores)) != 0


@pytest.mark.parametrize("losses", [[1.0, 1.0, 1.0], [math.nan] * 3, [math.inf, -math.inf, 0.0],
                                    [-1.7e308, 0.0, 1.7e308], [5e-324, 0.0, 1e-320], [0.0, 0.0, 1.0]])
def test_targets_of_any_losses_are_finite_and_in_order(losses):
    losses = np.array(losses)
    for _, targets, gain in warped(losses, ~np.isnan(losses)):
        assert np.isfinite([*targets, gain]).all()
        known = np.flatnonzero(~np.isnan(losses))
        assert (np.diff(targets[known][np.argsort(losses[known])]) >= 0).all()


def test_an_ordered_variables_values_are_as_far_apart_as_along_its_range():
    geometry = Geometry(SearchDistribution(MIXED))
    effects = Effects(geometry, ramps=5)
    codes = np.repeat(np.array([[0, 0, 0, 0.0, 0]]), 11, axis=0)
    codes[:, 1] = np.arange(11)
    x = effects(geometry.distribution.draws(codes))
    distances = ((x[:, None] - x) ** 2).sum(axis=2)
    steps = np.abs(np.arange(11)[:, None] - np.arange(11)) / 10
    assert (distances <= steps + 1e-12).all()
    np.testing.assert_allclose(distances[::2, ::2], steps[::2, ::2], atol=1e-12)  # ends of ramps
    assert np.bincount(effects.variables).tolist() == [3, 5, 1, 5, 5]


def test_a_category_needs_no_table_of_all_features_of_all_values():
    geometry = Geometry(SearchDistribution(Space({"a": Categorical(range(7)), "b": Categorical([*"xyz"])})))
    effects = Effects(geometry)
    basis = effects(geometry.anywhere(5, np.random.default_rng(0)))[:, effects._own[0]]
    np.testing.assert_array_equal(effects._of_categories(0, basis),
                                  squared_distances(effects._alone(0, np.arange(7.0)), basis))
    tracemalloc.start()
    try:
        optimizer = Minimizer(Space.categorical([10_000, 2]), seed=1, noisy=True)
        for _ in range(4):
            optimizer.tell(optimizer.ask(8), range(8))
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20  # the table has 800 MB
    finally:
        tracemalloc.stop()


def test_descent_ends_where_no_variable_alone_makes_it_less():
    _, _, gatherer = results(60)
    posterior, rng = gatherer.gathered(Kernel(0.8, 0.3)).posterior, np.random.default_rng(1)
    starts = gatherer._geometry.anywhere(8, rng)
    weights = np.repeat(posterior.weights[None], 8, axis=0)
    ended = starts
    for _ in range(8):
        ended = gatherer.effects.descended(ended, posterior.basis, weights, posterior.reach, rng)
    values = posterior.means(gatherer.effects(ended))
    assert (values <= posterior.means(gatherer.effects(starts)) + 1e-12).all()
    for i, k in ((0, 3), (1, 11), (2, 2)):
        for value in range(k):
            other = ended.copy()
            other[:, i] = value
            assert (posterior.means(gatherer.effects(other)) >= values - 1e-9).all()


def test_descent_knows_what_is_active():
    space = Space({"op": Categorical([*"abc"]), "k": Integer(0, 6), "x": Real(0, 1), "deep": Categorical([*"uvw"])},
                  active_if={"k": {"op": ["b"]}, "x": {"op": ["b", "c"]}, "deep": {"k": [4, 5, 6]}})
    rng = np.random.default_rng(0)
    geometry, history = Geometry(SearchDistribution(space)), History(space)
    for i, row in enumerate(cases.random_codes(space, rng, 60)):
        op, k, _, deep = row
        history.append(i, row, 0.0 if op != 1 else -1.0 - k - (deep if k >= 4 else 0.0), 0.0)
    gatherer = Gatherer(geometry, history, rng)
    posterior = gatherer.gathered(Kernel(0.8, 0.1)).posterior
    ended = starts = geometry.anywhere(40, rng)
    weights = np.repeat(posterior.weights[None], 40, axis=0)
    for _ in range(6):
        ended = gatherer.effects.descended(ended, posterior.basis, weights, posterior.reach, rng)
    values = posterior.means(gatherer.effects(ended))
    assert (values <= posterior.means(gatherer.effects(starts)) + 1e-12).all()
    for i, k in enumerate(space.sizes):
        for value in range(k):
            other = ended.copy()
            other[:, i] = value
            assert (posterior.means(gatherer.effects(other)) >= values - 1e-9).all()
    best = space.values(geometry.distribution.codes(ended[np.argmin(values)][None]))[0]
    assert (best["op"], best["k"], best["deep"]) == ("b", 6, "w")


def test_repeats_of_a_point_with_an_inactive_real_are_one_point():
    codes = np.array([[0.0, np.nan], [0.0, np.nan], [1.0, 0.5], [0.0, np.nan], [1.0, 0.25]])
    first, point = distinct(codes)
    assert first.tolist() == [0, 2, 4]
    assert point.tolist() == [0, 0, 1, 0, 2]


def test_the_basis_holds_the_best_and_some_of_all():
    _, history, gatherer = results(2 * (BASIS + 100))
    _, targets, _ = gatherer.targets()[0]
    rows, first, _ = gatherer._basis(targets)
    assert (len(rows), len(np.unique(rows)), len(first)) == (BASIS, BASIS, BASIS + 100)
    mean = np.array([targets[(history.codes == history.codes[row]).all(axis=1)].sum() / 3 for row in first])
    assert set(first[np.argsort(mean)[: BASIS // 2]]) <= set(rows)
    assert first[np.argmax(mean)] in rows


def test_a_basis_of_some_points_says_about_what_all_of_them_say():
    rng = np.random.default_rng(0)
    x = rng.random((300, 3))
    targets = np.sin(3 * x).sum(axis=1) + 0.3 * rng.standard_normal(300)
    targets -= targets.mean()
    every, some = (SparsePosterior(x, targets, rows, Kernel(0.4, 0.1), 3) for rows in (np.arange(300), np.arange(60)))
    assert np.corrcoef(every.means(x), some.means(x))[0, 1] > 0.999


def test_what_is_out_is_not_proposed_by_its_bound_again():
    optimizer, rng = Minimizer(Space.categorical([4] * 6), seed=0, noisy=True), np.random.default_rng(0)
    for _ in range(30):
        point = optimizer.ask()
        optimizer.tell(point, float(point.codes.sum()) + 0.1 * rng.standard_normal())
    points = optimizer.ask(30).codes
    assert len({row.tobytes() for row in points}) > 12


def test_the_estimate_is_of_the_true_loss_at_the_recommended_point():
    errors = []
    for seed in range(6):
        optimizer, rng = Minimizer(Space.categorical([3] * 8), seed=seed, noisy=True), np.random.default_rng(seed)
        with pytest.raises(RuntimeError, match="needs results"):
            optimizer.estimate()
        for _ in range(120):
            point = optimizer.ask()
            optimizer.tell(point, 100 + float(point.codes.sum()) + rng.standard_normal())
        found = optimizer.estimate()
        assert found.values == optimizer.recommend()
        codes = optimizer.space.encode(found.values)
        assert found.n_evaluations == (optimizer.history.codes == codes).all(axis=1).sum() >= 1
        assert 0 < found.deviation < 1
        errors.append((found.mean - 100 - codes.sum()) / found.deviation)
    assert np.abs(errors).mean() < 2
    with pytest.raises(RuntimeError, match=r"needs Minimizer\(noisy=True\)"):
        Minimizer(Space.binary(3)).estimate()


def test_points_asked_together_are_proposed_together(monkeypatch):
    optimizer, rng = Minimizer(Space.binary(20), seed=0, noisy=True), np.random.default_rng(0)
    points = optimizer.ask(12)
    optimizer.tell(points, points.codes.sum(axis=1) + rng.standard_normal(12))
    policy, calls = optimizer._parts.policy, []
    chosen = policy._chosen
    monkeypatch.setattr(policy, "_chosen", lambda q, pinned: calls.append(q) or chosen(q, pinned))
    assert len(optimizer.ask(300)) == 300
    assert calls == [200, 100]


def test_of_nothing_and_of_one_result_no_certainty_is_claimed():
    def told(*losses):
        optimizer = Minimizer(Space({"n": Integer(1, 20)}), seed=0, noisy=True)
        for loss in losses:
            optimizer.tell(optimizer.ask(), loss)
        return optimizer

    for failed in ((math.nan, math.nan), (math.inf, math.inf)):
        with pytest.raises(RuntimeError, match="needs results"):
            told(*failed).estimate()
    for losses in ((5.0,), (math.nan, 5.0, math.nan)):
        estimate = told(*losses).estimate()
        assert estimate.mean == 5.0
        assert math.isnan(estimate.deviation)
    assert told(5.0, 5.0).estimate().deviation == 0.0
    assert math.isfinite(told(1e308, -1e308, 1e308, 5.0).estimate().deviation)
