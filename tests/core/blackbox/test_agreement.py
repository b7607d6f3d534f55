"""What cheap evidence says of the highest fidelity, against the textbook's formulas."""

import numpy as np
import pytest

from asng_core.blackbox.agreement import Agreement
from asng_core.blackbox.gaussian_process import LENGTH_SCALES, squared_distances
from asng_core.blackbox.kernel import Kernel

KERNEL = Kernel(np.arange(4), 4, LENGTH_SCALES, (0.01,))


def case(n=14, n_levels=3, seed=0, noise=0.3):
    """Features, losses that are the noisier the cheaper, and status, all known."""
    rng = np.random.default_rng(seed)
    features = rng.random((n, 4))
    truth = features @ [3.0, -2.0, 1.0, 0.5]
    losses = truth[:, None] + noise * np.arange(n_levels)[::-1] * rng.normal(size=(n, n_levels))
    return features, losses, np.ones(losses.shape, dtype=np.int64)


def unknown(m, n_levels=3):
    return np.full((m, n_levels), np.nan)


def test_where_all_is_known_at_all_levels_the_lower_ones_say_nothing_more():
    features, losses, status = case()
    others = np.random.default_rng(1).random((20, 4))
    means, deviations = Agreement(KERNEL, features, losses, status).beliefs(others, unknown(20))
    alone = Agreement(KERNEL, features, losses[:, -1:], status[:, -1:])
    expected, spread = alone.beliefs(others, unknown(20, 1))
    assert means == pytest.approx(expected)
    covariance = KERNEL.covariance(squared_distances(features, features)) + KERNEL.noise * np.eye(len(features))
    k = KERNEL.covariance(squared_distances(others, features))
    assert expected == pytest.approx(k @ np.linalg.solve(covariance, alone.z[:, 0]))  # Rasmussen and Williams, eq. 2.25
    left = 1 - np.einsum("ij,ij->i", k, np.linalg.solve(covariance, k.T).T)  # eq. 2.26
    assert spread**2 / left == pytest.approx(spread[0]**2 / left[0])
    assert (deviations > 0).all()


@pytest.mark.parametrize(("noise", "least", "most"), [(0.05, 0.45, 1.0), (100.0, -0.3, 0.4)])
def test_trust_is_learned(noise, least, most):
    found = [Agreement(KERNEL, *case(40, seed=seed, noise=noise)).correlations for seed in range(5)]
    assert least < np.mean([each[0] for each in found]) < most
    assert all(each[-1] == 1.0 for each in found)


def test_a_fidelity_of_the_other_sign_is_trusted_with_its_sign():
    features, losses, status = case(40, 2, noise=0.05)
    agreement = Agreement(KERNEL, features, np.column_stack([-losses[:, 1], losses[:, 1]]), status)
    assert agreement.correlations[0] < -0.5


def test_cheap_evidence_moves_the_belief_of_its_point_and_its_neighbours():
    features, losses, status = case(30, 2, noise=0.05)
    status[20:, 1] = -1  # the last ten are known at the lower level alone
    agreement = Agreement(KERNEL, features, losses, status)
    assert np.corrcoef(agreement.means[20:], losses[20:, 1])[0, 1] > 0.9
    one, other = agreement.z[20:].copy(), unknown(10, 2)
    known, guessed = (agreement.beliefs(features[20:], z)[1] for z in (one, other))
    assert (known < guessed).all()


def test_the_first_result_at_the_highest_keeps_the_order_of_the_level_below():
    features, losses, status = case(12, 2, noise=0.05)
    status[:, 1] = -1
    status[int(np.argsort(losses[:, 0])[6]), 1] = 1  # a mediocre one
    agreement = Agreement(KERNEL, features, losses, status)
    below = np.argsort(losses[:, 0])
    assert agreement.means[below[0]] < agreement.means[below[-1]]
    assert agreement.losses(np.zeros(1)) == pytest.approx(losses[below[6], 1])


def test_where_all_have_failed_their_neighbours_are_believed_bad():
    features, losses, status = case(10, 1)
    failed = Agreement(KERNEL, features, np.full(losses.shape, np.nan), 0 * status)
    near, far = failed.beliefs(np.array([features[0], features[0] + 50.0]), unknown(2, 1))[0]
    assert near > far == pytest.approx(0.0, abs=1e-2)
    assert failed.losses(np.zeros(1)) is None
