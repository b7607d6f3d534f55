"""The model against the textbook's formulas."""

import numpy as np
import pytest
from scipy import stats

from asng_core.blackbox import surrogate as module
from asng_core.blackbox.gaussian_process import LENGTH_SCALES, length_scales, misfit, near, squared_distances
from asng_core.blackbox.pool import Pool
from asng_core.blackbox.surrogate import CAPACITY, Surrogate

D, P = 4, 6
VARIABLES = np.array([0, 1, 2, 2, 2, 3])  # of the features


def filled(n, told=None, noises=(0.1,), seed=0):
    rng = np.random.default_rng(seed)
    surrogate, features = Surrogate(VARIABLES, D, LENGTH_SCALES, noises), rng.random((n, P))
    for i, row in enumerate(features):
        surrogate.add(i, row)
    for i in range(n) if told is None else told:
        surrogate.observe(i)
    return surrogate, features, rng


def covariance(surrogate, a, b):
    relevance = surrogate._relevance[VARIABLES]
    return np.array([[np.exp(-np.sum(relevance * (x - y) ** 2) / (D * surrogate.length_scale)) for y in b] for x in a])


def test_distances_are_squared_and_euclidean():
    rng = np.random.default_rng(0)
    a, b = rng.random((5, 3)), rng.random((4, 3))
    expected = [[np.sum((x - y) ** 2) for y in b] for x in a]
    np.testing.assert_allclose(squared_distances(a, b), expected, atol=1e-12)
    np.testing.assert_allclose(squared_distances(a, b, np.square(b).sum(axis=1)), expected, atol=1e-12)


def test_the_misfit_is_minus_twice_the_log_likelihood_up_to_a_constant():
    rng = np.random.default_rng(0)
    features, targets = rng.random((12, P)), rng.standard_normal(12)
    differences = []
    for scale, noise in ((0.3, 0.05), (1.0, 0.5), (0.1, np.linspace(0.1, 0.9, 12))):
        k = np.exp(-squared_distances(features, features) / scale)
        full = k + np.diag(np.broadcast_to(noise, 12))
        amplitude = targets @ np.linalg.solve(full, targets) / 12
        log_likelihood = stats.multivariate_normal(np.zeros(12), amplitude * full).logpdf(targets)
        differences.append(misfit(k, noise, targets) + 2 * log_likelihood)
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


def test_a_row_at_a_time_gives_the_inverse_covariance():
    surrogate, features, _ = filled(60)
    full = covariance(surrogate, features, features) + surrogate.noise * np.eye(60)
    np.testing.assert_allclose(surrogate.inverse @ full, np.eye(60), atol=1e-8)


def test_the_posterior_mean_is_that_of_the_results_and_believed_where_pending():
    surrogate, features, rng = filled(20, told=range(15))
    surrogate._n_fitted = 20  # keep length scale and noise
    targets = rng.standard_normal(15)
    standardized = (targets - targets.mean()) / targets.std()
    surrogate.fit(targets)
    values = np.concatenate([standardized, surrogate._targets[15:20]])
    full = covariance(surrogate, features, features) + surrogate.noise * np.eye(20)
    np.testing.assert_allclose(surrogate.coefficients, np.linalg.solve(full, values), rtol=1e-6)
    assert surrogate.amplitude == pytest.approx(values @ np.linalg.solve(full, values) / 20)
    # a pending point stands for the mean that was predicted for it when it was added
    surrogate.add(20, features[3] + 0.01)
    believed = covariance(surrogate, [features[3] + 0.01], features)[0] @ np.linalg.solve(full, values)
    assert surrogate._targets[20] == pytest.approx(believed)


def test_length_scale_and_noise_are_the_likeliest_of_the_grid():
    rng = np.random.default_rng(1)
    features = rng.random((80, P))
    smooth = Surrogate(VARIABLES, D, LENGTH_SCALES, (0.01, 0.1, 1.0))
    rough = Surrogate(VARIABLES, D, LENGTH_SCALES, (0.01, 0.1, 1.0))
    for one, values in ((smooth, features.sum(axis=1)), (rough, rng.standard_normal(80))):
        for i, row in enumerate(features):
            one.add(i, row)
            one.observe(i)
        one.fit(values)
    assert smooth.length_scale > 1
    assert smooth.noise == 0.01
    assert rough.length_scale < smooth.length_scale or rough.noise == 1.0


