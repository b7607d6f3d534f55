"""What every kind of surrogate owes the screening; a new kind is a row of `cases.MODELS`."""

import cases
import numpy as np
import oracles
import pytest

from asng_core import Minimizer, Space
from asng_core.blackbox.noise_free import NoiseFree
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution

SPACE = Space.categorical([3] * 6)


@pytest.fixture(params=cases.MODELS)
def surrogate(request):
    return cases.MODELS[request.param].surrogate(Geometry(SearchDistribution(SPACE)), noisy=False)


def points(n, seed=0):
    distribution = SearchDistribution(SPACE)
    draws = distribution.sample(n, np.random.default_rng(seed))
    return Geometry(distribution).features(draws), draws.sum(axis=1)


def fill(surrogate, n, seed=0):
    features, values = points(n, seed)
    for i, row in enumerate(features):
        surrogate.add(i, row)
        assert surrogate.observe(i)
    surrogate.fit(values)
    return features, values


def test_results_are_known_once_observed_in_order(surrogate):
    features, values = points(5)
    for i, row in enumerate(features):
        surrogate.add(i, row)
    assert not len(surrogate.told)
    assert not surrogate.observe(99)
    for i in (3, 1):
        assert surrogate.observe(i)
    assert surrogate.told.tolist() == [1, 3]
    surrogate.fit(values[[1, 3]])
    assert sorted(surrogate.best().tolist()) == [1, 3]


def test_a_plain_sum_is_learned(surrogate):
    fill(surrogate, 60)
    features, values = points(40, seed=1)
    beliefs = surrogate.beliefs()
    beliefs.extend(features)
    assert np.corrcoef(beliefs.bounds(0.0), values)[0, 1] > 0.5
    assert (beliefs.bounds(2.0) < beliefs.bounds(0.0)).all()


def test_the_best_are_those_of_low_results(surrogate):
    _, values = fill(surrogate, 60)
    assert values[surrogate.best()[:6]].mean() < np.sort(values)[:20].mean()


def test_beliefs_follow_what_is_learned_later_and_what_is_kept(surrogate):
    fill(surrogate, 20)
    features, _ = points(12, seed=1)
    followed = surrogate.beliefs()
    followed.extend(features[:7])
    more, _ = points(300, seed=2)
    for i, row in enumerate(more, 20):  # past any capacity
        surrogate.add(i, row)
        surrogate.observe(i)
        if i == 25:
            followed.extend(features[7:])
    surrogate.fit(np.arange(len(surrogate.told)) % 7.0)
    kept = np.array([9, 2, 0])
    followed.keep(kept)
    fresh = surrogate.beliefs()
    fresh.extend(features[kept])
    np.testing.assert_allclose(followed.bounds(2.0), fresh.bounds(2.0), atol=1e-8)


def test_a_full_one_says_so_and_still_takes_in(surrogate):
    features, _ = points(1000)
    for i, row in enumerate(features):
        surrogate.add(i, row)
        assert surrogate.observe(i)
    assert len(surrogate.told) == len(set(surrogate.told.tolist())) > 50
    assert 999 in surrogate.told


@pytest.mark.parametrize("name", cases.MODELS)
def test_an_optimizer_with_it_finds_and_resumes_to_the_bit(name):
    mechanisms = NoiseFree(model=cases.MODELS[name])
    optimizer, twin = (Minimizer(SPACE, seed=seed, mechanisms=mechanisms) for seed in (0, 1))

    def run(one, n):
        for _ in range(n):
            point = one.ask()
            one.tell(point, float(np.abs(point.codes - 1).sum()))

    run(optimizer, 40)
    twin.load_state_dict(optimizer.state_dict())
    for one in (optimizer, twin):
        run(one, 20)
    assert oracles.exact(twin.state_dict()) == oracles.exact(optimizer.state_dict())
    assert optimizer.best.loss == 0
