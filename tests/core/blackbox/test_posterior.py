"""The model against the textbook's formulas."""

import numpy as np
import pytest
from scipy import stats

from asng_core.blackbox import posterior as module
from asng_core.blackbox.gaussian_process import (
    LENGTH_SCALES,
    length_scales,
    log_marginal_likelihood,
    near,
    squared_distances,
)
from asng_core.blackbox.kernel import Kernel
from asng_core.blackbox.pool import Pool
from asng_core.blackbox.posterior import CAPACITY, Posterior

D, P = 4, 6
VARIABLES = np.array([0, 1, 2, 2, 2, 3])  # of the features


def model(noises):
    return Posterior(Kernel(VARIABLES, D, LENGTH_SCALES, noises), P)


def filled(n, told=None, noises=(0.1,), seed=0):
    rng = np.random.default_rng(seed)
    surrogate, features = model(noises), rng.random((n, P))
    for i, row in enumerate(features):
        surrogate.add(i, row)
    for i in range(n) if told is None else told:
        surrogate.observe(i)
    return surrogate, features, rng


def covariance(surrogate, a, b):
    kernel = surrogate.kernel
    relevance = kernel.relevance[VARIABLES]
    return np.array([[np.exp(-np.sum(relevance * (x - y) ** 2) / (D * kernel.length_scale)) for y in b] for x in a])


def of_results(surrogate, features):
    """K: the covariance of the results."""
    return covariance(surrogate, features, features) + surrogate.kernel.noise * np.eye(len(features))


def held(surrogate):
    return surrogate._given[: surrogate.n]


def assert_factored(surrogate, features, atol=1e-10):
    full, n = of_results(surrogate, features), len(features)
    np.testing.assert_allclose(surrogate.factor[:n, :n] @ surrogate.factor[:n, :n].T, full, atol=atol)
    np.testing.assert_allclose(surrogate._whitener[:n, :n] @ full @ surrogate._whitener[:n, :n].T, np.eye(n), atol=atol)


def test_distances_are_squared_and_euclidean():
    rng = np.random.default_rng(0)
    a, b = rng.random((5, 3)), rng.random((4, 3))
    expected = [[np.sum((x - y) ** 2) for y in b] for x in a]
    np.testing.assert_allclose(squared_distances(a, b), expected, atol=1e-12)
    norms = np.square(a).sum(axis=1), np.square(b).sum(axis=1)
    np.testing.assert_allclose(squared_distances(a, b, *norms), expected, atol=1e-12)


def test_the_marginal_likelihood_is_that_of_the_best_amplitude_up_to_a_constant():
    rng = np.random.default_rng(0)
    features, targets = rng.random((12, P)), rng.standard_normal(12)
    differences = []
    for scale, noise in ((0.3, 0.05), (1.0, 0.5), (0.1, np.linspace(0.1, 0.9, 12))):
        k = np.exp(-squared_distances(features, features) / scale)
        full = k + np.diag(np.broadcast_to(noise, 12))
        amplitude = targets @ np.linalg.solve(full, targets) / 12
        log_likelihood = stats.multivariate_normal(np.zeros(12), amplitude * full).logpdf(targets)
        differences.append(log_marginal_likelihood(k, noise, targets) - log_likelihood)
    np.testing.assert_allclose(differences, differences[0], rtol=1e-8)


def test_the_finest_length_scale_parts_neighbouring_values_like_categories():
    for spacing in (0.5, 0.01, 0.002):
        scales = length_scales(spacing)
        assert np.diff(np.log2(scales)) == pytest.approx(1)
        assert scales[-len(LENGTH_SCALES):] == LENGTH_SCALES
        assert 0.5 < scales[0] / (spacing**2 * LENGTH_SCALES[0]) <= 1


def test_the_nearest_of_a_grid_and_those_beside_it():
    grid = (0.1, 0.2, 0.4, 0.8)
    assert near(0.21, grid) == (0.1, 0.2, 0.4)
    assert near(0.01, grid) == (0.1, 0.2)
    assert near(5, grid) == (0.4, 0.8)


def test_a_row_at_a_time_gives_the_factor_and_its_inverse():
    surrogate, features, _ = filled(60)
    assert_factored(surrogate, features)


def test_the_posterior_is_that_of_the_results_and_believed_where_pending():
    surrogate, features, rng = filled(20, told=range(15))
    surrogate._n_fitted = 20  # keep length scale and noise
    targets = rng.standard_normal(15)
    standardized = (targets - targets.mean()) / targets.std()
    surrogate.fit(targets)
    values = np.concatenate([standardized, surrogate._targets[15:20]])
    full, candidates = of_results(surrogate, features), rng.random((7, P))
    k = covariance(surrogate, candidates, features)
    beliefs = surrogate.beliefs()
    beliefs.extend(candidates)
    np.testing.assert_allclose(beliefs.bounds(0.0), k @ np.linalg.solve(full, values), rtol=1e-9)
    assert surrogate.amplitude == pytest.approx(values @ np.linalg.solve(full, values) / 20, rel=1e-12)
    # a pending point stands for the mean that was predicted for it when it was added
    surrogate.add(20, features[3] + 0.01)
    believed = covariance(surrogate, [features[3] + 0.01], features)[0] @ np.linalg.solve(full, values)
    assert surrogate._targets[20] == pytest.approx(believed)
    np.testing.assert_allclose(beliefs.bounds(0.0), k @ np.linalg.solve(full, values), rtol=1e-9)  # as believed