def test_what_matters_gains_relevance_and_what_does_not_loses_it():
    rng = np.random.default_rng(0)
    surrogate = Surrogate(VARIABLES, D, LENGTH_SCALES, (0.01,))
    features = rng.random((150, P))
    values = np.sin(8 * features[:, 0]) + features[:, 5]
    for i, row in enumerate(features):
        surrogate.add(i, row)
        surrogate.observe(i)
        surrogate.fit(values[: i + 1])
    relevance = surrogate._relevance
    assert relevance[0] > relevance[3] > max(relevance[1], relevance[2])
    # the scaled features are those of the present relevance
    np.testing.assert_allclose(surrogate._features[:150], features * np.sqrt(relevance)[VARIABLES])
    full = covariance(surrogate, features, features) + surrogate.noise * np.eye(150)
    np.testing.assert_allclose(surrogate.inverse @ full, np.eye(150), atol=1e-6)


def test_a_full_model_keeps_the_best_and_the_newest(monkeypatch):
    surrogate, features, _ = filled(CAPACITY)
    assert surrogate.full
    values = features.sum(axis=1)
    surrogate.fit(values)
    predicted = covariance(surrogate, features, features) @ surrogate.coefficients
    surrogate.shrink()
    kept = set(surrogate.told.tolist())
    best = set(np.argsort(predicted)[: module._BEST].tolist())
    newest = set(range(CAPACITY - module._NEWEST, CAPACITY))
    assert kept == best | newest
    full = covariance(surrogate, *[surrogate._given[: surrogate.n]] * 2) + surrogate.noise * np.eye(surrogate.n)
    np.testing.assert_allclose(surrogate.inverse @ full, np.eye(surrogate.n), atol=1e-8)


def test_results_of_points_that_are_not_in_are_reported():
    surrogate, *_ = filled(5, told=[0])
    assert surrogate.observe(3)
    assert not surrogate.observe(99)
    assert surrogate.told.tolist() == [0, 3]


def test_candidates_are_scored_by_mean_less_deviations_whatever_was_added_since():
    surrogate, features, rng = filled(30)
    values = features.sum(axis=1) + 0.1 * rng.standard_normal(30)
    surrogate.fit(values)
    pool, candidates = Pool(D, P), rng.random((25, P))
    pool.extend(rng.random((20, D)), [bytes([i]) for i in range(20)], candidates[:20], surrogate)
    pool.condition(surrogate, surrogate.add(30, candidates[7] + 0.05))
    pool.extend(rng.random((5, D)), [bytes([i]) for i in range(20, 25)], candidates[20:], surrogate)
    surrogate.fit(values)
    points = surrogate._given[: surrogate.n]
    k = covariance(surrogate, candidates, points)
    full = covariance(surrogate, points, points) + surrogate.noise * np.eye(len(points))
    variance = 1 - np.einsum("ij,ji->i", k, np.linalg.solve(full, k.T))
    np.testing.assert_allclose(pool._variances, variance, atol=1e-8)
    scores = k @ surrogate.coefficients - 2.0 * np.sqrt(variance * surrogate.amplitude)
    order = np.argsort(scores)
    assert [pool.take(surrogate, 2.0, again=False)[1] for _ in range(25)] == [
        bytes([i]) for i in order]
    assert not len(pool)


def test_a_pool_keeps_the_best_and_what_may_be_asked_again():
    surrogate, features, rng = filled(10)
    surrogate.fit(features.sum(axis=1))
    pool = Pool(D, P)
    keys = [i.to_bytes(2, "big") for i in range(100)]
    pool.extend(rng.random((100, D)), keys, rng.random((100, P)), surrogate)
    first = pool.take(surrogate, 2.0, again=True)[1]
    assert len(pool) == 60
    assert pool.take(surrogate, 2.0, again=True)[1] == first
    pool.discard(first)
    pool.discard(b"not in")
    assert len(pool) == 59
    assert pool.take(surrogate, 2.0, again=True)[1] != first


def test_a_new_fit_reaches_candidates_of_before():
    surrogate, features, rng = filled(10)
    surrogate.fit(features.sum(axis=1))
    pool = Pool(D, P)
    candidates = rng.random((8, P))
    pool.extend(rng.random((8, D)), [bytes([i]) for i in range(8)], candidates, surrogate)
    for i in range(10, 30):
        row = rng.random(P)
        pool.condition(surrogate, surrogate.add(i, row))
        surrogate.observe(i)
        features = np.vstack([features, row])
    surrogate.fit(features[:, 0])  # refits
    pool.extend(np.empty((0, D)), [], np.empty((0, P)), surrogate)
    k = covariance(surrogate, candidates, features)
    full = covariance(surrogate, features, features) + surrogate.noise * np.eye(30)
    np.testing.assert_allclose(pool._variances, 1 - np.einsum("ij,ji->i", k, np.linalg.solve(full, k.T)), atol=1e-8)
