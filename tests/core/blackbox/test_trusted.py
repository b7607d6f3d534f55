"""The evidence under noise, against the textbook's formulas."""

import itertools

import numpy as np
import pytest

from asng_core import Boolean, Minimizer, Real, Space
from asng_core.blackbox import trusted
from asng_core.blackbox.history import History
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution


def noisy_results(n, seed=0):
    space, rng = Space.categorical([3] * 4), np.random.default_rng(seed)
    history = History(space)
    for i in range(n):
        codes = rng.integers(0, 3, 4) % (3 if i % 3 else 2)
        history.append(i, codes, float(codes.sum()) + rng.standard_normal(), 0.0)
    distribution = SearchDistribution(space)
    return space, history, distribution, Geometry(distribution).features


def test_the_posterior_is_that_of_the_mean_ranks_each_as_noisy_as_its_evaluations_are_few(monkeypatch):
    _, history, distribution, features = noisy_results(60)
    monkeypatch.setattr(trusted, "_SCALES", (0.4,))
    monkeypatch.setattr(trusted, "_NOISES", (0.3,))
    codes, means, deviations = trusted.evidence(history, distribution, features)
    ranks = np.argsort(np.argsort(history.losses)).astype(float)
    ranks = (ranks - ranks.mean()) / ranks.std()
    rows = [np.flatnonzero((history.codes == point).all(axis=1)) for point in codes]
    assert sorted(itertools.chain(*(each.tolist() for each in rows))) == list(range(60))
    observed, count = np.array([ranks[each].mean() for each in rows]), np.array([len(each) for each in rows])
    assert count.max() > 1
    k = np.array([[np.exp(-(a != b).sum() / 4 / 0.4) for b in codes] for a in codes])
    inverse = np.linalg.inv(k + np.diag(0.3 / count))
    np.testing.assert_allclose(means, k @ inverse @ observed, rtol=1e-8)
    amplitude = observed @ inverse @ observed / len(codes)
    np.testing.assert_allclose(deviations**2, (1 - np.diag(k @ inverse @ k)) * amplitude, rtol=1e-6)


def test_finalists_are_the_points_that_may_be_the_best_and_chosen_anew_as_evidence_grows():
    _, history, distribution, features = noisy_results(80)
    finalists = trusted.Finalists()
    first = finalists.draws(history, distribution, features)
    codes, means, deviations = trusted.evidence(history, distribution, features)
    expected = codes[np.argsort(means - deviations)[:10]]
    assert {tuple(row) for row in first} == {tuple(row) for row in expected.tolist()}
    for i in range(80, 119):
        history.append(i, np.full(4, 2), -50.0, 0.0)
    assert finalists.draws(history, distribution, features) is first
    history.append(119, np.full(4, 2), -50.0, 0.0)  # half as many again
    assert (finalists.draws(history, distribution, features) == 2).all(axis=1).any()


@pytest.mark.parametrize("batch", [1, 7])
def test_after_screening_half_of_what_is_asked_are_finalists(batch):
    rng = np.random.default_rng(0)
    optimizer = Minimizer(Space.binary(40), seed=0, noisy=True)
    while len(optimizer.history) < 150:
        points = optimizer.ask(batch)
        optimizer.tell(points, points.codes.sum(axis=1) + rng.standard_normal(len(points)) if batch > 1
                       else [float(points.codes.sum()) + rng.standard_normal()])
    points = np.concatenate([optimizer.ask(batch).codes for _ in range(210 // batch)])
    chosen = {row.tobytes() for row in optimizer._parts.policy._finalists._draws.astype(np.int64)}
    share = np.mean([row.tobytes() in chosen for row in points])
    assert 0.38 < share < 0.62


def test_repeats_of_a_point_with_an_inactive_real_are_one_point():
    space = Space({"on": Boolean(), "x": Real(0, 1)}, active_if={"x": {"on": [True]}})
    history, distribution = History(space), SearchDistribution(space)
    for i, loss in enumerate([3.0, 1.0, 2.0, 2.0, 0.0]):
        history.append(i, np.array([0.0, np.nan]) if i < 3 else np.array([1.0, i / 10]), loss, 0.0)
    codes, means, _ = trusted.evidence(history, distribution, Geometry(distribution).features)
    assert len(codes) == len(means) == 3
    assert np.isnan(codes[:, 1]).sum() == 1