def test_length_scale_and_noise_are_the_likeliest_of_the_grid():
    rng = np.random.default_rng(1)
    features = rng.random((80, P))
    smooth = model((0.01, 0.1, 1.0))
    rough = model((0.01, 0.1, 1.0))
    for one, values in ((smooth, features.sum(axis=1)), (rough, rng.standard_normal(80))):
        for i, row in enumerate(features):
            one.add(i, row)
            one.observe(i)
        one.fit(values)
    assert smooth.kernel.length_scale > 1
    assert smooth.kernel.noise == 0.01
    assert rough.kernel.length_scale < smooth.kernel.length_scale or rough.kernel.noise == 1.0


def test_what_matters_gains_relevance_and_what_does_not_loses_it():
    rng = np.random.default_rng(0)
    surrogate = model((0.01,))
    features = rng.random((150, P))
    values = np.sin(8 * features[:, 0]) + features[:, 5]
    for i, row in enumerate(features):
        surrogate.add(i, row)
        surrogate.observe(i)
        surrogate.fit(values[: i + 1])
    relevance = surrogate.kernel.relevance
    assert relevance[0] > relevance[3] > max(relevance[1], relevance[2])
    # the scaled features are those of the present relevance
    np.testing.assert_allclose(surrogate._features[:150], features * np.sqrt(relevance)[VARIABLES])
    assert_factored(surrogate, features)


def test_a_full_model_keeps_the_best_and_the_newest():
    surrogate, features, rng = filled(CAPACITY)
    assert surrogate.full
    values = features.sum(axis=1)
    surrogate.fit(values)
    standardized = (values - values.mean()) / values.std()
    predicted = covariance(surrogate, features, features) @ np.linalg.solve(of_results(surrogate, features),
                                                                            standardized)
    surrogate.add(CAPACITY, rng.random(P))
    kept = set(surrogate.told.tolist())
    best = set(np.argsort(predicted)[: module._BEST].tolist())
    newest = set(range(CAPACITY - module._NEWEST, CAPACITY))
    assert kept == best | newest
    assert surrogate.n == len(kept) + 1
    assert_factored(surrogate, held(surrogate))


def test_results_of_points_that_are_not_in_are_reported():
    surrogate, *_ = filled(5, told=[0])
    assert surrogate.observe(3)
    assert not surrogate.observe(99)
    assert surrogate.told.tolist() == [0, 3]


def test_candidates_are_scored_by_mean_less_deviations_whatever_was_added_since():
    surrogate, features, rng = filled(30)
    values = features.sum(axis=1) + 0.1 * rng.standard_normal(30)
    surrogate.fit(values)
    pool, candidates = Pool(D, surrogate.beliefs()), rng.random((25, P))
    pool.extend(rng.random((20, D)), [bytes([i]) for i in range(20)], candidates[:20])
    surrogate.add(30, candidates[7] + 0.05)
    pool.extend(rng.random((5, D)), [bytes([i]) for i in range(20, 25)], candidates[20:])
    surrogate.add(31, candidates[2] + 0.05)
    surrogate.add(32, candidates[22] + 0.05)
    surrogate.fit(values)
    k = covariance(surrogate, candidates, held(surrogate))
    full = of_results(surrogate, held(surrogate))
    variance = 1 - np.einsum("ij,ji->i", k, np.linalg.solve(full, k.T))
    scores = k @ np.linalg.solve(full, surrogate._targets[:33]) - 2.0 * np.sqrt(variance * surrogate.amplitude)
    np.testing.assert_allclose(pool._beliefs.bounds(2.0), scores, atol=1e-10)
    assert [pool.take(2.0, again=False)[1] for _ in range(25)] == [bytes([i]) for i in np.argsort(scores)]
    assert not len(pool)


def test_a_pool_keeps_the_best_and_what_may_be_asked_again():
    surrogate, features, rng = filled(10)
    surrogate.fit(features.sum(axis=1))
    pool = Pool(D, surrogate.beliefs())
    keys = [i.to_bytes(2, "big") for i in range(100)]
    pool.extend(rng.random((100, D)), keys, rng.random((100, P)))
    first = pool.take(2.0, again=True)[1]
    assert len(pool) == 60
    assert pool.take(2.0, again=True)[1] == first
    pool.discard(first)
    pool.discard(b"not in")
    assert len(pool) == 59
    assert pool.take(2.0, again=True)[1] != first


def test_a_new_fit_reaches_candidates_of_before():
    surrogate, features, rng = filled(10)
    surrogate.fit(features.sum(axis=1))
    beliefs, candidates = surrogate.beliefs(), rng.random((8, P))
    beliefs.extend(candidates)
    for i in range(10, 30):
        surrogate.add(i, rng.random(P))
        surrogate.observe(i)
    surrogate.fit(held(surrogate)[:, 0])  # refits
    fresh = surrogate.beliefs()
    fresh.extend(candidates)
    np.testing.assert_allclose(beliefs.bounds(2.0), fresh.bounds(2.0), atol=1e-12)
    k = covariance(surrogate, candidates, held(surrogate))
    variance = 1 - np.einsum("ij,ji->i", k, np.linalg.solve(of_results(surrogate, held(surrogate)), k.T))
    np.testing.assert_allclose(beliefs._variances, variance, atol=1e-10)


def test_the_factor_outlasts_points_that_all_but_coincide():
    """A continuum settled to a thousandth of its range: each row a hundred times its noise from the last."""
    rng = np.random.default_rng(0)
    surrogate = Posterior(Kernel(np.arange(2), 2, (3.2,), (1e-4,)), 2)
    surrogate.kernel.length_scale = 3.2
    points = 0.5 + 1e-3 * rng.standard_normal((CAPACITY, 2))
    for i, row in enumerate(points):
        surrogate.add(i, row)
    k = np.exp(-squared_distances(points, points) / (2 * 3.2)) + 1e-4 * np.eye(CAPACITY)
    whitener = surrogate._whitener
    np.testing.assert_allclose(whitener @ k @ whitener.T, np.eye(CAPACITY), atol=1e-8)
