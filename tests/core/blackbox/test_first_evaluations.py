"""What is asked while results are few."""

import itertools

import numpy as np
import pytest

from asng_core import Categorical, Integer, Minimizer, Real, Space
from asng_core.blackbox.kernel import rational_quadratic, squared_exponential
from asng_core.blackbox.noise_free import NoiseFree
from asng_core.blackbox.posterior import GaussianProcess
from asng_core.blackbox.sources import Sampled
from asng_core.distribution.geometry import Geometry
from asng_core.distribution.search_distribution import SearchDistribution

SPACE = Space({f"x{i}": Integer(0, 1000) for i in range(2)})


def test_all_length_scales_are_the_mean_over_exponentially_distributed_ones():
    distances = np.array([0.0, 0.1, 1.0, 7.0])
    rates = (np.arange(200_000) + 0.5) / 5000  # midpoints, from 0 to 40
    mean = [(squared_exponential(rates * each) * np.exp(-rates)).sum() / 5000 for each in distances]
    np.testing.assert_allclose(rational_quadratic(distances), mean, rtol=1e-6)


@pytest.mark.parametrize(("space", "noisy", "all_scales", "expected"), [
    (SPACE, False, True, 0.5), (SPACE, False, False, np.exp(-1)), (SPACE, True, True, np.exp(-1)),
    (Space({"c": Categorical(["a", "b"]), "x": Real(0, 1)}), False, True, np.exp(-1))])
def test_a_model_without_noise_or_reals_has_all_length_scales_at_once(space, noisy, all_scales, expected):
    geometry = Geometry(SearchDistribution(space))
    kernel = GaussianProcess(all_scales=all_scales).surrogate(geometry, noisy=noisy).kernel
    assert kernel.covariance(np.array([2 * kernel.length_scale]))[0] == pytest.approx(expected)


def test_the_first_points_are_farther_apart_than_draws():
    def least(codes):
        return min(np.linalg.norm(a - b) for a, b in itertools.combinations(codes / 1000, 2))

    asked, drawn = [], []
    for seed in range(20):
        optimizer = Minimizer(SPACE, seed=seed)
        asked.append(least(optimizer.ask(5).codes.astype(float)))
        drawn.append(least(Minimizer(SPACE, seed=seed).ask(5, mirrored=True).codes.astype(float)))
    assert np.mean(asked) > 1.5 * np.mean(drawn)


def test_the_fewer_results_the_more_candidates():
    numbers = []

    class Counted(Sampled):
        def propose(self, parents, geometry, rng):
            numbers.append(self.n)
            return super().propose(parents, geometry, rng)

    optimizer = Minimizer(SPACE, seed=0, mechanisms=NoiseFree(sources=(Counted(3),), unscreened=(Sampled(3),)))
    for number in range(130):
        optimizer.tell(optimizer.ask(), -number)  # never stalled
    assert numbers[:45] == [24] * 45  # of 5 to 49 results; 8 times
    assert numbers[45:75:10] == [3 * (400 // n) for n in (50, 60, 70)]
    assert numbers[-1] == 9
