import math

import numpy as np
import pytest

from asng_core.distribution.step_size import StepSize


def unit(rng, n):
    vector = rng.standard_normal(n)
    return vector / np.linalg.norm(vector)


def test_one_update_follows_the_paper():
    parameters = StepSize(4, initial=0.5, alpha=1.5)
    direction = np.array([0.6, 0.8, 0.0, 0.0])
    state = parameters.update(parameters.start(), direction)
    beta = 0.5 / math.sqrt(4)
    assert state.s == pytest.approx(math.sqrt(beta * (2 - beta)) * direction)
    assert state.gamma == pytest.approx(beta * (2 - beta))
    assert state.Delta == pytest.approx(math.exp(beta * beta * (2 - beta) * (1 - 1 / 1.5)))


def test_noise_shortens_the_step_and_a_steady_direction_lengthens_it():
    parameters, rng = StepSize(50), np.random.default_rng(1)
    noisy = steady = parameters.start()
    direction = unit(rng, 50)
    for _ in range(300):
        noisy, steady = parameters.update(noisy, unit(rng, 50)), parameters.update(steady, direction)
    assert parameters.length(noisy) < 0.5 < 2 < parameters.length(steady)


@pytest.mark.parametrize("n_theta", [1, 2, 120])
@pytest.mark.parametrize("initial", [1e-3, 1.0, 100.0])
def test_the_length_never_exceeds_where_beta_reaches_one(n_theta, initial):
    parameters = StepSize(n_theta, initial=initial)
    state, direction = parameters.start(), np.eye(n_theta)[0]
    for _ in range(5000):
        state = parameters.update(state, direction)
        assert parameters.length(state) <= math.sqrt(n_theta) * (1 + 1e-12)
    assert math.isfinite(state.Delta)
    assert state.gamma <= 1 + 1e-12


def test_a_fixed_step_size_stays():
    parameters = StepSize(3, initial=0.2, adapt=False)
    state = parameters.update(parameters.start(), np.eye(3)[0])
    assert parameters.length(state) == 0.2
